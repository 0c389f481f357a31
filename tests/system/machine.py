"""A machine of the test's own: a booted systemd, its own network, an overlay
of some root whose changes are gone at its end.

    with Machine() as machine:
        machine.run("systemctl", "start", "clickspool-ingest")
        with machine.network():
            request(8080, "GET", "/healthz")
"""

import contextlib
import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from support.wait import wait_until

BOOT = Path(__file__).with_name("boot.sh")
CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")
CLONE_NEWNET = 0x40000000
ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
    "DEBIAN_FRONTEND=noninteractive",
)
BOOT_TIMEOUT = 30.0
UP = {"running", "degraded"}

Done = subprocess.CompletedProcess[str]

_numbers = itertools.count(1)  # names of machines: letters, digits, hyphens
_libc = ctypes.CDLL(None, use_errno=True)


def _enter_network(fd: int) -> None:
    if _libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Machine:
    def __init__(self, lower: Path = Path("/")) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="clickspool-machine-"))
        self.name = f"clickspool-{os.getpid()}-{next(_numbers)}"
        self.lower = lower

    def __enter__(self) -> Self:
        self.console = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--propagation",
             "private", "sh", BOOT, self.folder, self.lower, self.name],
            stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console,
        )  # fmt: skip
        try:
            wait_until(self._booted, BOOT_TIMEOUT)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        leader = self._leader()
        if leader:
            os.kill(leader, signal.SIGKILL)
        self._process.kill()
        self._process.wait(10)
        self.console.close()
        self.folder.rmdir()
        wait_until(self._remove_cgroups)

    def _remove_cgroups(self) -> bool:
        """Whether they are gone: those of a process that is just ending stay."""
        left = False
        for tree in CGROUPS:
            for folder, _, _ in os.walk(f"{tree}/{self.name}", topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    left = True
        return not left

    def _leader(self) -> int | None:
        """The machine's process 1."""
        pid = self._process.pid
        with contextlib.suppress(OSError, IndexError):
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            leader = int(children.split()[-1])
            if Path(f"/proc/{leader}/comm").read_text() == "systemd\n":
                return leader
        return None

    def _booted(self) -> bool:
        if self._process.poll() is not None:
            self.console.seek(0)
            raise AssertionError(f"no machine: {self.console.read()!r}")
        if not self._leader():
            return False
        state = self.run("systemctl", "is-system-running", check=False)
        return state.stdout.strip() in UP

    def inside(self, *command: str) -> list[str]:
        """A command line that runs @command in it, as root."""
        enter = ["nsenter", "--target", str(self._leader()), "--all", "--"]
        return [*enter, "env", "-i", *ENVIRONMENT, *command]

    def run(self, *command: str, check: bool = True) -> Done:
        """A command in it, as root."""
        done = subprocess.run(
            self.inside(*command), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, start_new_session=True,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def path(self, path: str) -> Path:
        """A file of it, as the tests see it."""
        return Path(f"/proc/{self._leader()}/root") / path.lstrip("/")

    def write(self, path: str, text: str) -> None:
        place = self.path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def copy(self, file: Path, path: str) -> None:
        shutil.copy(file, self.path(path))

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """What this thread opens meanwhile, and the threads that it starts, is
        in the machine's network."""
        with (
            open(f"/proc/{threading.get_native_id()}/ns/net") as own,
            open(f"/proc/{self._leader()}/ns/net") as other,
        ):
            _enter_network(other.fileno())
            try:
                yield
            finally:
                _enter_network(own.fileno())

    # Its systemd

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def journal(self, unit: str = "clickspool*") -> str:
        return self.run("journalctl", "-o", "cat", "--no-pager", "-u", unit).stdout

    def wait_for(self, unit: str, state: str = "active", timeout: float = 20) -> None:
        deadline = time.monotonic() + timeout
        while self.show(unit, "ActiveState") != state:
            late = time.monotonic() > deadline
            assert not late, f"{unit} is not {state}: {self.journal(unit)[-3000:]}"
            time.sleep(0.05)
