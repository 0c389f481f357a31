"""AWS is away, or will not have us: everything waits, and arrives once when
that is over; a stop meanwhile ends in time."""

import os
import signal
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.client import MakeCloud
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.shop import check_lines, delivered, post_all, wait_for_all
from support.spool import checkpoint
from support.standin import ACCESS_KEY, SECRET_KEY, StandIn

MOST_BACKOFF = 20.0
IDLE_MOST = 4.0  # seconds that a connection is kept unused


@pytest.fixture
def site(make_site: MakeSite, stream: StandIn) -> Site:
    """Without a daemon running; its keys come from a file, or nowhere."""
    one = make_site({"shipper": {"linger": "0s", "request_timeout": "2s"}})
    one.aws(stream)
    return one


def keys_in_file(site: Site) -> Path:
    """Where the site's keys are looked for from now on; nothing is there."""
    path = site.folder / "credentials"
    site.env |= {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SHARED_CREDENTIALS_FILE": os.fspath(path),
    }
    return path


def write_keys(path: Path, secret: str) -> None:
    path.write_text(
        f"[default]\naws_access_key_id = {ACCESS_KEY}\n"
        f"aws_secret_access_key = {secret}\n"
    )


def said(site: Site, event: str) -> int:
    return site.shipper.stderr().count(f"event={event} ")


def wait_said(site: Site, cloud: StandIn, event: str, times: int = 1) -> None:
    cloud.wait(lambda: said(site, event) >= times)


def settled(site: Site, count: int) -> bool:
    """Whether shipper knows that it has delivered as many."""
    state = checkpoint(site.spool)
    return state is not None and state["counts"]["delivered"] == count


def check_once(site: Site, cloud: StandIn, accepted: set[str]) -> None:
    assert delivered(cloud) == dict.fromkeys(accepted, 1)
    check_lines(site, cloud)
    assert cloud.concurrency() == 1


def test_a_service_that_is_away_at_the_start_and_again_gets_everything(
    site: Site, stream: StandIn
) -> None:
    stream.stop()
    site.shipper.start()
    site.ingest.start()
    accepted: set[str] = set()
    for _ in range(3):
        failures = said(site, "ship_failed")
        accepted |= post_all(site, 200, 50)
        wait_said(site, stream, "ship_failed", failures + 3)
        stream.start()
        wait_for_all(site, stream, len(accepted), 2 * MOST_BACKOFF)
        # An answer that the stop cuts off would be a batch of unknown fate.
        stream.wait(partial(settled, site, len(accepted)))
        stream.stop()
    assert site.shipper.stop() == 0
    check_once(site, stream, accepted)


def test_sigterm_while_nobody_listens_ends_at_once_and_loses_nothing(
    site: Site, stream: StandIn
) -> None:
    stream.stop()
    site.ingest.start()
    site.shipper.start()
    accepted = post_all(site, 200, 50)
    wait_said(site, stream, "ship_failed", 2)
    assert site.shipper.stop() == 0
    stream.start()
    accepted |= post_all(site, 50)
    site.shipper.start()
    wait_for_all(site, stream, 250)
    assert site.shipper.stop() == 0
    check_once(site, stream, accepted)


@pytest.mark.parametrize("kind", ["never", "throttle", "access_denied", "http_503"])
def test_sigterm_while_the_service_says_no_ends_in_time_and_loses_nothing(
    site: Site, stream: StandIn, kind: str
) -> None:
    site.configure({"shipper": {"request_timeout": "60s"}})
    stream.play(Fault(kind, retry_after=30 if kind == "http_503" else None))
    site.ingest.start()
    site.shipper.start()
    accepted = post_all(site, 200, 50)
    stream.wait(lambda: bool(stream.puts()))
    assert site.shipper.stop() == 0
    assert not stream.stored_count()
    stream.play()
    stream.settle()
    site.shipper.start()
    wait_for_all(site, stream, 200)
    assert site.shipper.stop() == 0
    assert delivered(stream) == dict.fromkeys(accepted, 1)


def test_sigterm_sends_what_gathers_without_waiting_for_more(
    site: Site, stream: StandIn
) -> None:
    site.configure({"shipper": {"linger": "1h"}})
    site.ingest.start()
    accepted = post_all(site, 300, 100)
    site.shipper.start()
    time.sleep(1)
    assert not stream.puts()
    assert site.shipper.stop() == 0
    assert [call.events for call in stream.puts()] == [300]
    check_once(site, stream, accepted)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_ends_an_idle_shipper(site: Site, number: int) -> None:
    site.shipper.start()
    site.shipper.signal(number)
    assert site.shipper.wait_exit() == 0


def test_credentials_that_come_later_are_picked_up(site: Site, stream: StandIn) -> None:
    keys = keys_in_file(site)
    site.ingest.start()
    site.shipper.start()
    accepted = post_all(site, 100, 50)
    wait_said(site, stream, "credentials_missing")
    wait_said(site, stream, "ship_failed", 2)
    assert not stream.calls()
    write_keys(keys, SECRET_KEY)
    wait_for_all(site, stream, 100)
    assert said(site, "credentials_missing") == 1, "it is told once"
    assert SECRET_KEY not in site.shipper.stderr()
    check_once(site, stream, accepted)


def test_wrong_credentials_are_told_of_and_tried_ever_more_slowly(
    site: Site, stream: StandIn
) -> None:
    keys = keys_in_file(site)
    write_keys(keys, "wrong-and-not-to-be-logged")
    site.ingest.start()
    site.shipper.start()
    accepted = post_all(site, 100, 50)
    stream.wait(lambda: len(stream.calls()) >= 4)
    time.sleep(3)
    assert not stream.stored_count() and site.shipper.running()
    tries = len(stream.calls())
    assert tries < 40, "each try doubles the ceiling of the next pause"
    assert "InvalidSignatureException" in site.shipper.stderr()
    assert len(site.shipper.stderr().splitlines()) < tries + 20
    write_keys(keys, SECRET_KEY)
    wait_for_all(site, stream, 100, 2 * MOST_BACKOFF)
    assert not {"wrong-and-not-to-be-logged", SECRET_KEY} & set(
        site.shipper.stderr().replace("=", " ").replace('"', " ").split()
    )
    check_once(site, stream, accepted)


@pytest.mark.parametrize(
    ("hint", "least"), [({"retry_after": 2}, 2.0), ({"retry_after_ms": 1500}, 1.5)]
)
def test_the_service_says_how_long_to_wait(
    site: Site, stream: StandIn, hint: dict[str, Any], least: float
) -> None:
    stream.play(Fault("http_503", at={1}, **hint))
    site.ingest.start()
    site.shipper.start()
    post_all(site, 10)
    stream.wait_stored(10)
    first, second = stream.puts()
    assert first.ended and second.began - first.ended >= least - 0.01


def test_a_connection_is_dropped_before_the_service_would_drop_it(
    site: Site, stream: StandIn
) -> None:
    """AWS closes idle ones after about 6 s, which may meet a call on its way."""
    site.ingest.start()
    site.shipper.start()
    for number, pause in enumerate((0.2, 4.5, 0.0), 1):
        post_all(site, 1)
        stream.wait_stored(number)
        time.sleep(pause)
    calls = stream.puts()
    assert [call.status for call in calls] == [200] * 3
    for before, call in pairwise(calls):
        assert before.ended
        idle = call.began - before.ended
        kept = before.connection == call.connection
        if idle < IDLE_MOST - 1.5:
            assert kept, f"a new connection after {idle:.1f} s"
        if idle > IDLE_MOST + 0.2:
            assert not kept, f"a connection used again after {idle:.1f} s"


def test_a_service_with_a_wrong_clock_of_its_own_is_followed(
    make_site: MakeSite, make_cloud: MakeCloud
) -> None:
    cloud, _ = make_cloud(clock_offset=-3600.0)
    site = make_site({"shipper": {"linger": "0s"}})
    site.aws(cloud)
    site.ingest.start()
    site.shipper.start()
    accepted = post_all(site, 100, 10)
    wait_for_all(site, cloud, 100)
    refused = [call for call in cloud.calls() if call.code]
    assert len(refused) == 1, "the first answer tells the time"
    assert delivered(cloud) == dict.fromkeys(accepted, 1)
