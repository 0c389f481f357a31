"""A wall clock of a daemon's own, which steps when told to.

    clock = Clock(site, "-1d")
    clock.start(site.ingest)
    clock.set("+0")

What the kernel counts since its start goes on evenly, as it does where
somebody sets a machine's clock.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from .daemons import Daemon, Site


def library() -> str:
    """Not the one for threads: its lock is taken twice, for ever, where a
    sanitizer's allocator asks for the time."""
    [found] = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return os.fspath(found)


class Clock:
    """One clock, for any number of a site's daemons."""

    def __init__(self, site: Site, offset: str = "+0") -> None:
        self._path = site.folder / "clock"
        self.set(offset)

    def set(self, offset: str) -> None:
        """@offset from the true time, as libfaketime spells it: +0, -1d."""
        new = self._path.with_suffix(".new")
        new.write_text(offset)
        new.rename(self._path)

    @property
    def env(self) -> Mapping[str, str]:
        return {
            "FAKETIME_TIMESTAMP_FILE": os.fspath(self._path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def start(self, daemon: Daemon) -> None:
        daemon.start(preload=[library()], env=self.env)
