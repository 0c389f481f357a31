"""Both daemons against a service that fails in every way: each event is
delivered once, in order."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from support.daemons import MakeSite, Site, uses_asan
from support.faults import Fault
from support.journal import Call, max_concurrency
from support.shop import (
    batch,
    check_lines,
    dead,
    delivered,
    ids,
    post_all,
    post_lines,
    wait_for_all,
)
from support.spool import checkpoint, dead_letters, read_spool
from support.standin import StandIn

LONG = bool(os.environ.get("CLICKSPOOL_LONG"))
EAGER = {"shipper": {"linger": "0s", "request_timeout": "2s", "resolve_wait": "1s"}}

WAYS = [
    Fault("throttle", every=10),
    Fault("http_408", every=10),
    Fault("http_429", every=10, retry_after=1),
    Fault("http_500", every=10),
    Fault("http_500", every=10, taken=True),
    Fault("http_502", every=10),
    Fault("http_503", every=10, retry_after_ms=300),
    Fault("http_504", every=10, taken=True),
    Fault("html_503", every=10),
    Fault("html_200", every=10),
    Fault("garbage", every=10),
    Fault("truncated_200", every=10, taken=True),
    Fault("short_200", every=10, taken=True),
    Fault("empty_200", every=10, taken=True),
    Fault("reset_before", every=10),
    Fault("reset_mid_body", every=10),
    Fault("reset_after", every=10),
    Fault("slow", every=10, seconds=0.3),
    Fault("delay", every=10, seconds=0.5),
    Fault("never", every=10, times=3),
    Fault("never_after", every=10, times=3),
    Fault("skew", every=10, seconds=600.0),
    Fault("skew", every=10, seconds=0.0),
    Fault("expired_token", every=10),
    Fault("access_denied", every=10),
    Fault("operation_aborted", every=10),
    Fault("limit_exceeded", every=10),
    Fault("not_found", every=10),
]


def name_of(fault: Fault) -> str:
    more = "-taken" if fault.taken else ""
    return f"{fault.kind}{more}-{fault.seconds:g}s"


def given_up(call: Call) -> bool:
    """Whether shipper may have ceased to wait, which it does after 2 s."""
    return call.ended is None or call.ended - call.began > 1.5


def check(site: Site, cloud: StandIn, accepted: set[str]) -> None:
    got = delivered(cloud)
    assert got == dict.fromkeys(accepted, 1)
    check_lines(site, cloud)
    for call in cloud.puts():
        times = [item.timestamp for item in call.stored]
        assert all(a <= b for a, b in pairwise(times))
        own = call.code == "InvalidParameterException" and not call.fault
        assert not own, "a batch broke a rule of the service"
    first = list(dict.fromkeys(json.loads(m)["eventId"] for m in cloud.messages()))
    assert first == [entry.event_id for entry in read_spool(site.spool)]
    # The stand-in notices late that its client has given up.
    answered = [call for call in cloud.puts() if not given_up(call)]
    assert max_concurrency(answered) == 1


@pytest.fixture
def both(make_site: MakeSite, cloud: StandIn) -> Callable[..., Site]:
    def start(config: dict[str, Any] = EAGER) -> Site:
        site = make_site(config)
        site.aws(cloud)
        site.ingest.start()
        site.shipper.start()
        return site

    return start


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", WAYS, ids=name_of)
def test_each_way_of_failing_is_survived(
    both: Callable[..., Site], cloud: StandIn, fault: Fault
) -> None:
    site = both()
    cloud.play(fault)
    accepted: set[str] = set()
    while len(accepted) < (100_000 if LONG else 1_000) or len(cloud.puts()) < 25:
        accepted |= post_all(site, 500 if LONG else 100)
        time.sleep(0.02)
    wait_for_all(site, cloud, len(accepted))
    assert any(call.fault == fault.kind for call in cloud.puts())
    assert site.shipper.stop() == 0
    check(site, cloud, accepted)
    position = checkpoint(site.spool)
    assert position and position["counts"]["delivered"] == len(accepted)


def one_after_the_other(ways: list[Fault], every: int) -> list[Fault]:
    """A script in which each @every-th call fails, in the next way each time."""
    around = every * len(ways)
    return [
        replace(way, every=None, at=set(range(every * n, 10_000, around)))
        for n, way in enumerate(ways, 1)
    ]


@pytest.mark.timeout(300)
def test_100_000_events_with_one_call_in_five_failing(
    both: Callable[..., Site], cloud: StandIn, sampled: int
) -> None:
    site = both()
    cloud.play(*one_after_the_other(WAYS, 5))
    accepted: set[str] = set()
    for _ in range(200 // sampled):
        accepted |= post_all(site, 500, 250, title="x" * 600)
    wait_for_all(site, cloud, len(accepted), 200)
    failed = [call for call in cloud.puts() if call.fault]
    assert len(failed) >= len(cloud.puts()) // 7
    assert site.shipper.stop() == site.ingest.stop() == 0
    check(site, cloud, accepted)
    for daemon in (site.ingest, site.shipper):
        if not uses_asan(daemon.program):
            assert daemon.meter.peak_rss_anon < 32 << 20, daemon.name


def test_rejected_entries_are_dead_letters_and_the_rest_is_delivered(
    both: Callable[..., Site], cloud: StandIn
) -> None:
    site = both({"shipper": {"linger": "0s"}})
    cloud.play(
        Fault("rejected", every=3, too_old=1, expired=2),
        Fault("rejected", every=2, too_new=1),
    )
    accepted: set[str] = set()
    while len(cloud.puts()) < 12:
        accepted |= post_all(site, 20)
        time.sleep(0.02)
    wait_for_all(site, cloud, len(accepted))
    assert site.shipper.stop() == 0
    alive, buried = delivered(cloud), dead(site)
    assert set(alive) | set(buried) == accepted
    assert not set(alive) & set(buried)
    assert max(alive.values()) == max(buried.values()) == 1
    letters = dead_letters(site.spool)
    assert {letter.reason for letter in letters} == {"too_old", "expired", "too_new"}
    entries = {(e.segment, e.offset): e for e in read_spool(site.spool)}
    for letter in letters:
        assert letter.entry == entries[letter.segment, letter.offset].obj
    position = checkpoint(site.spool)
    assert position
    assert position["counts"] == {
        "delivered": len(alive),
        "dead": len(buried),
        "dropped": 0,
        "replayed": 0,
    }


ODD = [
    r'{"n":9007199254740993,"m":1e400,"z":-0,"e":1E5}',
    r'{"s":"\" \\ \/ \b \f \n \r \t \u00e9 \ud83d\ude00"}',
    '{"s":"\U0001f600 \U0001d11e é ü 漢字 \u2028"}',
]


def test_values_arrive_byte_for_byte_as_they_were_sent(
    both: Callable[..., Site], cloud: StandIn
) -> None:
    site = both({"shipper": {"linger": "0s"}})
    for props in ODD:
        body = json.dumps(batch(1)[0])[:-1] + f', "props" : {props} }}'
        answer = site.ingest.post(body.encode(), {"Content-Type": "application/json"})
        assert answer.status == 202, answer
    cloud.wait_stored(len(ODD))
    for props, message in zip(ODD, cloud.messages(), strict=True):
        assert f'"props":{props}' in message
    check_lines(site, cloud)


def test_an_old_service_gets_the_token_that_it_wants(
    make_site: MakeSite, make_cloud: Callable[..., tuple[StandIn, Any]]
) -> None:
    cloud, _ = make_cloud(tokens=True)
    site = make_site({"shipper": {"linger": "0s"}})
    site.aws(cloud)
    site.ingest.start()
    site.shipper.start()
    accepted = post_all(site, 300, 30)
    wait_for_all(site, cloud, 300)
    site.shipper.restart()
    accepted |= post_all(site, 300, 30)
    wait_for_all(site, cloud, 600)
    stream = cloud.service.groups["/clickspool/test"].streams["web-1"]
    stream.token = "moved-by-another-writer"
    accepted |= post_all(site, 30, 30)
    wait_for_all(site, cloud, 630)
    assert delivered(cloud) == dict.fromkeys(accepted, 1)
    refused = [c for c in cloud.puts() if c.code == "InvalidSequenceTokenException"]
    assert len(refused) <= 2, "each answer tells the next token"


def test_a_batch_that_was_taken_already_counts_as_delivered(
    make_site: MakeSite, make_cloud: Callable[..., tuple[StandIn, Any]]
) -> None:
    cloud, _ = make_cloud(tokens=True)
    cloud.play(Fault("reset_after", at={2}))
    site = make_site({"shipper": {"linger": "0s", "resolve_ambiguous": "false"}})
    site.aws(cloud)
    site.ingest.start()
    site.shipper.start()
    accepted: set[str] = set()
    for _ in range(5):
        accepted |= post_all(site, 10)
        wait_for_all(site, cloud, len(accepted))
    assert delivered(cloud) == dict.fromkeys(accepted, 1)
    assert any(c.code == "DataAlreadyAcceptedException" for c in cloud.puts())


@pytest.mark.parametrize("answer", ["malformed", "serialization", "unsupported"])
def test_a_service_that_cannot_read_gzip_gets_plain_bodies(
    make_site: MakeSite, make_cloud: Callable[..., tuple[StandIn, Any]], answer: str
) -> None:
    cloud, _ = make_cloud(gzip=answer)
    site = make_site({"shipper": {"linger": "0s"}})
    site.aws(cloud)
    site.ingest.start()
    site.shipper.start()
    accepted = post_all(site, 200, 20)
    wait_for_all(site, cloud, 200)
    assert delivered(cloud) == dict.fromkeys(accepted, 1)
    assert [call.encoding for call in cloud.puts()].count("gzip") == 1


def test_bodies_are_compressed_and_can_be_sent_plain(
    make_site: MakeSite, cloud: StandIn
) -> None:
    site = make_site({"shipper": {"linger": "0s", "gzip_level": 0}})
    site.aws(cloud)
    site.ingest.start()
    site.shipper.start()
    assert post_lines(site, first := batch(50)).status == 202
    wait_for_all(site, cloud, 50)
    assert {call.encoding for call in cloud.puts()} == {None}
    assert site.shipper.stop() == 0
    site.configure({"shipper": {"gzip_level": 1}})
    site.shipper.start()
    assert post_lines(site, second := batch(50)).status == 202
    wait_for_all(site, cloud, 100)
    assert cloud.puts()[-1].encoding == "gzip"
    assert cloud.puts()[-1].body_bytes * 3 < cloud.puts()[-1].message_bytes
    assert delivered(cloud) == dict.fromkeys(ids(first + second), 1)
