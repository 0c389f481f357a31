"""Spools made by hand, byte by byte, for what no healthy ingest would write."""

import json
import uuid
import zlib
from pathlib import Path
from typing import Any

T0 = 1_767_323_045_000


def name(number: int) -> str:
    return f"{number:020}.ndjson"


def line(ts: int, members: str) -> bytes:
    """A good line, @ts ms after T0."""
    rest = f'"ts":{T0 + ts},{members}}}'.encode()
    return b'{"_crc":"%08x",%s\n' % (zlib.crc32(rest), rest)


def control(ts: int, prev: int = 0, end: int = 0, entries: int = 0) -> bytes:
    """A segment's first line."""
    about = {
        "v": 1,
        "prev": name(prev) if prev else "",
        "prevEnd": end,
        "entries": entries,
    }
    return line(ts, f'"_segment":{json.dumps(about, separators=(",", ":"))}')


def event_id(number: int) -> str:
    return str(uuid.UUID(int=number))


def entry(ts: int, number: int, **fields: Any) -> bytes:
    members = {"eventId": event_id(number), "eventName": "page_view"} | fields
    return line(ts, json.dumps(members, separators=(",", ":"))[1:-1])


def chain(folder: Path, *segments: list[bytes], first: int = 41) -> list[bytes]:
    """Segments of these lines, each naming the one before it; their bytes."""
    contents: list[bytes] = []
    entries = 0
    for at, lines in enumerate(segments):
        number = first + at
        head = (
            control(0, number - 1, len(contents[-1]), entries)
            if contents
            else control(0)
        )
        contents.append(head + b"".join(lines))
        entries += len(lines)
        (folder / name(number)).write_bytes(contents[-1])
    return contents


def checkpoint(
    folder: Path,
    segment: int,
    offset: int,
    delivered: int = 0,
    dead: int = 0,
    dropped: int = 0,
    place: Path | None = None,
) -> None:
    """shipper's checkpoint.json, or in @place the same."""
    position = {"segment": segment, "offset": offset}
    content = {
        "version": 1,
        "position": position,
        "streams": [{"group": "g", "stream": "s", "token": None, "position": position}],
        "counts": {"delivered": delivered, "dead": dead, "dropped": dropped},
        "savedAt": "2026-01-02T03:04:05.678Z",
    }
    (place or folder / "checkpoint.json").write_text(json.dumps(content))


def dead_letter(segment: int, offset: int, reason: str = "too_old") -> str:
    row = {
        "reason": reason,
        "code": None,
        "failedAt": "2026-01-02T03:04:05.678Z",
        "segment": name(segment),
        "offset": offset,
        "entry": None if reason == "bad_bytes" else {"eventId": event_id(1)},
    }
    return json.dumps(row) + "\n"
