"""The real programs, started in a folder of their own.

    with Site(build) as site:
        site.aws(cloud)
        site.ingest.start()
        site.shipper.start()
        site.ingest.post({"eventName": "page_view", ...})

A site is one scratch folder and one configuration for all three programs.
Whatever is still running at its end is stopped; an exit code that is not 0
then, and a sanitizer's report in a daemon's stderr, is an error.
"""

import contextlib
import copy
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self

from .client import LOG_GROUP, LOG_STREAM
from .http import Response, post_events, request
from .meter import Meter
from .notify import NotifySocket
from .standin import ACCESS_KEY, REGION, SECRET_KEY, StandIn

Config = dict[str, dict[str, Any]]
Done = subprocess.CompletedProcess[str]

START_TIMEOUT = 20.0
PORTS = range(10_000, 32_000)
STOP_TIMEOUT = 10.0  # the programs' own promise

_REPORT = re.compile(
    r"(?:ERROR|WARNING): \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer"
)
_SANITIZERS = {
    "ASAN_OPTIONS": "exitcode=99:halt_on_error=1:detect_leaks=1",
    "LSAN_OPTIONS": "exitcode=99",
    "UBSAN_OPTIONS": "exitcode=99:halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "exitcode=99:halt_on_error=1",
}
_LIBASAN = "libasan.so"


def _own_ports() -> range:
    """Below those that the kernel hands out by itself, and where several test
    processes run side by side, for each its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if not worker:
        return PORTS
    number = int(worker.removeprefix("gw"))
    count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    return PORTS[number * len(PORTS) // count : (number + 1) * len(PORTS) // count]


_given: set[int] = set()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and none twice."""
    ports = _own_ports()
    for _ in range(len(ports)):
        port = random.choice(ports)
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port
    raise AssertionError("no free port")


@cache
def uses_asan(program: Path) -> bool:
    listing = subprocess.run(
        ["ldd", os.fspath(program)], capture_output=True, text=True, check=False
    )
    return _LIBASAN in listing.stdout


@cache
def _asan_library() -> str:
    found = subprocess.run(
        ["gcc", f"-print-file-name={_LIBASAN}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return os.path.realpath(found.stdout.strip())


class Daemon:
    """One daemon of a site, running or not."""

    name = ""
    path = ""  # below the build folder

    def __init__(self, site: "Site") -> None:
        self.site = site
        self.program = site.build / self.path
        self.stderr_path = site.folder / f"{self.name}.err"
        self.env: dict[str, str] = {}  # on top of the site's
        self.meter = Meter()
        self.notices: NotifySocket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._wrapped = False

    # Life

    def start(
        self,
        *,
        wrap: Sequence[str] = (),
        preload: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        args: Sequence[str] = (),
        wait: bool = True,
    ) -> Self:
        """Start it and wait until it is ready.

        @wrap: a command that runs the daemon (strace -o F, prlimit --as=N).
        @preload: libraries for LD_PRELOAD, after ASan's where that is linked.
        @wait: False where a start is expected to fail or to take long.
        """
        assert self._process is None, f"{self.name} runs already"
        self.site.write_config()
        self.notices = NotifySocket(self.site.folder / f"{self.name}.notify")
        command = [os.fspath(self.program), "--config", os.fspath(self.site.conf)]
        environment = self.site.environment() | self.env | dict(env or {})
        environment["NOTIFY_SOCKET"] = os.fspath(self.notices.path)
        if any("strace" in word for word in wrap):  # a tracer keeps LSan out
            environment["ASAN_OPTIONS"] += ":detect_leaks=0"
        if preload:
            libraries = [*map(os.fspath, preload)]
            if uses_asan(self.program):
                libraries.insert(0, _asan_library())
            command = ["env", f"LD_PRELOAD={':'.join(libraries)}", *command]
        if wrap and uses_asan(self.program):
            environment["ASAN_OPTIONS"] += ":verify_asan_link_order=0"

        with self.stderr_path.open("ab") as stderr:
            self._process = subprocess.Popen(
                [*wrap, *command, *args],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env=environment,
                cwd=self.site.folder,
                start_new_session=True,
            )
        self._wrapped = bool(wrap)
        self._pid = self._process.pid
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout: float = START_TIMEOUT) -> None:
        """Until READY=1, and the meter runs; AssertionError where it ends or
        takes too long."""
        assert self._process, f"{self.name} is not running"
        assert self.notices
        deadline = time.monotonic() + timeout
        while not self.notices.wait("READY=1", 0.05):
            code = self._process.poll()
            assert code is None, f"{self.name} ended with {code}: {self.stderr()}"
            late = time.monotonic() > deadline
            assert not late, f"{self.name} is not ready: {self.stderr()}"
        self._pid = self.notices.sender or self._pid
        self.meter.start(self._pid)

    @property
    def pid(self) -> int:
        """The daemon's own, not its wrapper's."""
        assert self._process, f"{self.name} is not running"
        return self._pid

    @property
    def attached(self) -> bool:
        """Whether it was started, and nobody has seen it end yet."""
        return self._process is not None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def hang_up(self, timeout: float = 5.0) -> None:
        """SIGHUP, and wait until the reload is over."""
        assert self.notices
        count = self.notices.count("READY=1")
        self.signal(signal.SIGHUP)
        done = self.notices.wait("READY=1", timeout, count + 1)
        assert done, f"{self.name} did not reload: {self.stderr()}"

    def wait_exit(self, timeout: float = STOP_TIMEOUT) -> int:
        """Its exit code once it has ended by itself; negative: by signal."""
        assert self._process, f"{self.name} is not running"
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.meter.stop()
            os.kill(self._pid, signal.SIGKILL)
            self._process.wait(STOP_TIMEOUT)
            self._release()
            raise AssertionError(
                f"{self.name} did not end in {timeout} s: {self.stderr()}"
            ) from None
        self._release()
        return code

    def stop(self) -> int:
        """SIGTERM, and its exit code; AssertionError where that takes longer
        than promised."""
        self.meter.stop()
        if self.running():
            self.signal(signal.SIGTERM)
        return self.wait_exit()

    def kill(self) -> None:
        """kill -9."""
        self.meter.stop()
        if self.running():
            self.signal(signal.SIGKILL)
        self.wait_exit()

    def restart(self) -> None:
        code = self.stop()
        assert code == 0, f"{self.name} ended with {code}: {self.stderr()}"
        self.start()

    def _release(self) -> None:
        """Forget a process that has ended."""
        assert self._process, f"{self.name} is not running"
        self.meter.stop()
        if self._wrapped:  # a wrapper may end before what it runs
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process = None
        if self.notices:
            self.notices.close()

    # What it leaves behind

    def stderr(self) -> str:
        """All it ever wrote, over its restarts."""
        if not self.stderr_path.exists():
            return ""
        return self.stderr_path.read_text(errors="replace")

    def reports(self) -> list[str]:
        """Lines in which a sanitizer complains."""
        return [line for line in self.stderr().splitlines() if _REPORT.search(line)]


class Ingest(Daemon):
    name = "ingest"
    path = "ingest/clickspool-ingest"

    @property
    def port(self) -> int:
        return int(self.site.config["listen"]["public"].rpartition(":")[2])

    @property
    def admin_port(self) -> int:
        return int(self.site.config["listen"]["admin"].rpartition(":")[2])

    def post(self, events: Any, headers: Mapping[str, str] | None = None) -> Response:
        return post_events(self.port, events, headers)

    def wait_ready(self, timeout: float = START_TIMEOUT) -> None:
        super().wait_ready(timeout)
        if "tls" in self.site.config:
            return
        answer = request(self.port, "GET", "/healthz")
        assert answer.status == 200, f"{answer}: {self.stderr()}"


class Shipper(Daemon):
    name = "shipper"
    path = "shipper/clickspool-shipper"


class Site:
    """A scratch folder, a configuration, the two daemons and clickspoolctl."""

    def __init__(self, build: Path, config: Config | None = None) -> None:
        self.build = build
        # Short, as the paths of Unix sockets are at most 107 bytes long.
        self.folder = Path(tempfile.mkdtemp(prefix="clickspool-"))
        self.spool = self.folder / "spool"
        self.spool.mkdir(mode=0o2770)
        (self.folder / "state").mkdir(mode=0o700)
        self.conf = self.folder / "clickspool.conf"
        self.config = self._defaults()
        self.configure(config or {})
        self.env: dict[str, str] = {}  # of all programs, on top of the usual
        self.ingest = Ingest(self)
        self.shipper = Shipper(self)

    def _defaults(self) -> Config:
        return {
            "aws": {"region": REGION},
            "spool": {
                "dir": self.spool,
                "state_dir": self.folder / "state",
                "segment_size": "4MiB",
                "min_free": "16MiB",
            },
            "listen": {
                "public": f"127.0.0.1:{free_port()}",
                "internal": f"unix:{self.folder}/log.sock",
                "admin": f"127.0.0.1:{free_port()}",
            },
            "rate": {"per_ip": 0},
            "secrets": {"app_config": ""},
            "broker": {"socket": self.folder / "broker.sock"},
            "shipper": {
                "log_group": LOG_GROUP,
                "log_stream": LOG_STREAM,
                "linger": "200ms",
                "resolve_wait": "2s",
                "heartbeat": "0s",
            },
        }

    def configure(self, config: Config) -> None:
        """Change settings; they count from the next start or SIGHUP."""
        for section, values in copy.deepcopy(config).items():
            self.config.setdefault(section, {}).update(values)

    def aws(self, cloud: StandIn) -> None:
        """Ship to this stand-in."""
        self.configure({"aws": {"endpoint_url": cloud.url}})

    def write_config(self) -> Path:
        lines: list[str] = []
        for section, values in self.config.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {value}" for key, value in values.items()]
        self.conf.write_text("\n".join([*lines, ""]))
        return self.conf

    def environment(self) -> dict[str, str]:
        """All that a program of ours sees of the tests' environment."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.fspath(self.folder),
            "LANG": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
            **_SANITIZERS,
            **self.env,
        }

    def run(self, program: str, *args: str, timeout: float = 30.0) -> Done:
        """Run one of the programs to its end; the caller judges its code."""
        self.write_config()
        done = subprocess.run(
            [os.fspath(self.build / program), "--config", os.fspath(self.conf), *args],
            capture_output=True,
            text=True,
            env=self.environment(),
            cwd=self.folder,
            timeout=timeout,
            check=False,
        )
        assert not _REPORT.search(done.stderr), done.stderr
        return done

    def ctl(
        self, *args: str, timeout: float = 30.0
    ) -> subprocess.CompletedProcess[str]:
        """clickspoolctl; the caller judges its code."""
        done = self.run("shipper/clickspoolctl", *args, timeout=timeout)
        assert not _REPORT.search(done.stderr), done.stderr
        return done

    def close(self) -> None:
        """Stop what runs, remove the folder, and complain of what the
        sanitizers found, and of what ended in another way than it should."""
        complaints: list[str] = []
        for daemon in (self.ingest, self.shipper):
            try:
                if daemon.attached and (code := daemon.stop()) != 0:
                    complaints.append(f"{daemon.name} ended with {code}")
            except AssertionError as error:
                complaints.append(str(error))
            if daemon.reports():
                complaints.append(f"{daemon.name}: {daemon.stderr()[-20000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)
        if complaints:
            raise AssertionError("\n".join(complaints))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


MakeSite = Callable[..., Site]  # see the fixture make_site
