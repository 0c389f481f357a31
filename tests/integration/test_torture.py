"""kill -9 of either daemon, at any moment, under load.

Whatever was acknowledged arrives once, byte for byte as the spool has it: the
batch that was on its way when shipper was killed is looked up.
"""

import random
import time
from dataclasses import dataclass
from itertools import pairwise

import pytest
from support.daemons import MakeSite, Site
from support.shop import Load, check_lines, delivered, wait_for_all
from support.spool import checkpoint, dead_letters, read_spool
from support.standin import StandIn

KILLS = 50
CONFIG = {
    "spool": {"segment_size": "160KiB", "min_free": "1MiB"},
    "shipper": {"linger": "0s"},
}


@dataclass(frozen=True)
class Run:
    """The entries of one call, by their place in the spool."""

    first: int
    end: int  # exclusive


def runs(site: Site, cloud: StandIn) -> list[Run]:
    """What each call that was taken held; each must be a run of the spool's
    entries, whole lines in their order."""
    place = {
        entry.line.decode(): number
        for number, entry in enumerate(read_spool(site.spool))
    }
    found: list[Run] = []
    for call in cloud.puts():
        if not call.taken:
            continue
        places = [place[event.message] for event in call.stored]
        assert all(a + 1 == b for a, b in pairwise(places))
        found.append(Run(places[0], places[-1] + 1))
    return found


def check_once(site: Site, cloud: StandIn) -> None:
    """Each call goes on where the one before it ended."""
    calls = runs(site, cloud)
    assert calls[0].first == 0
    for before, call in pairwise(calls):
        assert call.first == before.end
    assert calls[-1].end == len(read_spool(site.spool))
    assert max(delivered(cloud).values()) == 1


def check_arrived(site: Site, cloud: StandIn, promised: set[str]) -> None:
    stored = {entry.event_id for entry in read_spool(site.spool)}
    assert promised <= stored
    assert set(delivered(cloud)) == stored
    assert not dead_letters(site.spool)
    check_lines(site, cloud)


def begin_load(site: Site) -> list[Load]:
    loads = [Load(site, seed) for seed in range(4)]
    for load in loads:
        load.start()
    return loads


def end_load(loads: list[Load]) -> set[str]:
    """What was acknowledged."""
    for load in loads:
        load.ended.set()
    for load in loads:
        load.finish()
    return set().union(*(load.acknowledged for load in loads))


def finish(site: Site, cloud: StandIn) -> None:
    """Ship the rest, and stop both."""
    assert site.ingest.stop() == 0
    wait_for_all(site, cloud, len(read_spool(site.spool)))
    assert site.shipper.stop() == 0


@pytest.fixture
def both(make_site: MakeSite, stream: StandIn) -> Site:
    site = make_site(CONFIG)
    site.aws(stream)
    site.ingest.start()
    site.shipper.start()
    return site


@pytest.mark.timeout(300)
def test_kill_9_of_ingest_under_load_loses_tears_and_doubles_nothing(
    both: Site, stream: StandIn, sampled: int
) -> None:
    chance = random.Random(1)
    loads = begin_load(both)
    for _ in range(KILLS // sampled):
        time.sleep(chance.uniform(0.0, 0.15))
        both.ingest.kill()
        time.sleep(chance.choice([0.0] * 9 + [1.2]))
        both.ingest.start()
    promised = end_load(loads)
    finish(both, stream)

    assert len(promised) > 5 * KILLS // sampled
    sent = set().union(*(load.sent for load in loads))
    assert set(delivered(stream)) <= sent
    check_arrived(both, stream, promised)
    check_once(both, stream)
    position = checkpoint(both.spool)
    assert position
    assert position["counts"]["delivered"] == len(read_spool(both.spool))


@pytest.mark.timeout(300)
def test_kill_9_of_shipper_under_load_loses_and_repeats_nothing(
    both: Site, stream: StandIn, sampled: int
) -> None:
    chance = random.Random(2)
    stream.options.latency = 0.01
    stream.service.visible_after = (0.0, 1.0)
    loads = begin_load(both)
    for _ in range(KILLS // sampled):
        time.sleep(chance.uniform(0.0, 0.2))
        both.shipper.kill()
        stream.settle()
        if chance.random() < 0.2:
            both.ingest.kill()
            both.ingest.start()
        both.shipper.start()
    promised = end_load(loads)
    finish(both, stream)

    assert len(promised) > 5 * KILLS // sampled
    check_arrived(both, stream, promised)
    check_once(both, stream)
    looked = both.shipper.stderr().count("event=ship_looked_up")
    assert looked, "no kill came while a batch was on its way"


@pytest.mark.timeout(300)
def test_kill_9_of_shipper_while_it_holds_many_loses_nothing(
    both: Site, stream: StandIn, sampled: int
) -> None:
    """A backlog over many segments, and calls that are large and slow."""
    stream.options.latency = 0.05
    chance = random.Random(3)
    both.shipper.kill()
    loads = begin_load(both)
    time.sleep(2)
    promised = end_load(loads)
    for _ in range(max(10 // sampled, 3)):
        both.shipper.start()
        time.sleep(chance.uniform(0.0, 0.2))
        both.shipper.kill()
        stream.settle()
    both.shipper.start()
    finish(both, stream)
    check_arrived(both, stream, promised)
    check_once(both, stream)


@pytest.mark.timeout(300)
def test_stops_and_starts_of_shipper_under_load_double_nothing(
    both: Site, stream: StandIn, sampled: int
) -> None:
    chance = random.Random(8)
    loads = begin_load(both)
    for _ in range(20 // sampled):
        time.sleep(chance.uniform(0.0, 0.2))
        both.shipper.restart()
    promised = end_load(loads)
    finish(both, stream)
    check_arrived(both, stream, promised)
    check_once(both, stream)
