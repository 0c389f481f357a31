"""A clock that steps by a day, or is wrong by one from the start, of either
daemon or of both; CloudWatch's is right.

An entry's time is the time of its receipt, so one that was received while
ingest's clock was a day ahead is too new for CloudWatch: it is told the present
time instead. None is dead, lost or there twice, whoever's clock is wrong.
"""

import time
from typing import Any

import pytest
from support.clock import Clock
from support.daemons import Daemon, MakeSite, Site
from support.faults import Fault
from support.shop import (
    batch,
    check_lines,
    delivered,
    ids,
    post_lines,
    wait_for_all,
)
from support.spool import checkpoint, dead_letters, read_spool
from support.standin import StandIn

DAY = 86400
CONFIG: dict[str, Any] = {"shipper": {"linger": "0s", "resolve_wait": "1s"}}
WHOSE = ["ingest", "shipper", "both"]


class Shop:
    """What was posted, and what must have become of it."""

    def __init__(self, site: Site, cloud: StandIn, whose: str) -> None:
        self.site, self.cloud, self.whose = site, cloud, whose
        self.clock = Clock(site)
        self.accepted: set[str] = set()
        self.first = batch(10)
        for daemon in (site.ingest, site.shipper):
            self.start(daemon)

    def start(self, daemon: Daemon) -> None:
        if self.whose in (daemon.name, "both"):
            self.clock.start(daemon)
        else:
            daemon.start()

    def restart(self) -> None:
        for daemon in (self.site.ingest, self.site.shipper):
            assert daemon.stop() == 0
            self.start(daemon)

    def set(self, offset: str) -> None:
        self.clock.set(offset)

    def post(self) -> None:
        """Ten new events, and ten that were sent before."""
        events = batch(10) if self.accepted else self.first
        answer = post_lines(self.site, events)
        assert answer.status == 202, answer
        self.accepted.update(ids(events))
        again = post_lines(self.site, self.first).json()
        assert (again["accepted"], again["duplicates"]) == (0, 10)
        wait_for_all(self.site, self.cloud, len(self.accepted), 30)

    def check(self) -> None:
        self.cloud.wait(lambda: self.settled() == len(self.accepted))
        assert self.site.shipper.stop() == self.site.ingest.stop() == 0
        assert delivered(self.cloud) == dict.fromkeys(self.accepted, 1)
        assert not dead_letters(self.site.spool)
        check_lines(self.site, self.cloud)

    def settled(self) -> int:
        position = checkpoint(self.site.spool)
        counts = position["counts"] if position else {}
        return int(counts.get("delivered", 0) + counts.get("dead", 0))


@pytest.mark.parametrize("whose", WHOSE)
def test_a_clock_that_steps_a_day_loses_and_doubles_nothing(
    make_site: MakeSite, stream: StandIn, whose: str
) -> None:
    """Some batches are of unknown fate meanwhile, and looked up."""
    site = make_site(CONFIG)
    site.aws(stream)
    stream.play(Fault("reset_after", every=3))
    shop = Shop(site, stream, whose)
    for offset in ("+0", "+1d", "+0", "-1d", "+0"):
        shop.set(offset)
        shop.post()
    shop.check()


@pytest.mark.parametrize("whose", WHOSE)
@pytest.mark.parametrize("offset", ["+1d", "-1d"])
def test_a_clock_that_is_wrong_at_the_start_loses_and_doubles_nothing(
    make_site: MakeSite, stream: StandIn, whose: str, offset: str
) -> None:
    site = make_site(CONFIG)
    site.aws(stream)
    shop = Shop(site, stream, whose)
    shop.post()
    shop.set(offset)
    shop.restart()
    shop.post()
    shop.set("+0")
    shop.post()
    shop.restart()
    shop.post()
    shop.check()


def test_times_are_those_of_the_clock_that_stepped(
    make_site: MakeSite, stream: StandIn
) -> None:
    """The tests above are about nothing where the clock does not step."""
    site = make_site(CONFIG)
    site.aws(stream)
    shop = Shop(site, stream, "ingest")
    for offset in ("+0", "+1d", "-1d"):
        shop.set(offset)
        shop.post()
    shop.check()
    now = time.time()
    days = [round((entry.ts / 1000 - now) / DAY) for entry in read_spool(site.spool)]
    assert days == [0] * 10 + [1] * 10 + [-1] * 10
    told = [round((row.timestamp / 1000 - now) / DAY) for row in stream.delivered()]
    assert sorted(told) == [-1] * 10 + [0] * 20


def test_what_was_sent_with_the_present_time_is_found_after_a_kill(
    make_site: MakeSite, stream: StandIn
) -> None:
    """Its own time is tomorrow, and it is looked for where it was put."""
    site = make_site(CONFIG)
    site.aws(stream)
    clock = Clock(site, "+1d")
    clock.start(site.ingest)
    site.shipper.start()
    answer = post_lines(site, batch(10))
    wait_for_all(site, stream, 10, 30)
    stream.play(Fault("never_after", times=1))
    more = batch(10)
    assert post_lines(site, more).status == 202
    stream.wait_stored(20)
    site.shipper.kill()
    stream.play()
    site.shipper.start()
    last = batch(1)
    assert post_lines(site, last).status == 202
    wait_for_all(site, stream, 21, 30)
    assert site.shipper.stop() == 0
    assert answer.status == 202
    assert set(delivered(stream).values()) == {1}
    assert not dead_letters(site.spool)
