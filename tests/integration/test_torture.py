"""kill -9 of both daemons, at random moments and under load."""

import random
import time
from collections.abc import Iterator

import pytest
from support.daemons import MakeSite, Site
from support.shop import Load, call_ids, check_lines, delivered, wait_for_all
from support.standin import StandIn

KILLS = 50
CONFIG = {
    "spool": {"segment_size": "160KiB", "min_free": "1MiB"},
    "shipper": {"linger": "0s"},
}


@pytest.fixture
def site(make_site: MakeSite, stream: StandIn) -> Iterator[Site]:
    site = make_site(CONFIG)
    site.aws(stream)
    site.ingest.start()
    site.shipper.start()
    yield site


def begin_load(site: Site) -> list[Load]:
    loads = [Load(site, seed) for seed in range(3)]
    for load in loads:
        load.start()
    return loads


def end_load(loads: list[Load]) -> set[str]:
    for load in loads:
        load.ended.set()
    for load in loads:
        load.finish()
    return set().union(*(load.acknowledged for load in loads))


@pytest.mark.timeout(600)
def test_kills_of_both_lose_nothing_and_double_only_what_was_in_flight(
    site: Site, stream: StandIn, sampled: int
) -> None:
    chance = random.Random(7)
    loads = begin_load(site)
    in_flight: set[str] = set()
    order = ["ingest", "shipper"] * (KILLS // sampled)
    chance.shuffle(order)
    for name in order:
        time.sleep(chance.uniform(0.0, 0.2))
        if name == "ingest":
            site.ingest.kill()
            site.ingest.start()
            continue
        site.shipper.kill()
        # The last call that it made; its answer may have come, but not yet
        # have reached the checkpoint.
        stream.wait(lambda: all(call.ended for call in stream.puts()), 10)
        if stream.puts():
            in_flight |= call_ids(stream.puts()[-1])
        site.shipper.start()
    acknowledged = end_load(loads)
    sent = set().union(*(load.sent for load in loads))

    wait_for_all(site, stream, len(acknowledged))
    assert site.ingest.stop() == 0
    stream.wait(lambda: acknowledged <= set(delivered(stream)), 30)
    assert site.shipper.stop() == 0
    got = delivered(stream)
    assert acknowledged <= set(got) <= sent
    doubled = {event_id for event_id, count in got.items() if count > 1}
    assert doubled <= in_flight
    assert max(got.values()) <= 1 + len(order) // 2
    check_lines(site, stream)


@pytest.mark.timeout(300)
def test_stops_and_starts_of_shipper_double_nothing(
    site: Site, stream: StandIn, sampled: int
) -> None:
    chance = random.Random(8)
    loads = begin_load(site)
    for _ in range(20 // sampled):
        time.sleep(chance.uniform(0.0, 0.2))
        site.shipper.restart()
    acknowledged = end_load(loads)
    stream.wait(lambda: acknowledged <= set(delivered(stream)), 60)
    assert max(delivered(stream).values()) == 1
