"""Exactly as many calls as greedy packing of the spool forces, and none that
breaks a limit.  The spools are written by hand, so that each limit is met to
the byte."""

import json
import time
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.daemons import MakeSite
from support.packing import MAX_EVENTS, pack
from support.standin import StandIn

NOW = int(time.time() * 1000)
DAY = 24 * 3600 * 1000
FIXED = len('{"_crc":"00000000","ts":0000000000000,"eventId":""}') + 36


def line(ts: int, members: str) -> bytes:
    rest = f'"ts":{ts},{members}}}'.encode()
    return b'{"_crc":"%08x",%s\n' % (zlib.crc32(rest), rest)


def entry(ts: int, number: int, size: int = 0) -> bytes:
    """A line whose message has @size bytes, or as few as there can be."""
    members = f'"eventId":"{number:036d}"'
    if size > FIXED:
        filler = "x" * (size - FIXED - len(',"p":""'))
        members += f',"p":"{filler}"'
    made = line(ts, members)
    assert not size or len(made) == size + 1
    return made


def write_spool(folder: Path, segments: Iterable[Iterable[tuple[int, int]]]) -> int:
    """Segments of (time, message bytes; 0: the least); how many entries."""
    count, prev, end = 0, "", 0
    for number, entries in enumerate(segments, 1):
        rows = list(entries)
        about = {"v": 1, "prev": prev, "prevEnd": end, "entries": count}
        head = f'"_segment":{json.dumps(about, separators=(",", ":"))}'
        lines = [line(rows[0][0], head)]
        lines += [entry(ts, count + n, size) for n, (ts, size) in enumerate(rows)]
        body = b"".join(lines)
        count += len(rows)
        prev, end = f"{number:020}.ndjson", len(body)
        (folder / prev).write_bytes(body)
    return count


CORPORA = {
    "small events": [[(NOW, 0)] * 25_001],
    "huge events": [[(NOW, 262_000)] * 21],
    "the largest lines": [[(NOW, 262_143)] * 9],
    "exactly a mebibyte, and again": [([(NOW, 104_831)] * 9 + [(NOW, 104_837)]) * 2],
    "one byte over": [([(NOW, 104_831)] * 9 + [(NOW, 104_838)]) * 2],
    "exactly 24 hours": [[(NOW - DAY, 0), (NOW - DAY + 1, 0), (NOW, 0), (NOW + 1, 0)]],
    "time falls between segments": [
        [(NOW, 0), (NOW, 0)],
        [(NOW - 600_000, 0), (NOW - 600_000, 0)],
        [(NOW - 600_000, 0), (NOW, 0)],
    ],
    "mixed sizes": [[(NOW + n, 100 + n * 7919 % 50_000) for n in range(300)]],
}


@pytest.mark.parametrize("name", CORPORA)
def test_there_are_as_many_calls_as_the_limits_force(
    make_site: MakeSite, stream: StandIn, name: str
) -> None:
    site = make_site({"shipper": {"linger": "1s"}})
    site.aws(stream)
    corpus = CORPORA[name]
    count = write_spool(site.spool, corpus)
    site.shipper.start()
    stream.wait_stored(count)
    assert site.shipper.stop() == 0

    sizes = [(ts, size or FIXED) for rows in corpus for ts, size in rows]
    assert [call.events for call in stream.puts()] == pack(sizes)
    assert all(call.status == 200 for call in stream.puts())
    got = [json.loads(message)["eventId"] for message in stream.messages()]
    assert got == [f"{number:036d}" for number in range(count)]


@pytest.mark.parametrize("count", [10_000, 10_001, 20_000])
def test_ten_thousand_events_are_the_limit_where_they_are_tiny(
    make_site: MakeSite, stream: StandIn, count: int
) -> None:
    """Shorter than any that ingest writes, which fill a mebibyte first."""
    site = make_site({"shipper": {"linger": "1s"}})
    site.aws(stream)
    about = '"_segment":{"v":1,"prev":"","prevEnd":0,"entries":0}'
    tiny = [line(NOW, f'"n":{number}') for number in range(count)]
    (site.spool / f"{1:020}.ndjson").write_bytes(line(NOW, about) + b"".join(tiny))
    site.shipper.start()
    stream.wait_stored(count)
    assert site.shipper.stop() == 0
    sizes = pack((NOW, len(text) - 1) for text in tiny)
    assert max(sizes) == min(count, MAX_EVENTS)
    assert [call.events for call in stream.puts()] == sizes
    assert [text.encode() + b"\n" for text in stream.messages()] == tiny


def test_an_entry_waits_for_its_batch_no_longer_than_linger(
    make_site: MakeSite, stream: StandIn
) -> None:
    site = make_site({"shipper": {"linger": "700ms"}})
    site.aws(stream)
    write_spool(site.spool, [[(NOW, 0)] * 3])
    started = time.monotonic()
    site.shipper.start()
    stream.wait_stored(3)
    assert 0.6 < time.monotonic() - started
    assert [call.events for call in stream.puts()] == [3]
