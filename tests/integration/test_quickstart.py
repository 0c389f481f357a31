"""docs/quickstart.sh, run as a newcomer runs it."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.daemons import STOP_TIMEOUT

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "quickstart.sh"
LAST_LINE = "Ctrl-C ends all of it and leaves nothing behind.\n"

# The first run fetches moto; each may wait for a busy machine.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def command(build: Path, tmp_path: Path) -> list[str]:
    """As from a terminal: Ctrl-C is not ignored, whoever runs the tests."""
    return [
        "env", f"CLICKSPOOL_BUILD={build}", f"TMPDIR={tmp_path}",
        "--default-signal=INT", "sh", os.fspath(SCRIPT),
    ]  # fmt: skip


@pytest.fixture
def quickstart(command: list[str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Running, in a session of its own."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
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


def output_up_to(process: subprocess.Popen[str], last: str) -> str:
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line == last:
            return "".join(lines)
    raise AssertionError("ended early: " + "".join(lines))


def test_check_finds_every_accepted_event_exactly_once(
    command: list[str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [*command, "--check"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "201 of 201 accepted events arrived" in done.stdout
    assert "0 missing, 0 twice, 0 never accepted" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_stays_up_for_what_it_says_to_try_and_leaves_nothing(
    quickstart: subprocess.Popen[str], tmp_path: Path
) -> None:
    shown = output_up_to(quickstart, LAST_LINE)
    curl = re.search(r"^ +(curl .*)$", shown, re.MULTILINE)
    audit = re.search(r"^ +(\S+clickspoolctl .* audit)$", shown, re.MULTILINE)
    assert curl and audit, shown
    answer = subprocess.run(
        ["sh", "-c", curl[1]], capture_output=True, text=True, check=True
    )
    assert answer.stdout.startswith("HTTP/1.1 202 "), answer
    assert '"accepted":1,' in answer.stdout
    subprocess.run(["sh", "-c", audit[1]], check=True, stdout=subprocess.DEVNULL)
    assert len(session(quickstart.pid)) >= 4, "the script and its three servers"

    quickstart.send_signal(signal.SIGINT)
    assert quickstart.wait(3 * STOP_TIMEOUT) == 130
    assert session(quickstart.pid) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_daemon_that_dies_ends_it_with_its_log(
    quickstart: subprocess.Popen[str], tmp_path: Path
) -> None:
    output_up_to(quickstart, LAST_LINE)
    running = session(quickstart.pid).items()
    (ingest,) = [pid for pid, command in running if "clickspool-ingest" in command]
    os.kill(ingest, signal.SIGKILL)
    assert quickstart.wait(4 * STOP_TIMEOUT) == 70
    assert quickstart.stdout
    assert "--- ingest.log\n" in quickstart.stdout.read()
    assert session(quickstart.pid) == {}
    assert list(tmp_path.iterdir()) == []
