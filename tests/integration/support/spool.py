"""Reads a spool, sharing no code and no assumption with the programs.

A line is `{"_crc":"xxxxxxxx","ts":ddddddddddddd,...}` and a newline; the
checksum covers all from "ts" to the closing brace.  A segment's first line
names the one before it and where that one ends; the highest ends after its
last good line.  A segment without a good first line is void: its number was
taken, but nothing in it was ever acknowledged.
"""

import json
import re
import zlib
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

MAX_LINE = 256 * 1024

_NAME = re.compile(r"\d{20}\.ndjson")
_LINE = re.compile(rb'\{"_crc":"([0-9a-f]{8})",("ts":(\d{13}),.*\})\n', re.DOTALL)


@dataclass(frozen=True)
class Entry:
    segment: str
    offset: int
    ts: int
    line: bytes  # without the newline: the message that CloudWatch gets
    obj: dict[str, Any]

    @property
    def event_id(self) -> str:
        return str(self.obj["eventId"])


@dataclass(frozen=True)
class Control:
    """A segment's first line."""

    segment: str
    ts: int
    prev: str
    prev_end: int
    entries: int  # accepted before this segment


@dataclass(frozen=True)
class Bad:
    """Bytes before the end of their segment that are no good line."""

    segment: str
    offset: int
    raw: bytes


@dataclass(frozen=True)
class DeadLetter:
    reason: str
    code: str | None
    segment: str
    offset: int
    entry: Any
    resolved: str | None  # dropped or retried, where an operator did


@dataclass
class Spool:
    controls: list[Control] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    void: list[str] = field(default_factory=list)
    tail: bytes = b""  # of the highest, after its last good line


def segment_names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if _NAME.fullmatch(p.name))


def load(folder: Path) -> Spool:
    """All of a spool, good and bad.  ValueError where its own promises about
    lines, chain or time do not hold."""
    spool = Spool()
    contents = {name: (folder / name).read_bytes() for name in segment_names(folder)}
    for name, content in contents.items():
        control = _control(name, content)
        if control:
            spool.controls.append(control)
        else:
            spool.void.append(name)

    for before, control in pairwise(spool.controls):
        if control.prev != before.segment:
            raise ValueError(f"{control.segment} follows {control.prev}?")
    ends = {control.prev: control.prev_end for control in spool.controls}
    for at, control in enumerate(spool.controls):
        content = contents[control.segment]
        active = at == len(spool.controls) - 1
        end = len(content) if active else ends[control.segment]
        if end > len(content):
            raise ValueError(f"{control.segment} ends before its end, {end}")
        _read_segment(spool, control, content[:end], active)
    return spool


def read_spool(folder: Path) -> list[Entry]:
    """Every entry of a spool that has no bad lines."""
    spool = load(folder)
    if spool.bad:
        raise ValueError(f"bad lines: {spool.bad[:3]}")
    return spool.entries


def _read_segment(spool: Spool, control: Control, content: bytes, active: bool) -> None:
    good = at = content.find(b"\n") + 1
    if not good:
        raise ValueError(f"{control.segment} ends within its first line")
    last = control.ts
    bad: list[Bad] = []
    while at < len(content):
        newline = content.find(b"\n", at)
        end = len(content) if newline < 0 else newline + 1
        raw = content[at:end]
        parsed = parse_line(raw)
        if parsed is None:
            bad.append(Bad(control.segment, at, raw))
        else:
            ts, obj = parsed
            if ts < last:
                raise ValueError(f"{control.segment}:{at}: time falls")
            if "_segment" in obj:
                raise ValueError(f"{control.segment}:{at}: a second control line")
            line = raw[:-1]
            spool.entries.append(Entry(control.segment, at, ts, line, obj))
            last, good = ts, end
        at = end
    if active:
        spool.tail = content[good:]
        bad = [item for item in bad if item.offset < good]
    spool.bad += bad


def parse_line(raw: bytes) -> tuple[int, dict[str, Any]] | None:
    """Time and members of a good line, its newline included."""
    parsed = _LINE.fullmatch(raw)
    if not parsed or len(raw) > MAX_LINE:
        return None
    if int(parsed.group(1), 16) != zlib.crc32(parsed.group(2)):
        return None
    return int(parsed.group(3)), json.loads(raw)


def _control(name: str, content: bytes) -> Control | None:
    parsed = parse_line(content[: content.find(b"\n") + 1])
    if parsed is None or "_segment" not in parsed[1]:
        return None
    ts, obj = parsed
    about = obj["_segment"]
    if about["v"] != 1:
        raise ValueError(f"{name} has version {about['v']}")
    return Control(name, ts, about["prev"], about["prevEnd"], about["entries"])


def checkpoint(folder: Path) -> dict[str, Any] | None:
    """shipper's checkpoint.json; None where there is none yet."""
    path = folder / "checkpoint.json"
    if not path.exists():
        return None
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def dead_letters(folder: Path) -> list[DeadLetter]:
    """Every dead letter, each with what an operator made of it.  A line that
    is being written is none yet."""
    rows = [
        json.loads(line)
        for path in sorted(folder.glob("dead-letter*.ndjson"))
        for line in path.read_bytes().split(b"\n")[:-1]
    ]
    resolved = {
        (row["segment"], row["offset"]): row["resolved"]
        for row in rows
        if "resolved" in row
    }
    return [
        DeadLetter(
            row["reason"],
            row.get("code"),
            row["segment"],
            row["offset"],
            row["entry"],
            resolved.get((row["segment"], row["offset"])),
        )
        for row in rows
        if "resolved" not in row
    ]
