"""docs/quickstart.sh, run as a newcomer runs it."""

import json
import os
import re
import signal
import struct
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.browser import DRIVER
from support.daemons import STOP_TIMEOUT
from support.npm import install
from support.wait import wait_until

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "quickstart.sh"
LAST_LINE = "Ctrl-C ends all of it and leaves nothing behind.\n"

WIDTHS = {"desktop": 1280, "phone": 390}

# The first run fetches moto and React; each may wait for a busy machine.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where the script has its folders."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def command(build: Path, scratch: Path) -> list[str]:
    """As from a terminal: Ctrl-C is not ignored, whoever runs the tests."""
    return [
        "env", f"CLICKSPOOL_BUILD={build}", f"TMPDIR={scratch}",
        "--default-signal=INT", "sh", os.fspath(SCRIPT),
    ]  # fmt: skip


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )


@pytest.fixture
def options() -> list[str]:
    return ["--without-browsers"]


@pytest.fixture
def quickstart(
    command: list[str], options: list[str], scratch: Path
) -> Iterator[subprocess.Popen[str]]:
    """Running, in a session of its own."""
    with subprocess.Popen(
        [*command, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=scratch,
        start_new_session=True,
    ) as process:
        yield process
        if process.poll() is None:
            process.terminate()


def session(number: int) -> dict[int, str]:
    """What runs in a session: pids and command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(") ")[2].split()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended
        if int(stat[3]) == number and stat[0] != "Z":
            found[int(folder.name)] = command.replace(b"\0", b" ").decode()
    return found


def browsers(scratch: Path) -> list[int]:
    """Browsers have sessions of their own, but a folder of ours."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = file.read_bytes().decode(errors="replace")
        except OSError:
            continue  # it has ended
        if f"--user-data-dir={scratch}" in command:
            found.append(int(file.parent.name))
    return found


def sockets_of(scratch: Path) -> Path:
    """The folder that is outside, for short paths."""
    (config,) = scratch.glob("*/clickspool.conf")
    found = re.search("unix:(/.*)/log.sock", config.read_text())
    assert found
    return Path(found[1])


def output_up_to(process: subprocess.Popen[str], last: str) -> str:
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line == last:
            return "".join(lines)
    raise AssertionError("ended early: " + "".join(lines))


@pytest.mark.browser
def test_check_finds_every_click_and_the_picture_exactly_once(
    command: list[str], scratch: Path, tmp_path: Path
) -> None:
    """The screenshots stay in the test's own folder, or where
    $CLICKSPOOL_SCREENSHOTS says, for people to look at."""
    shots = Path(os.environ.get("CLICKSPOOL_SCREENSHOTS", tmp_path / "screenshots"))
    shots.mkdir(exist_ok=True)
    install(DRIVER)
    done = run(
        [*command, "--check"],
        CLICKSPOOL_SCREENSHOTS=os.fspath(shots),
        CLICKSPOOL_AXE=os.fspath(DRIVER / "node_modules" / "axe-core" / "axe.min.js"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "29 events, each once, with identity and product fields" in done.stdout
    assert "3 crud create, 1 upload complete, 1 upload presign" in done.stdout
    assert "230 of 230 accepted events arrived" in done.stdout
    assert "0 missing, 0 twice, 0 never accepted" in done.stdout
    assert list(scratch.iterdir()) == []
    for page in ("browse", "product", "checkout-customer", "upload", "ops"):
        for screen, width in WIDTHS.items():
            png = (shots / f"{page}-{screen}.png").read_bytes()
            assert struct.unpack(">I", png[16:20])[0] == width, page


def test_check_does_without_a_browser(command: list[str], scratch: Path) -> None:
    done = run([*command, "--without-browsers", "--check"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 upload complete, 1 upload presign" in done.stdout
    assert "201 of 201 accepted events arrived" in done.stdout
    assert list(scratch.iterdir()) == []


def test_a_browser_that_is_not_there_is_named_before_anything_is_done(
    command: list[str], scratch: Path
) -> None:
    done = run(command, CHROMIUM="no-such-browser")
    assert done.returncode == 69
    assert "no-such-browser" in done.stderr
    assert "--without-browsers" in done.stderr
    assert list(scratch.iterdir()) == []


def fetch(url: str, **headers: str) -> tuple[str, str]:
    """The body, and whom the answer lets read it."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as got:
        return got.read().decode(), got.headers["Access-Control-Allow-Origin"]


def test_stays_up_for_what_it_says_to_try_and_leaves_nothing(
    quickstart: subprocess.Popen[str], scratch: Path
) -> None:
    shown = output_up_to(quickstart, LAST_LINE)
    curl = re.search(r"^ +(curl .*)$", shown, re.MULTILINE)
    audit = re.search(r"^ +(\S+clickspoolctl .* audit)$", shown, re.MULTILINE)
    shop, ops = re.findall(r"^    (http://[0-9.:]+)/$", shown, re.MULTILINE)
    assert curl and audit, shown
    assert "<title>Saltmarsh</title>" in fetch(f"{shop}/product/straw-hat")[0]
    assert "<title>clickspool" in fetch(f"{ops}/")[0]
    ingest = json.loads(fetch(f"{shop}/config.json")[0])["endpoint"]
    assert urlsplit(ingest).netloc not in (urlsplit(shop).netloc, urlsplit(ops).netloc)
    health = ingest.replace("/events", "/healthz")
    assert fetch(health, Origin=shop)[1] == shop
    answer = subprocess.run(
        ["sh", "-c", curl[1]], capture_output=True, text=True, check=True
    )
    assert answer.stdout.startswith("HTTP/1.1 202 "), answer
    assert '"accepted":1,' in answer.stdout
    subprocess.run(["sh", "-c", audit[1]], check=True, stdout=subprocess.DEVNULL)
    assert len(session(quickstart.pid)) >= 5, "the script and its four servers"
    sockets = sockets_of(scratch)

    quickstart.send_signal(signal.SIGINT)
    assert quickstart.wait(3 * STOP_TIMEOUT) == 130
    assert session(quickstart.pid) == {}
    assert list(scratch.iterdir()) == [] and not sockets.exists()


def test_a_daemon_that_dies_ends_it_with_its_log(
    quickstart: subprocess.Popen[str], scratch: Path
) -> None:
    output_up_to(quickstart, LAST_LINE)
    running = session(quickstart.pid).items()
    (ingest,) = [pid for pid, command in running if "clickspool-ingest" in command]
    os.kill(ingest, signal.SIGKILL)
    assert quickstart.wait(4 * STOP_TIMEOUT) == 70
    assert quickstart.stdout
    assert "--- ingest.log\n" in quickstart.stdout.read()
    assert session(quickstart.pid) == {}
    assert list(scratch.iterdir()) == []


@pytest.mark.browser
@pytest.mark.parametrize("options", [[]])
def test_ctrl_c_in_the_middle_of_the_walk_leaves_nothing(
    quickstart: subprocess.Popen[str], scratch: Path
) -> None:
    output_up_to(quickstart, "Walking through the shop:\n")
    wait_until(lambda: len(browsers(scratch)) > 2)
    sockets = sockets_of(scratch)
    quickstart.send_signal(signal.SIGINT)
    assert quickstart.wait(4 * STOP_TIMEOUT) == 130
    assert session(quickstart.pid) == {}
    assert browsers(scratch) == []
    assert list(scratch.iterdir()) == [] and not sockets.exists()
