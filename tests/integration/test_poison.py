"""Entries that CloudWatch refuses for their content: they alone become dead
letters, with its own words, and all others are delivered once."""

import os
import random
import time
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.shop import batch, dead, delivered, ids, post_lines, wait_for_all
from support.spool import checkpoint, dead_letters, read_spool
from support.standin import StandIn

LONG = bool(os.environ.get("CLICKSPOOL_LONG"))
EVENTS, POISONED = (1_000_000, 100) if LONG else (20_000, 10)
MOST_EXTRA = 24  # calls for each
CONFIG: dict[str, Any] = {"shipper": {"linger": "0s"}}
POISON = Fault("invalid_parameter", contains="poison-", every=1)


@pytest.fixture
def site(make_site: MakeSite, stream: StandIn) -> Site:
    site = make_site(CONFIG)
    site.aws(stream)
    site.ingest.start()
    return site


@pytest.mark.timeout(1800)
def test_the_poisoned_alone_are_dead_and_cost_few_calls(
    site: Site, stream: StandIn, sampled: int
) -> None:
    count = EVENTS // sampled
    chance = random.Random(4)
    guilty = set(chance.sample(range(count), POISONED))
    accepted: set[str] = set()
    poisoned: set[str] = set()
    for first in range(0, count, 500):
        events = batch(min(500, count - first))
        for number, item in enumerate(events, first):
            if number in guilty:
                item["title"] = f"poison-{number}"
                poisoned.add(item["eventId"])
        assert post_lines(site, events).status == 202
        accepted.update(ids(events))

    stream.play(POISON)
    site.shipper.start()
    wait_for_all(site, stream, count, 900)
    stream.wait(lambda: counts(site).get("dead") == len(poisoned))
    assert site.shipper.stop() == 0
    assert delivered(stream) == dict.fromkeys(accepted - poisoned, 1)
    assert dead(site) == dict.fromkeys(poisoned, 1)
    assert counts(site) == {
        "delivered": count - len(poisoned),
        "dead": len(poisoned),
        "dropped": 0,
        "replayed": 0,
    }
    entries = {(e.segment, e.offset): e for e in read_spool(site.spool)}
    for letter in dead_letters(site.spool):
        assert letter.reason == "refused"
        assert letter.entry == entries[letter.segment, letter.offset].obj
    written = "".join(
        path.read_text() for path in site.spool.glob("dead-letter*.ndjson")
    )
    assert written.count('"code":"InvalidParameterException","message":"') == len(
        poisoned
    )
    least = -(-sum(len(e.line) + 26 for e in entries.values()) // 1_048_576)
    extra = len(stream.puts()) - least - 1
    assert extra <= MOST_EXTRA * len(poisoned), extra


def counts(site: Site) -> dict[str, int]:
    position = checkpoint(site.spool)
    return position["counts"] if position else {}


def test_an_entry_alone_in_its_stream_is_proven_guilty_by_a_probe(
    site: Site, stream: StandIn
) -> None:
    stream.play(POISON)
    site.shipper.start()
    events = batch(1, title="poison-0")
    assert post_lines(site, events).status == 202
    stream.wait(lambda: counts(site).get("dead") == 1)
    assert site.shipper.stop() == 0
    assert set(dead(site)) == set(ids(events))
    (probe,) = stream.messages()
    assert '"logCategory":"clickspool","action":"probe"' in probe


def test_a_stream_that_refuses_everything_holds_loudly_and_nobody_dies(
    site: Site, stream: StandIn
) -> None:
    stream.play(Fault("invalid_parameter", every=1))
    site.shipper.start()
    events = batch(40)
    assert post_lines(site, events).status == 202
    stream.wait(lambda: "event=ship_holds" in site.shipper.stderr())
    time.sleep(1)
    calls = len(stream.puts())
    assert calls < 80, "it does not go through all of them"
    assert not dead_letters(site.spool) and not stream.stored_count()
    stream.play()
    wait_for_all(site, stream, 41, 60)  # and what proved it
    assert site.shipper.stop() == 0


def test_a_kill_amid_the_search_loses_and_doubles_nothing(
    site: Site, stream: StandIn, sampled: int
) -> None:
    stream.play(POISON)
    stream.options.latency = 0.02
    chance = random.Random(5)
    accepted: set[str] = set()
    poisoned: set[str] = set()
    for number in range(max(10 // sampled, 3)):
        events = batch(200)
        events[chance.randrange(200)]["title"] = f"poison-{number}"
        poisoned.update(e["eventId"] for e in events if "title" in e)
        assert post_lines(site, events).status == 202
        accepted.update(ids(events))
        site.shipper.start()
        time.sleep(chance.uniform(0.1, 0.5))
        site.shipper.kill()
        stream.settle()
    site.shipper.start()
    stream.wait(
        lambda: counts(site).get("delivered", 0) + counts(site).get("dead", 0)
        == len(accepted),
        90,
    )
    assert site.shipper.stop() == 0
    assert dead(site) == dict.fromkeys(poisoned, 1)
    assert set(delivered(stream)) - accepted == probes(stream)
    assert {n: c for n, c in delivered(stream).items() if n in accepted} == (
        dict.fromkeys(accepted - poisoned, 1)
    )


def probes(stream: StandIn) -> set[str]:
    return {
        text.split('"eventId":"')[1][:36]
        for text in stream.messages()
        if '"action":"probe"' in text
    }
