"""Spools written by hand, of today, with ends that nobody acknowledged.

    spool = HandMade(site.spool)
    spool.segment([entry(NOW, 1), entry(NOW, 2)], tail=b'{"_crc":"0')
    spool.synced(offset=spool.ends[-1])
"""

import json
import struct
from collections.abc import Iterable
from pathlib import Path

from . import craft
from .craft import event_id, name

PAGE = 4096


def line(ts: int, members: str) -> bytes:
    """A good line; @ts is in ms since 1970."""
    return craft.line(ts - craft.T0, members)


def control(
    ts: int, prev: str = "", end: int = 0, entries: int = 0, version: int = 1
) -> bytes:
    about = {"v": version, "prev": prev, "prevEnd": end, "entries": entries}
    return line(ts, f'"_segment":{json.dumps(about, separators=(",", ":"))}')


def entry(ts: int, number: int) -> bytes:
    return line(ts, f'"eventId":"{event_id(number)}"')


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class HandMade:
    """Segments 1, 2, …, each of which names the one before it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: list[Path] = []
        self.ends: list[int] = []  # behind the good bytes of each
        self._entries = 0

    def segment(
        self, rows: Iterable[bytes], ts: int, tail: bytes = b"", version: int = 1
    ) -> Path:
        """Rows are what the successor vouches for, good or not; the tail is
        what it does not."""
        rows = list(rows)
        prev, end = "", 0
        if self.paths:
            prev, end = self.paths[-1].name, self.ends[-1]
        body = control(ts, prev, end, self._entries, version) + b"".join(rows)
        path = self.folder / name(len(self.paths) + 1)
        path.write_bytes(body + tail)
        self.paths.append(path)
        self.ends.append(len(body))
        self._entries += len(rows)
        return path

    def synced(self, offset: int, boot: str | None = None) -> None:
        """Publish an offset in the highest segment, in this boot if not told
        otherwise."""
        page = struct.pack(
            "=II40sQQ",
            1,
            2,
            (boot_id() if boot is None else boot).encode(),
            len(self.paths),
            offset,
        )
        (self.folder / "synced").write_bytes(page.ljust(PAGE, b"\0"))
