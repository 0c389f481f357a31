"""clickspoolctl over spools that ingest wrote, and over some that it never
would: what is shown, what is not, and the exit codes."""

import json
import os
import pty
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.craft import (
    T0,
    chain,
    checkpoint,
    control,
    dead_letter,
    entry,
    event_id,
    line,
    name,
)
from support.daemons import MakeSite, Site
from support.shop import event
from support.spool import read_spool, segment_names

SMALL = {"spool": {"segment_size": "64KiB", "min_free": "1MiB"}}
WAIT = 30.0
COMMANDS = ("status", "ls", "tail", "cat", "stats", "verify", "audit")
OK, FINDINGS, USAGE, UNREACHABLE, CORRUPT, CONFIG = 0, 1, 2, 3, 5, 78


@pytest.fixture
def spool(make_site: MakeSite) -> Site:
    """A site whose spool is empty; nothing runs."""
    return make_site()


def post(site: Site, *events: dict[str, Any]) -> list[str]:
    answer = site.ingest.post(list(events))
    assert answer.status == 202, answer
    return [item["eventId"] for item in events]


def run(site: Site, *args: str, code: int = OK) -> str:
    """What clickspoolctl says on stdout."""
    done = site.ctl(*args)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def rows(site: Site, *args: str, code: int = OK) -> list[dict[str, Any]]:
    return [json.loads(row) for row in run(site, *args, code=code).splitlines()]


def shown(site: Site, *args: str) -> list[str]:
    return [row["eventId"] for row in rows(site, *args)]


def findings(site: Site, code: int) -> list[tuple[str, str, int]]:
    """What verify finds: kind, segment, offset; a summary comes last."""
    *found, summary = rows(site, "verify", "--json", code=code)
    assert summary["findings"] == len(found)
    assert summary["corrupt"] == (code == CORRUPT)
    return [(row["finding"], row["segment"], row["offset"]) for row in found]


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


# The command line


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("frobnicate",),
        ("--frobnicate", "ls"),
        ("ls", "--frobnicate"),
        ("ls", "operand"),
        ("cat", "--where", "no equals sign"),
        ("cat", "--since", "yesterday"),
        ("cat", "no-segment"),
        ("stats", "operand"),
        ("stats", "--until", "now"),
        ("tail", "-n", "-1"),
        ("tail", "-n", ""),
        ("status", "--watch", "0"),
    ],
)
def test_a_wrong_command_line_is_exit_2(spool: Site, args: tuple[str, ...]) -> None:
    done = spool.ctl(*args)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "--help" in done.stderr or "Usage" in done.stderr


def test_a_slip_of_the_hand_is_guessed(spool: Site) -> None:
    assert 'did you mean "status"?' in spool.ctl("staatus").stderr


@pytest.mark.parametrize(
    "command",
    ["", *COMMANDS, "dead", "dead ls", "dead show", "dead export", "insights", "trace"],
)
def test_help_names_every_option(spool: Site, command: str) -> None:
    help_text = run(spool, *command.split(), "--help")
    assert help_text.startswith(f"Usage: clickspoolctl {command}")
    for option in ("--config", "--dir", "--json", "--help"):
        assert option in help_text
    assert max(map(len, help_text.splitlines())) <= 80


def test_a_spool_that_is_not_there_is_exit_3(spool: Site, tmp_path: Path) -> None:
    for command in COMMANDS:
        run(spool, "--dir", os.fspath(tmp_path / "none"), command, code=UNREACHABLE)


def test_a_bad_configuration_and_an_unknown_version_are_exit_78(spool: Site) -> None:
    chain(spool.spool, [entry(1, 1)])
    (spool.spool / "checkpoint.json").write_text('{"version":2}')
    for command in ("status", "ls", "audit"):
        run(spool, command, code=CONFIG)
    about = '"_segment":{"v":2,"prev":"","prevEnd":0,"entries":0}'
    (spool.spool / name(42)).write_bytes(line(1, about))
    run(spool, "cat", code=CONFIG)
    spool.configure({"spool": {"no_such_key": "1"}})
    run(spool, "verify", code=CONFIG)


def test_nobody_is_warned_of_the_daemons_settings(spool: Site) -> None:
    spool.configure({"uploads": {"bucket": "shop"}})
    for command in COMMANDS:
        assert spool.ctl(command).stderr == ""


def test_a_full_disk_under_the_output_is_told(spool: Site) -> None:
    chain(spool.spool, [entry(1, 1)])
    spool.write_config()
    program = spool.build / "shipper" / "clickspoolctl"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [program, "--config", spool.conf, "cat"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=spool.environment(),
            timeout=WAIT,
            check=False,
        )
    assert done.returncode == UNREACHABLE
    assert b"cannot be written" in done.stderr


# ls, cat, tail


def test_ls_tells_of_each_segment(site: Site) -> None:
    site.configure(SMALL)
    site.ingest.start()
    for _ in range(60):
        post(site, *(event() for _ in range(10)))
    entries = read_spool(site.spool)
    listed = rows(site, "ls", "--json")
    names = segment_names(site.spool)
    assert len(names) > 3
    assert [row["segment"] for row in listed] == names
    assert [row["state"] for row in listed] == ["sealed"] * (len(names) - 1) + [
        "active"
    ]
    for row in listed:
        own = [item for item in entries if item.segment == row["segment"]]
        assert row["entries"] == len(own)
        assert row["first"] == own[0].obj["eventTimestamp"]
        assert row["bytes"] == (site.spool / row["segment"]).stat().st_size

    checkpoint(site.spool, int(names[2][:20]), 0, delivered=1)
    assert [row["state"] for row in rows(site, "ls", "--json")[:3]] == [
        "shipped",
        "shipped",
        "sealed",
    ]
    table = run(site, "ls").splitlines()
    assert [row.split()[0] for row in table] == names
    assert "\x1b" not in "".join(table)


def test_ls_tells_of_a_void_segment(spool: Site) -> None:
    (first,) = chain(spool.spool, [entry(1, 1)])
    (spool.spool / name(42)).write_bytes(b"\0" * 100)
    (spool.spool / name(43)).write_bytes(control(2, 41, len(first), 1))
    assert [(row["state"], row["entries"]) for row in rows(spool, "ls", "--json")] == [
        ("sealed", 1),
        ("void", 0),
        ("active", 0),
    ]


def test_cat_prints_the_lines_as_they_are(site: Site) -> None:
    site.configure(SMALL)
    site.ingest.start()
    for _ in range(30):
        post(site, *(event() for _ in range(10)))
    entries = read_spool(site.spool)
    assert run(site, "cat").encode() == b"".join(e.line + b"\n" for e in entries)
    second = segment_names(site.spool)[1]
    own = [e.event_id for e in entries if e.segment == second]
    assert shown(site, "cat", second) == own
    assert shown(site, "cat", str(int(second[:20]))) == own
    run(site, "cat", "77", code=UNREACHABLE)

    dump = site.build / "tests" / "spool_dump"
    done = subprocess.run([dump, site.spool], capture_output=True, check=True)
    assert done.stdout == b"".join(e.line + b"\n" for e in entries)
    assert done.stderr == b""


def test_tail_shows_the_last_ten_over_segments(spool: Site) -> None:
    ids = [event_id(number) for number in range(30)]
    lines = [entry(number, number) for number in range(30)]
    chain(spool.spool, lines[:24], lines[24:25], [], lines[25:])
    assert shown(spool, "tail") == ids[-10:]
    assert shown(spool, "tail", "-n", "3") == ids[-3:]
    assert shown(spool, "tail", "--lines=0") == []
    assert shown(spool, "tail", "-n", "1000") == ids
    assert shown(spool, "tail", "-n", "all") == ids


def test_tail_counts_what_the_filter_lets_through(spool: Site) -> None:
    """Also where the wanted ones lie far apart: more than one chunk."""
    pad = "x" * 2000
    lines = [
        entry(number, number, clientId=f"client-{number % 100:04}", title=pad)
        for number in range(1000)
    ]
    chain(spool.spool, lines[:900], lines[900:])
    wanted = [event_id(number) for number in range(7, 1000, 100)]
    assert shown(spool, "tail", "-n", "4", "--client", "client-0007") == wanted[-4:]
    assert shown(spool, "tail", "--client", "client-0007") == wanted


FILTERED = [
    entry(1, 1, clientId="client-0001", sessionId="session-0001", productId="p1"),
    entry(2, 2, clientId="client-0002", eventName="add_to_cart",
          items=[{"productId": "p1"}, {"productId": "p2", "price": 10.50}]),
    entry(3, 3, clientId="client-0003", logCategory="auth", props={"größe": "XL"}),
    entry(4, 4, clientId="client-0001", sessionId="session-0002", logCategory="auth"),
]


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        ((), [1, 2, 3, 4]),
        (("--event", "add_to_cart"), [2]),
        (("--category", "auth"), [3, 4]),
        (("--client", "client-0001"), [1, 4]),
        (("--client", "client-0001", "--client", "client-0002"), [1, 2, 4]),
        (("--client", "client-0001", "--category", "auth"), [4]),
        (("--session", "session-0002"), [4]),
        (("--product", "p1"), [1, 2]),
        (("--product", "p2"), [2]),
        (("--where", "items.1.price=10.5"), [2]),
        (("--where", "props.größe=XL"), [3]),
        (("--where", "logCategory=auth", "--where", "clientId=client-0001"), [4]),
        (("--where", "logCategory=auth", "--where", "logCategory=crud"), []),
        (("--since", "2026-01-02T03:04:05.003Z"), [3, 4]),
        (("--until", "2026-01-02T03:04:05.003Z"), [1, 2, 3]),
        (("--since", "1h"), []),
    ],
)
def test_filters(spool: Site, args: tuple[str, ...], wanted: list[int]) -> None:
    assert T0 == 1_767_323_045_000  # 2026-01-02T03:04:05Z
    chain(spool.spool, FILTERED[:2], FILTERED[2:])
    ids = [event_id(number) for number in wanted]
    assert shown(spool, "cat", *args) == ids
    assert shown(spool, "tail", *args) == ids


@pytest.mark.parametrize("tail", [b'{"_crc":"0', b"\0" * 4096, entry(9, 9)[:-1]])
def test_a_torn_tail_is_not_shown(spool: Site, tail: bytes) -> None:
    (content,) = chain(spool.spool, [entry(1, 1)])
    (spool.spool / name(41)).write_bytes(content + tail)
    for command in ("cat", "tail"):
        assert shown(spool, command) == [event_id(1)]
    assert findings(spool, OK) == []
    run(spool, "audit")


def test_whole_lines_that_were_never_acknowledged_are_not_shown(site: Site) -> None:
    """ingest's page says where its promises end, to the byte."""
    site.ingest.start()
    ids = post(site, event(), event())
    site.ingest.kill()
    with (site.spool / segment_names(site.spool)[0]).open("ab") as segment:
        segment.write(entry(9, 9))
    for args in (("cat",), ("tail",)):
        assert shown(site, *args) == ids
    assert json.loads(run(site, "audit", "--json"))["accepted"] == len(ids)


# tail -f


class Follower:
    """clickspoolctl tail -f, and what it has shown so far."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path) -> None:
        self.process, self.path = process, path

    def ids(self) -> list[str]:
        whole = self.path.read_bytes().rpartition(b"\n")[0]
        return [json.loads(row)["eventId"] for row in whole.splitlines()]

    def wait(self, count: int) -> list[str]:
        deadline = time.monotonic() + WAIT
        while len(ids := self.ids()) < count:
            assert time.monotonic() < deadline, f"{len(ids)} of {count}"
            assert self.process.poll() is None
            time.sleep(0.05)
        return ids


@contextmanager
def following(site: Site, *args: str) -> Iterator[Follower]:
    site.write_config()
    path = site.folder / "followed"
    program = site.build / "shipper" / "clickspoolctl"
    with path.open("wb") as out:
        process = subprocess.Popen(
            [program, "--config", site.conf, "tail", "-f", *args],
            stdout=out,
            env=site.environment(),
        )
    try:
        yield Follower(process, path)
    finally:
        process.terminate()
        process.wait(WAIT)


def test_tail_follows_over_rotation_kill_and_restart(site: Site) -> None:
    site.configure(SMALL)
    site.ingest.start()
    acknowledged: list[str] = []

    def send(count: int) -> None:
        for _ in range(count):
            acknowledged.extend(post(site, *(event() for _ in range(10))))

    send(1)
    with following(site) as follower:
        assert follower.wait(10) == acknowledged
        send(30)  # over several segments
        assert len(segment_names(site.spool)) > 2
        follower.wait(len(acknowledged))
        site.ingest.kill()
        with (site.spool / segment_names(site.spool)[-1]).open("ab") as segment:
            segment.write(entry(9, 9))  # whole, but never acknowledged
        site.ingest.start()
        send(5)
        site.ingest.restart()
        send(5)
        follower.wait(len(acknowledged))
        post(site, event(clientId="client-last"))
        assert follower.wait(len(acknowledged) + 1)[:-1] == acknowledged


def test_tail_follows_a_spool_that_is_empty_yet(site: Site) -> None:
    with following(site, "--client", "client-0002") as follower:
        site.ingest.start()
        post(site, event(clientId="client-0001"))
        ids = post(site, event(clientId="client-0002"))
        assert follower.wait(1) == ids


def test_tail_ends_when_its_reader_is_gone(spool: Site) -> None:
    chain(spool.spool, [entry(1, 1)])
    spool.write_config()
    process = subprocess.Popen(
        [spool.build / "shipper" / "clickspoolctl", "--config", spool.conf, "tail", "-f"],
        stdout=subprocess.PIPE,
        env=spool.environment(),
    )
    assert process.stdout
    assert json.loads(process.stdout.readline())["eventId"] == event_id(1)
    process.stdout.close()
    assert process.wait(WAIT) == OK


def test_tail_goes_on_where_shipped_segments_are_removed(site: Site) -> None:
    site.configure(SMALL)
    site.ingest.start()
    with following(site) as follower:
        count = 0
        for _ in range(40):
            count += len(post(site, *(event() for _ in range(10))))
            follower.wait(count)
            for old in segment_names(site.spool)[:-1]:
                (site.spool / old).unlink()
        ids = follower.wait(count)
    assert len(set(ids)) == len(ids) == count


# verify


def test_verify_finds_nothing_in_what_ingest_wrote(site: Site) -> None:
    site.configure(SMALL)
    site.ingest.start()
    for _ in range(30):
        post(site, *(event() for _ in range(10)))
    site.ingest.restart()
    post(site, event())
    assert findings(site, OK) == []
    assert "301 entries" in run(site, "verify")


def test_verify_names_a_flipped_bit(spool: Site) -> None:
    lines = [entry(number, number) for number in range(6)]
    first, _ = chain(spool.spool, lines[:3], lines[3:])
    offset = first.index(lines[1])
    flip(spool.spool / name(41), offset + 50)
    assert findings(spool, FINDINGS) == [("bad_bytes", name(41), offset)]
    assert f"{name(41)}:{offset}: bad_bytes" in run(spool, "verify", code=FINDINGS)
    assert shown(spool, "cat") == [event_id(number) for number in (0, 2, 3, 4, 5)]
    assert "1 run of bad bytes" in spool.ctl("cat").stderr


def test_verify_names_a_bad_first_line(spool: Site) -> None:
    chain(spool.spool, [entry(1, 1)], [entry(2, 2)], [entry(3, 3)])
    flip(spool.spool / name(42), 30)
    assert ("bad_bytes", name(42), 0) in findings(spool, CORRUPT)


def test_verify_finds_a_planted_duplicate(spool: Site) -> None:
    lines = [entry(number, 0xABC + number) for number in range(5)]
    again = entry(9, 0, eventId=event_id(0xABC).upper())
    _, second = chain(spool.spool, lines, [entry(8, 8), again])
    assert findings(spool, FINDINGS) == [
        ("duplicate", name(42), second.index(again)),
    ]
    told = run(spool, "verify", code=FINDINGS)
    assert f"{event_id(0xABC).upper()} was at {name(41)}:" in told


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ([entry(5, 1), entry(4, 2)], "time_falls"),
        ([line(5, '"eventId":"1234"')], "no_event_id"),
        ([line(5, f'"eventId":"{event_id(1)}","a":01')], "bad_json"),
        ([line(5, f'"eventId":"{event_id(1)}","a":"\\x"')], "bad_json"),
        ([control(5)], "control_line"),
    ],
)
def test_verify_judges_good_checksums_too(
    spool: Site, lines: list[bytes], kind: str
) -> None:
    (content,) = chain(spool.spool, lines)
    assert findings(spool, FINDINGS) == [(kind, name(41), content.index(lines[-1]))]


def test_verify_finds_what_is_missing(spool: Site) -> None:
    first, second, _ = chain(
        spool.spool, [entry(1, 1)], [entry(2, 2)], [entry(3, 3)]
    )
    (spool.spool / name(42)).unlink()
    assert findings(spool, FINDINGS) == [("missing_segment", name(42), 0)]
    checkpoint(spool.spool, 43, 0, delivered=2)  # shipped, so it may be gone
    assert findings(spool, OK) == []
    (spool.spool / name(42)).write_bytes(second[:-10])
    assert {kind for kind, _, _ in findings(spool, CORRUPT)} == {
        "bad_bytes",
        "cut_short",
    }
    (spool.spool / name(42)).write_bytes(control(0, 41, len(first), 2) + entry(2, 2))
    assert findings(spool, FINDINGS) == [
        ("count_differs", name(41), len(first)),
        ("count_differs", name(42), len(second)),
    ]


# status


def test_status_tells_who_runs_and_what_waits(site: Site) -> None:
    site.ingest.start()
    ids = post(site, event(), event(), event())
    status = json.loads(run(site, "status", "--json"))
    assert status["ingest"]["running"] is True
    assert status["shipper"] == {"running": False, "status": None}
    assert status["checkpoint"]["state"] == "none"
    entries = read_spool(site.spool)
    spool = status["spool"]
    assert spool["segments"] == 1
    assert spool["unshippedBytes"] == sum(len(e.line) + 1 for e in entries)
    assert spool["oldestUnshipped"] == entries[0].obj["eventTimestamp"]
    assert 0 <= spool["lagSeconds"] < WAIT

    checkpoint(site.spool, 1, entries[2].offset, delivered=2)
    site.ingest.stop()
    status = json.loads(run(site, "status", "--json"))
    assert status["ingest"] == {"running": False}
    assert status["checkpoint"]["delivered"] == len(ids) - 1
    assert status["spool"]["unshippedBytes"] == len(entries[2].line) + 1
    text = run(site, "status")
    assert "not running" in text
    assert "2 delivered" in text


def test_status_tells_what_shipper_told(spool: Site) -> None:
    told: dict[str, Any] = {
        "version": 1,
        "updatedAt": "2026-01-02T03:04:05.678Z",
        "state": "waiting",
        "unheardOf": {"a": [1]},
        "clockOffsetMs": -1500,
        "lastSuccessAt": "2026-01-02T03:04:05.000Z",
        "nextRetryAt": None,
        "lastError": {
            "at": "2026-01-02T03:04:06.000Z",
            "code": "ThrottlingException",
            "message": "Rate \x1b[31m exceeded",
        },
    }
    path = spool.spool / "shipper.status.json"
    path.write_text(json.dumps(told) + "\n")
    status = json.loads(run(spool, "status", "--json"))
    assert status["shipper"] == {"running": False, "status": told}
    text = run(spool, "status")
    assert "ThrottlingException: Rate \\u001b[31m exceeded" in text
    assert "-1.500 s" in text
    assert "2026-01-02T03:04:05.000Z" in text

    for broken in ("", "{", "[1]", '{"version":"1"}', '{"version":1}{}'):
        path.write_text(broken)
        status = json.loads(run(spool, "status", "--json"))
        assert status["shipper"]["status"] is None
    path.write_text('{"version":2}')
    run(spool, "status", code=CONFIG)


def test_status_counts_dead_letters(spool: Site) -> None:
    chain(spool.spool, [entry(1, 1)])
    (spool.spool / "dead-letter.ndjson").write_text(
        dead_letter(41, 200) + dead_letter(41, 900, "bad_bytes") + '{"reason":"torn'
    )
    (spool.spool / "dead-letter.2.ndjson").write_text(
        dead_letter(41, 200) + dead_letter(41, 700)
    )
    letters = json.loads(run(spool, "status", "--json", code=1))["deadLetters"]
    assert (letters["entries"], letters["badRuns"]) == (2, 1)
    assert letters["firstBadRun"] == {"segment": name(41), "offset": 900}
    assert f"the first at {name(41)}:900" in run(spool, "status", code=1)


def test_status_watches(spool: Site) -> None:
    spool.write_config()
    process = subprocess.Popen(
        [
            spool.build / "shipper" / "clickspoolctl",
            "--config",
            spool.conf,
            "status",
            "--json",
            "--watch",
            "1",
        ],
        stdout=subprocess.PIPE,
        env=spool.environment(),
    )
    assert process.stdout
    times = {json.loads(process.stdout.readline())["time"] for _ in range(2)}
    assert len(times) == 2
    process.stdout.close()
    assert process.wait(WAIT) == OK


# Terminals


def on_terminal(site: Site, *args: str, **env: str) -> str:
    """What it prints where its output is a terminal."""
    master, slave = pty.openpty()
    chunks: list[bytes] = []

    def read() -> None:
        while True:
            try:
                chunk = os.read(master, 65536)
            except OSError:
                return
            if not chunk:
                return
            chunks.append(chunk)

    site.write_config()
    reader = threading.Thread(target=read)
    reader.start()
    subprocess.run(
        [site.build / "shipper" / "clickspoolctl", "--config", site.conf, *args],
        stdout=slave,
        env=site.environment() | {"TERM": "xterm"} | env,
        timeout=WAIT,
        check=True,
    )
    os.close(slave)
    reader.join(WAIT)
    os.close(master)
    return b"".join(chunks).decode()


def test_colour_and_heads_are_for_terminals(spool: Site) -> None:
    chain(spool.spool, [entry(1, 1)], [entry(2, 2)])
    table = on_terminal(spool, "ls")
    assert "SEGMENT" in table
    assert "\x1b[32mactive" in table
    plain = on_terminal(spool, "ls", NO_COLOR="1")
    assert "SEGMENT" in plain
    assert "\x1b" not in plain
    assert "\x1b" not in on_terminal(spool, "ls", TERM="dumb")
    assert "\x1b" not in on_terminal(spool, "ls", "--json")


# Whatever a disk may hold


def test_any_damage_is_told_and_none_ends_badly(spool: Site, sampled: int) -> None:
    """Random damage, in place, to every file that the commands read."""
    chance = random.Random(5)
    lines = [entry(number, number, title="x" * (number % 40)) for number in range(60)]
    contents = chain(spool.spool, lines[:20], lines[20:21], [], lines[21:50], lines[50:])
    checkpoint(spool.spool, 42, 0, delivered=20)
    letters = spool.spool / "dead-letter.ndjson"
    letters.write_text(dead_letter(44, len(contents[3]) - 200))
    files = sorted(path for path in spool.spool.iterdir() if path.is_file())
    good = {path: path.read_bytes() for path in files}
    for _ in range(60 // sampled):
        path = chance.choice(files)
        damaged = bytearray(good[path])
        for _ in range(chance.choice([1, 1, 5])):
            place = chance.randrange(len(damaged))
            damaged[place] = chance.choice([0, 10, 34, 57, 123, 125, 255])
        if chance.random() < 0.2:
            del damaged[chance.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        for command in COMMANDS:
            done = spool.ctl(command, "--json")
            assert done.returncode in (OK, FINDINGS, CORRUPT, CONFIG), done
            shown = [json.loads(row) for row in done.stdout.splitlines()]
            assert shown or done.returncode == CONFIG
        path.write_bytes(good[path])
    assert findings(spool, OK) == []


# --json


def test_json_is_json_whatever_the_files_hold(spool: Site) -> None:
    """A folder whose name is no UTF-8, a status over several lines, and a line
    whose checksum is right though it is no JSON."""
    odd = spool.folder / os.fsdecode(b"sp\xffool \x1b\n\"")
    odd.mkdir()
    good, bad = entry(1, 1), line(2, f'"eventId":"{event_id(2)}","a":01')
    chain(odd, [good, bad])
    told = {"version": 1, "state": "idle", "lastError": None}
    (odd / "shipper.status.json").write_text(json.dumps(told, indent=2))
    shown: dict[str, list[Any]] = {}
    for command in (*COMMANDS, "dead ls", "dead export"):
        done = spool.ctl(*command.split(), "--json", "--dir", os.fspath(odd))
        shown[command] = [json.loads(row) for row in done.stdout.splitlines()]
    assert shown["status"][0]["shipper"]["status"] == told
    assert shown["status"][0]["dir"].endswith('/sp\ufffdool \x1b\n"')
    for command in ("status", "stats", "audit"):
        assert len(shown[command]) == 1
    for command in ("tail", "cat"):
        assert shown[command] == [json.loads(good)]
        done = spool.ctl(command, "--json", "--dir", os.fspath(odd))
        assert "1 line passed over that is no JSON" in done.stderr
        text = spool.ctl(command, "--dir", os.fspath(odd))
        assert text.stdout.encode() == good + bad
