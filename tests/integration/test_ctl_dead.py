"""clickspoolctl dead ls, show, export: each letter once, as the last word on it
says, whatever stands in the files."""

import base64
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.craft import entry, event_id, name
from support.daemons import MakeSite, Site, uses_asan
from support.shop import batch
from support.spool import read_spool
from support.standin import StandIn

OK, FINDINGS, USAGE, UNREACHABLE, CORRUPT = 0, 1, 2, 3, 5
CTL = "shipper/clickspoolctl"
FAILED = "2026-01-02T03:04:05.678Z"


@pytest.fixture
def spool(make_site: MakeSite) -> Site:
    """A site whose spool is empty; nothing runs."""
    return make_site()


def letter(offset: int, text: bytes, segment: int = 41, **more: Any) -> bytes:
    """A letter as shipper writes it: its entry is the spool's line."""
    head = {"reason": "too_old", "code": None} | more
    head |= {"failedAt": FAILED, "segment": name(segment), "offset": offset}
    head_text = json.dumps(head, separators=(",", ":"))[:-1].encode()
    return head_text + b',"entry":' + text.removesuffix(b"\n") + b"}\n"


def bad_run(offset: int, content: bytes, segment: int = 41) -> bytes:
    row = {
        "reason": "bad_bytes",
        "code": None,
        "failedAt": FAILED,
        "segment": name(segment),
        "offset": offset,
        "length": len(content),
        "entry": None,
        "base64": base64.b64encode(content[:4096]).decode(),
    }
    return json.dumps(row).encode() + b"\n"


def resolved(offset: int, how: str, segment: int = 41) -> bytes:
    row = {"resolved": how, "segment": name(segment), "offset": offset}
    return json.dumps(row).encode() + b"\n"


def write(site: Site, *files: list[bytes]) -> None:
    for number, rows in enumerate(files, 1):
        file = "dead-letter.ndjson" if number == 1 else f"dead-letter.{number}.ndjson"
        (site.spool / file).write_bytes(b"".join(rows))


def run(site: Site, *args: str, code: int = OK) -> str:
    done = site.ctl("dead", *args)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def listed(site: Site, *args: str, code: int = FINDINGS) -> list[tuple[int, str]]:
    """Offset and state of each letter that ls shows."""
    rows = run(site, "ls", "--json", *args, code=code).splitlines()
    return [(row["offset"], row["state"]) for row in map(json.loads, rows)]


FIRST = entry(1, 1, clientId="client-0001", sessionId="session-0001")
SECOND = entry(2, 2, eventName="add_to_cart", price=10.5, title="caf\u00e9 \\")
LOGIN = entry(3, 3, eventName=None, logCategory="auth", action="login")


# Which letters there are


@pytest.mark.parametrize("command", ["ls", "export"])
def test_without_letters_there_is_nothing_to_tell(spool: Site, command: str) -> None:
    assert run(spool, command) == ""
    assert run(spool, command, "--all", "--json") == ""


def test_ls_tells_each_letter_by_its_name(spool: Site) -> None:
    write(
        spool,
        [
            letter(500, FIRST),
            letter(900, LOGIN, code="InvalidParameterException", message="no \u2028"),
            bad_run(1200, b"\0" * 77),
        ],
    )
    rows = run(spool, "ls", code=FINDINGS).splitlines()
    assert [row.split() for row in rows] == [
        [f"{name(41)}:500", FAILED, "too_old", "-", "page_view", event_id(1)],
        [
            f"{name(41)}:900",
            FAILED,
            "too_old",
            "InvalidParameterException",
            "login",
            event_id(3),
        ],
        [f"{name(41)}:1200", FAILED, "bad_bytes", "-", "77", "bytes", "-"],
    ]
    first, second, run_row = map(
        json.loads, run(spool, "ls", "--json", code=FINDINGS).splitlines()
    )
    assert first == {
        "name": f"{name(41)}:500",
        "state": "dead",
        "reason": "too_old",
        "code": None,
        "message": None,
        "failedAt": FAILED,
        "segment": name(41),
        "offset": 500,
        "length": None,
        "eventName": "page_view",
        "action": None,
        "eventId": event_id(1),
    }
    assert (second["message"], second["action"]) == ("no \u2028", "login")
    assert (run_row["length"], run_row["eventId"]) == (77, None)


def test_the_last_word_on_a_place_counts(spool: Site) -> None:
    write(
        spool,
        [letter(1, FIRST), letter(2, FIRST), letter(3, FIRST), bad_run(4, b"x")],
        [resolved(1, "dropped"), resolved(2, "retried"), resolved(4, "dropped")],
        [letter(2, FIRST, reason="expired"), resolved(9, "dropped")],
    )
    assert listed(spool) == [(3, "dead"), (2, "dead")]
    assert listed(spool, "--all") == [
        (1, "dropped"),
        (3, "dead"),
        (4, "dropped"),
        (2, "dead"),
    ]
    assert "expired" in run(spool, "ls", code=FINDINGS)
    assert "dropped" in run(spool, "ls", "--all", code=FINDINGS)
    balance = json.loads(spool.ctl("audit", "--json").stdout)
    assert balance["deadLetters"] == {
        "entries": 2,
        "badRuns": 0,
        "dropped": 2,
        "retried": 0,
        "unreadable": 0,
    }


def test_where_all_are_resolved_ls_is_fine(spool: Site) -> None:
    write(spool, [letter(1, FIRST), resolved(1, "dropped")])
    assert listed(spool, code=OK) == []
    assert listed(spool, "--all", code=OK) == [(1, "dropped")]
    assert run(spool, "export") == ""


def test_a_letter_in_two_files_is_one(spool: Site) -> None:
    write(
        spool,
        [letter(1, FIRST), letter(2, SECOND)[:-50]],
        [letter(1, FIRST), letter(2, SECOND)],
    )
    assert listed(spool) == [(1, "dead"), (2, "dead")]
    torn = spool.ctl("dead", "ls").stderr
    assert "dead-letter.ndjson:2: it ends within a line" in torn
    assert run(spool, "export").encode() == FIRST + SECOND


def test_the_first_file_may_be_moved_away(spool: Site) -> None:
    write(spool, [letter(1, FIRST)], [letter(2, FIRST)])
    (spool.spool / "dead-letter.ndjson").unlink()
    assert listed(spool) == [(2, "dead")]


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        ((), [1, 2, 3, 4]),
        (("--event", "add_to_cart"), [2]),
        (("--category", "auth"), [3]),
        (("--client", "client-0001"), [1]),
        (("--where", "price=10.50"), [2]),
        (("--since", "2026-01-02T03:04:05.002Z"), [2, 3]),
        (("--until", "2026-01-02T03:04:05.001Z"), [1]),
        (("--event", "page_view", "--event", "add_to_cart"), [1, 2]),
        (("--event", "checkout_start"), []),
    ],
)
def test_filters_apply_to_the_entry(
    spool: Site, args: tuple[str, ...], wanted: list[int]
) -> None:
    entries = [FIRST, SECOND, LOGIN]
    rows = [letter(number, text) for number, text in enumerate(entries, 1)]
    write(spool, [*rows, bad_run(4, b"x")])
    code = FINDINGS if wanted else OK
    assert [offset for offset, _ in listed(spool, *args, code=code)] == wanted
    exported = run(spool, "export", *args).encode()
    assert exported == b"".join(entries[number - 1] for number in wanted if number < 4)


# show


NAMES = [f"{name(41)}:700", "41:700", "0041:700", event_id(2), event_id(2).upper()]


@pytest.mark.parametrize("called", NAMES)
def test_show_takes_any_name(spool: Site, called: str) -> None:
    rows = [letter(7, FIRST), letter(700, SECOND), letter(70, LOGIN)]
    write(spool, rows)
    shown = json.loads(run(spool, "show", called, "--json"))
    assert shown == {
        "name": f"{name(41)}:700",
        "state": "dead",
        "file": "dead-letter.ndjson",
        "line": 2,
        "letter": json.loads(rows[1]),
    }


def test_show_is_for_eyes_and_keeps_what_was_sent(spool: Site) -> None:
    text = entry(2, 2, title="\x1b[31m \u202e caf\u00e9", props={"a": [], "b": {}})
    text = text.replace(b"\\u202e", "\u202e".encode())
    assert b"\xe2\x80\xae" in text
    # The checksum is no longer right, and that is told; the letter stays.
    write(spool, [letter(700, text, code="X", message="why\u009b")])
    done = spool.ctl("dead", "show", "41:700")
    assert done.returncode == CORRUPT
    assert "dead-letter.ndjson:1: the entry's checksum is wrong" in done.stderr
    rows = [row.strip() for row in done.stdout.splitlines()]
    assert rows[0] == f"{name(41)}:700"
    assert "reason    too_old" in rows
    assert "message   why\\u009b" in rows
    assert "received  2026-01-02T03:04:05.002Z" in rows
    assert "stands in dead-letter.ndjson:1" in rows
    assert '"title": "\\u001b[31m \\u202e caf\\u00e9",' in rows
    whole = done.stdout.partition("entry")[2]
    assert json.loads(whole) == json.loads(text)


def test_show_tells_what_a_letter_became(spool: Site) -> None:
    write(spool, [letter(1, FIRST), resolved(1, "retried")])
    assert "retried" in run(spool, "show", "41:1")


@pytest.mark.parametrize("size", [1, 2, 3, 16, 17, 4096, 5000])
def test_show_prints_bad_bytes(spool: Site, size: int) -> None:
    content = random.Random(size).randbytes(size)
    write(spool, [bad_run(256, content)])
    shown = run(spool, "show", "41:256")
    assert f"length    {size}\n" in shown
    rows = shown.partition("  bytes")[2].splitlines()[1:]
    assert rows[0].split()[0] == "00000100"
    pairs = "".join(row.partition("|")[0].strip().partition(" ")[2] for row in rows)
    assert bytes.fromhex(pairs) == content[:4096]
    assert b"\x1b" not in shown.encode()


def test_show_of_what_is_not_there(spool: Site) -> None:
    write(spool, [letter(1, FIRST)])
    for called in ("41:2", "42:1", event_id(9)):
        run(spool, "show", called, code=UNREACHABLE)
    for called in ("41", "x:1", "41:", "41:-1", ":1", "page_view"):
        run(spool, "show", called, code=USAGE)
    run(spool, "show", code=USAGE)
    run(spool, "show", "41:1", "41:1", code=USAGE)


# export


def test_export_is_verbatim_and_tells_of_bad_bytes(spool: Site) -> None:
    odd = entry(4, 4).replace(b"page_view", b"page_vieW")  # a wrong checksum
    write(spool, [letter(1, SECOND), bad_run(5, b"xyz"), letter(9, FIRST)])
    done = spool.ctl("dead", "export")
    assert (done.returncode, done.stdout.encode()) == (OK, SECOND + FIRST)
    assert f"{name(41)}:5: a run of bad bytes" in done.stderr
    write(spool, [letter(1, odd)])
    assert run(spool, "export", code=CORRUPT).encode() == odd


# The files


@pytest.mark.parametrize(
    "line",
    [
        b"{}\n",
        b"\0\0\0\n",
        b"\n",
        letter(1, b'{"a":"\xff"}'),
        letter(1, b"null"),
        letter(1, FIRST).replace(name(41).encode(), b"41"),
        letter(1, FIRST).replace(b'"offset":1', b'"offset":1.5'),
        resolved(1, "forgotten"),
        b"x" * (1 << 20) + b"\n",
    ],
)
def test_an_unreadable_line_is_named(spool: Site, line: bytes) -> None:
    write(spool, [letter(7, FIRST)], [letter(8, FIRST), line, letter(9, FIRST)])
    for args in (("ls",), ("ls", "--json"), ("export",), ("show", "41:9")):
        done = spool.ctl("dead", *args)
        assert done.returncode == CORRUPT
        assert "dead-letter.2.ndjson:2: " in done.stderr
    assert [offset for offset, _ in listed(spool, code=CORRUPT)] == [7, 8, 9]


def test_memory_is_a_few_bytes_a_letter(spool: Site) -> None:
    """80 MiB of letters, listed in less than 12 MiB."""
    if uses_asan(spool.build / CTL):
        pytest.skip("the sanitizer's own memory is counted too")
    text = entry(1, 1, title="x" * 4000)
    write(spool, [letter(number, text) for number in range(20_000)])
    spool.write_config()
    program = [spool.build / CTL, "--config", spool.conf]
    done = subprocess.run(
        ["prlimit", f"--data={12 << 20}", *program, "dead", "ls"],
        stdout=subprocess.PIPE,
        env=spool.environment(),
        check=False,
    )
    assert done.returncode == FINDINGS
    assert done.stdout.count(b"\n") == 20_000


# The command line


def test_dead_needs_a_command(spool: Site) -> None:
    for args in ((), ("frobnicate",), ("--frobnicate", "ls"), ("ls", "operand")):
        run(spool, *args, code=USAGE)
    assert 'did you mean "show"?' in spool.ctl("dead", "shwo").stderr
    for command in ("ls", "show", "export"):
        assert command in run(spool, "--help")
        assert f"Usage: clickspoolctl dead {command} " in run(spool, command, "--help")
    write(spool, [letter(1, FIRST)])
    assert json.loads(run(spool, "--json", "ls", code=FINDINGS))["offset"] == 1
    none = str(spool.folder / "none")
    for args in (("ls",), ("show", "41:1"), ("export",)):
        run(spool, *args, "--dir", none, code=UNREACHABLE)


# What shipper writes


def test_a_flipped_bit_is_listed_once_shipper_has_passed_it(
    site: Site, stream: StandIn
) -> None:
    site.ingest.start()
    assert site.ingest.post(batch(20)).status == 202
    site.ingest.stop()
    damaged = read_spool(site.spool)[7]
    path: Path = site.spool / damaged.segment
    content = bytearray(path.read_bytes())
    content[damaged.offset + 60] ^= 1
    path.write_bytes(content)
    assert run(site, "ls") == ""

    site.ingest.start()
    site.shipper.start()
    stream.wait_stored(19)
    site.shipper.stop()
    (row,) = map(json.loads, run(site, "ls", "--json", code=FINDINGS).splitlines())
    assert (row["segment"], row["offset"]) == (damaged.segment, damaged.offset)
    assert (row["reason"], row["length"]) == ("bad_bytes", len(damaged.line) + 1)
    assert row["name"] in run(site, "ls", code=FINDINGS)
    assert bytes(content[damaged.offset :][:16]).hex() in run(
        site, "show", row["name"]
    ).replace(" ", "")
