"""Several log streams: each has its own queue, token and position, and none
holds the others."""

import json
import os
import random
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.handmade import HandMade, line
from support.shop import delivered, post_logs
from support.spool import checkpoint, read_spool
from support.standin import StandIn

LONG = bool(os.environ.get("CLICKSPOOL_LONG"))
KILLS = 100 if LONG else 12
CATEGORIES = ("auth", "crud", "app", "upload")
GROUP = "/clickspool/{category}"
CONFIG: dict[str, Any] = {
    "shipper": {
        "log_group": GROUP,
        "log_stream": "web-1-{date}",
        "linger": "0s",
        "resolve_wait": "1s",
        "request_timeout": "2s",
    }
}


@pytest.fixture
def site(make_site: MakeSite, cloud: StandIn) -> Site:
    site = make_site(CONFIG)
    site.aws(cloud)
    site.ingest.start()
    return site


def by_category(cloud: StandIn) -> dict[str, Counter[str]]:
    """What is where, by the group that it was put into."""
    found: dict[str, Counter[str]] = {}
    for call in cloud.puts():
        for event in call.stored:
            entry = json.loads(event.message)
            assert call.group == f"/clickspool/{entry['logCategory']}"
            found.setdefault(entry["logCategory"], Counter())[entry["eventId"]] += 1
    return found


def wait_counted(site: Site, cloud: StandIn, count: int, timeout: float = 60) -> None:
    def settled() -> bool:
        position = checkpoint(site.spool)
        return bool(position) and position["counts"]["delivered"] == count

    cloud.wait(settled, timeout)


def expect_balance(site: Site, delivered: int, pending: int) -> None:
    """Though streams stand ahead of the position that they have in common."""
    done = site.ctl("audit", "--json")
    assert done.returncode == 0, (done.stdout, done.stderr)
    told = json.loads(done.stdout)
    assert (told["delivered"], told["pending"]) == (delivered, pending)


def expect_streams_of_the_day(cloud: StandIn) -> None:
    """Each event lies in the stream of its own day."""
    for call in cloud.puts():
        for event in call.stored:
            stamp = datetime.fromtimestamp(event.timestamp / 1000, UTC)
            assert call.stream == f"web-1-{stamp:%Y-%m-%d}"


def test_each_category_goes_to_its_own_stream(site: Site, cloud: StandIn) -> None:
    site.shipper.start()
    sent = {name: post_logs(site, name, 7) for name in CATEGORIES}
    wait_counted(site, cloud, 28)
    assert by_category(cloud) == {
        name: dict.fromkeys(ids, 1) for name, ids in sent.items()
    }
    expect_streams_of_the_day(cloud)
    assert site.shipper.stop() == 0
    position = checkpoint(site.spool)
    assert position
    end = position["position"]
    assert {row["group"] for row in position["streams"]} == {
        f"/clickspool/{name}" for name in CATEGORIES
    }
    for row in position["streams"]:
        assert (row["position"], row["inFlight"]) == (end, None)


def test_what_the_sender_nests_is_not_the_category(site: Site, cloud: StandIn) -> None:
    site.shipper.start()
    props = {"logCategory": "crud", "x": '{"logCategory":"app"'}
    ids = post_logs(site, "auth", 3, props=props, userAgent="a {b} [c]")
    wait_counted(site, cloud, 3)
    assert by_category(cloud) == {"auth": dict.fromkeys(ids, 1)}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("access_denied", contains='"logCategory":"auth"'),
        Fault("never", contains='"logCategory":"auth"'),
        Fault("throttle", contains='"logCategory":"auth"'),
        Fault("delay", contains='"logCategory":"auth"', seconds=1.5),
    ],
    ids=lambda fault: fault.kind,
)
def test_one_that_cannot_go_on_holds_nobody(
    site: Site, cloud: StandIn, fault: Fault
) -> None:
    """Though it has more to send than two batches hold."""
    cloud.play(fault)
    site.shipper.start()
    held: set[str] = set()
    for _ in range(12):
        held |= post_logs(site, "auth", 200, title="x" * 900)
    others = post_logs(site, "crud", 20) | post_logs(site, "app", 20)

    def others_arrived() -> bool:
        return sum(map(len, map(by_category(cloud).get, ("crud", "app"), ({}, {})))) >= 40

    cloud.wait(others_arrived, 20)
    if fault.kind != "delay":
        assert not by_category(cloud).get("auth")
        wait_counted(site, cloud, len(others))
        expect_balance(site, len(others), len(held))
    position = checkpoint(site.spool)
    assert position
    first = min(entry.offset for entry in read_spool(site.spool))
    assert position["position"]["offset"] <= first + 3_000_000
    cloud.play()
    later = post_logs(site, "auth", 5) | post_logs(site, "crud", 5)
    wait_counted(site, cloud, len(held | others | later), 60)
    assert delivered(cloud) == dict.fromkeys(held | others | later, 1)
    assert cloud.stream_concurrency() == 1
    order = [
        json.loads(event.message)["eventId"]
        for event in cloud.delivered()
        if '"logCategory":"auth"' in event.message
    ]
    spooled = [e.event_id for e in read_spool(site.spool) if e.event_id in set(order)]
    assert order == spooled


def test_no_more_calls_at_once_than_asked_for(
    make_site: MakeSite, cloud: StandIn
) -> None:
    site = make_site(CONFIG)
    site.configure({"shipper": {"max_inflight": 2}})
    site.aws(cloud)
    cloud.options.latency = 0.1
    site.ingest.start()
    sent = set().union(*(post_logs(site, name, 20) for name in CATEGORIES))
    site.shipper.start()
    for name in CATEGORIES * 3:
        sent |= post_logs(site, name, 20)
        time.sleep(0.05)
    wait_counted(site, cloud, len(sent))
    assert delivered(cloud) == dict.fromkeys(sent, 1)
    assert cloud.concurrency() == 2


@pytest.mark.timeout(1200)
def test_kills_lose_and_double_nothing_in_any_stream(
    site: Site, cloud: StandIn, sampled: int
) -> None:
    """One of the streams lags behind, so that positions differ."""
    cloud.service.visible_after = (0.0, 0.5)
    chance = random.Random(3)
    sent: set[str] = set()
    for round_ in range(KILLS // sampled):
        cloud.play(
            Fault(
                chance.choice(["delay", "throttle", "http_503"]),
                contains=f'"logCategory":"{chance.choice(CATEGORIES)}"',
                times=4,
                seconds=0.4,
            )
        )
        site.shipper.start()
        for _ in range(6):
            sent |= post_logs(site, chance.choice(CATEGORIES), chance.choice([1, 30]))
            time.sleep(chance.random() / 20)
        time.sleep(chance.random())
        if round_ + 1 < KILLS // sampled:
            site.shipper.kill()
    cloud.play()
    wait_counted(site, cloud, len(sent), 120)
    assert delivered(cloud) == dict.fromkeys(sent, 1)


def test_days_have_streams_of_their_own(make_site: MakeSite, cloud: StandIn) -> None:
    """More of them than can be open at once, and each is made when it is due."""
    site = make_site(CONFIG)
    site.aws(cloud)
    day = 24 * 60 * 60 * 1000
    noon = int(time.time() * 1000) // day * day - day // 2
    spool = HandMade(site.spool)
    rows = [
        line(
            noon - (12 - n // 4) * day,
            f'"eventId":"{n:036d}","logCategory":"{CATEGORIES[n % 4]}"',
        )
        for n in range(48)
    ]
    spool.segment(rows, noon - 12 * day)
    site.shipper.start()
    wait_counted(site, cloud, 48)
    assert delivered(cloud) == {f"{n:036d}": 1 for n in range(48)}
    days = {call.stream for call in cloud.puts()}
    assert len(days) == 12
    assert sum(call.taken for call in cloud.puts()) == 48
    expect_streams_of_the_day(cloud)


def test_names_are_judged_before_the_start(site: Site) -> None:
    for key, value in (
        ("log_stream", "{host}"),
        ("log_stream", "a:b"),
        ("log_group", "x{category}!"),
        ("log_group", ""),
    ):
        site.configure({"shipper": {key: value}})
        done = site.run("shipper/clickspool-shipper", "--check")
        assert done.returncode == 78 and f"[shipper] {key}" in done.stderr
        site.configure({"shipper": CONFIG["shipper"]})
