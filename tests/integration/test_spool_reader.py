"""The tests' own reader of the spool, which must not overlook anything."""

import json
import zlib
from pathlib import Path

import pytest
from support.spool import dead_letters, load, read_spool

T0 = 1_767_323_045_000
FIRST, SECOND, THIRD = (f"{number:020}.ndjson" for number in (41, 42, 43))


def line(ts: int, members: str) -> bytes:
    rest = f'"ts":{T0 + ts},{members}}}'.encode()
    return b'{"_crc":"%08x",%s\n' % (zlib.crc32(rest), rest)


def control(ts: int, prev: str = "", end: int = 0, entries: int = 0) -> bytes:
    about = {"v": 1, "prev": prev, "prevEnd": end, "entries": entries}
    return line(ts, f'"_segment":{json.dumps(about, separators=(",", ":"))}')


def entry(ts: int, name: str) -> bytes:
    return line(ts, f'"eventId":"{name}"')


def ids(folder: Path) -> list[str]:
    return [entry.event_id for entry in load(folder).entries]


def test_a_sealed_segment_ends_where_its_successor_says(tmp_path: Path) -> None:
    kept = control(10) + entry(10, "a") + entry(11, "b")
    (tmp_path / FIRST).write_bytes(kept + entry(12, "never acknowledged"))
    second = control(20, FIRST, len(kept), 2)
    (tmp_path / SECOND).write_bytes(second + entry(21, "c"))
    entries = read_spool(tmp_path)
    assert [(item.segment, item.event_id) for item in entries] == [
        (FIRST, "a"),
        (FIRST, "b"),
        (SECOND, "c"),
    ]
    assert entries[2].offset == len(second)
    assert entries[2].line == entry(21, "c")[:-1]
    assert [item.entries for item in load(tmp_path).controls] == [0, 2]


@pytest.mark.parametrize("tail", [b"", b'{"_crc":"0', b"\0" * 100, b"x\ny\n"])
def test_the_active_segment_ends_after_its_last_good_line(
    tmp_path: Path, tail: bytes
) -> None:
    (tmp_path / FIRST).write_bytes(control(10) + entry(10, "a") + tail)
    spool = load(tmp_path)
    assert [item.event_id for item in spool.entries] == ["a"]
    assert (spool.tail, spool.bad) == (tail, [])


def test_bad_bytes_before_the_end_are_told(tmp_path: Path) -> None:
    start = control(10)
    broken = entry(10, "a").replace(b'"a"', b'"z"')
    (tmp_path / FIRST).write_bytes(start + broken + entry(11, "b"))
    spool = load(tmp_path)
    assert [(bad.offset, bad.raw) for bad in spool.bad] == [(len(start), broken)]
    assert ids(tmp_path) == ["b"]
    with pytest.raises(ValueError, match="bad lines"):
        read_spool(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b'{"_crc":"00000000"'])
def test_a_segment_without_first_line_is_void(tmp_path: Path, content: bytes) -> None:
    kept = control(10) + entry(10, "a")
    (tmp_path / FIRST).write_bytes(kept)
    (tmp_path / SECOND).write_bytes(content)
    (tmp_path / THIRD).write_bytes(control(20, FIRST, len(kept), 1) + entry(20, "b"))
    assert ids(tmp_path) == ["a", "b"]
    assert load(tmp_path).void == [SECOND]


END = len(control(10))


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        (control(20, THIRD, END), "follows"),
        (control(20, FIRST, 10_000), "before its end"),
        (control(20, FIRST, END) + entry(19, "b"), "time falls"),
        (control(20, FIRST, END) + control(20, FIRST, END), "second control line"),
    ],
)
def test_a_broken_promise_is_an_error(
    tmp_path: Path, second: bytes, fault: str
) -> None:
    (tmp_path / FIRST).write_bytes(control(10))
    (tmp_path / SECOND).write_bytes(second)
    with pytest.raises(ValueError, match=fault):
        load(tmp_path)


def test_a_dead_letter_is_told_with_what_became_of_it(tmp_path: Path) -> None:
    dead = {"reason": "too_old", "code": None, "failedAt": 5, "segment": FIRST}
    rows = [
        dead | {"offset": 100, "entry": {"eventId": "a"}},
        dead | {"offset": 200, "entry": {"eventId": "b"}},
    ]
    resolved = {"resolved": "retried", "segment": FIRST, "offset": 200}
    (tmp_path / "dead-letter.ndjson").write_text(
        "".join(json.dumps(row) + "\n" for row in rows)
    )
    (tmp_path / "dead-letter.2.ndjson").write_text(json.dumps(resolved) + "\n")
    assert [(dead.offset, dead.resolved) for dead in dead_letters(tmp_path)] == [
        (100, None),
        (200, "retried"),
    ]
