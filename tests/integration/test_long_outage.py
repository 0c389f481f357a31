"""Two hours without AWS: connections are refused, events keep coming, and when
the service is back everything arrives once, soon.

The hours are shipper's: its clocks, all of them, run fast while nobody
listens, and less so from the service's return on, when it has work to do. The
service's own clock agrees with it then.
"""

import re
import time
from datetime import datetime

from support.clock import library
from support.daemons import MakeSite, Site
from support.shop import Load, check_lines, delivered, post_all, wait_for_all
from support.spool import dead_letters
from support.standin import StandIn
from support.wait import wait_until

OUTAGE = 2 * 3600.0  # seconds of shipper's
FAST, SLOW = 720, 10  # of its seconds in one of ours
MOST_UNTIL_BACK = 30.0
# A pause is drawn from 0 to 20 s, so that two hours have some 720 of them, and
# fewer where a try takes long: its milliseconds are shipper's seconds.
MOST_TRIES, MOST_PAUSE_MS = 1000, 20_000

_FAILED = re.compile(r"^(\S+)Z \w+ event=ship_failed", re.MULTILINE)
_PAUSE = re.compile(r" event=ship_failed .*\bnext_ms=(\d+)")


class FastClock:
    """shipper's: wall and monotonic, and so its timers."""

    def __init__(self, site: Site, fast: int) -> None:
        self._path, self._fast = site.folder / "speed", fast
        self._write(f"+0 x{fast}")
        env = {
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
        }
        self._began = time.monotonic()
        site.shipper.start(preload=[library()], env=env)

    def slow_down(self) -> float:
        """From now on; it goes ahead a little, and never back.  Return: how far
        it is ahead of ours."""
        elapsed = (time.monotonic() - self._began) * (self._fast - SLOW) + self._fast
        self._write(f"+{elapsed:.0f} x{SLOW}")
        return elapsed

    def _write(self, text: str) -> None:
        new = self._path.with_suffix(".new")
        new.write_text(text)
        new.rename(self._path)


def failures(site: Site) -> list[datetime]:
    """When calls failed, by shipper's clock."""
    return [
        datetime.fromisoformat(when) for when in _FAILED.findall(site.shipper.stderr())
    ]


def test_two_hours_without_the_service_cost_nothing_but_time(
    make_site: MakeSite, stream: StandIn, sampled: int
) -> None:
    """A slow build gets a part of the hours in the same time."""
    site = make_site({"shipper": {"linger": "0s"}})
    site.aws(stream)
    stream.stop()
    site.ingest.start()
    accepted = post_all(site, 100, 10)
    clock = FastClock(site, FAST // sampled)
    load = Load(site, 1, pause=0.05)
    load.start()
    time.sleep(OUTAGE / FAST)
    tries = failures(site)
    assert (tries[-1] - tries[0]).total_seconds() > 0.9 * OUTAGE / sampled
    assert len(tries) * sampled < MOST_TRIES
    pauses = [int(ms) for ms in _PAUSE.findall(site.shipper.stderr())]
    assert MOST_PAUSE_MS / 2 < max(pauses) <= MOST_PAUSE_MS
    stream.options.clock_offset = clock.slow_down()
    wait_until(lambda: len(failures(site)) > len(tries) + 1)

    back = time.monotonic()
    stream.start()
    stream.wait_stored(1)
    assert (time.monotonic() - back) * SLOW < MOST_UNTIL_BACK
    load.finish()
    accepted |= load.acknowledged
    wait_for_all(site, stream, len(accepted))
    assert site.ingest.stop() == site.shipper.stop() == 0
    assert delivered(stream) == dict.fromkeys(accepted, 1)
    assert not dead_letters(site.spool)
    check_lines(site, stream)
