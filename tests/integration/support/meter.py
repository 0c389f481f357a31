"""What a process uses, by /proc."""

import contextlib
import os
import re
import threading
from pathlib import Path

_FIELD = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)
_TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """Peaks of memory and the CPU time of one process, sampled by a thread.

    Values outlive the process, and peaks its restarts; cpu_seconds is that of
    the process started last.
    """

    def __init__(self, every: float = 0.05) -> None:
        self.peak_rss_anon = 0  # bytes
        self.peak_rss = 0  # bytes; VmHWM, which misses nothing
        self.cpu_seconds = 0.0
        self._every = every
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def start(self, pid: int) -> None:
        self.stop()
        self._pid = pid
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take a last sample, while the process is still there."""
        if self._thread:
            self._stop.set()
            self._thread.join(5)
            self._thread = None
            self.sample()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self.sample()

    def sample(self) -> None:
        with contextlib.suppress(OSError):  # it has ended
            folder = Path("/proc") / str(self._pid)
            fields = dict(_FIELD.findall((folder / "status").read_text()))
            for_now = int(fields.get("RssAnon", 0)) * 1024
            self.peak_rss_anon = max(self.peak_rss_anon, for_now)
            self.peak_rss = max(self.peak_rss, int(fields.get("VmHWM", 0)) * 1024)
            stat = (folder / "stat").read_text().rpartition(") ")[2].split()
            self.cpu_seconds = (int(stat[11]) + int(stat[12])) / _TICKS
