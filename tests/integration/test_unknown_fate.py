"""Nobody knows what became of a batch: it is delivered all the same, and once.

Times are scaled: the stand-in shows what it took up to half a second late, and
shipper looks for a second; `--long` takes five and six.
"""

import os
import shutil
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.cutter import Cutter
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.shop import delivered, post_all, wait_for_all
from support.spool import checkpoint
from support.standin import StandIn

LONG = bool(os.environ.get("CLICKSPOOL_LONG"))
LATE, WAIT = (5.0, "6s") if LONG else (0.5, "1s")
RUNS = 250 if LONG else 15  # of each of the four below
CONFIG: dict[str, Any] = {
    "shipper": {"linger": "0s", "request_timeout": "2s", "resolve_wait": WAIT}
}


@pytest.fixture
def late(stream: StandIn) -> StandIn:
    """The stand-in, which shows events late."""
    stream.service.visible_after = (0.0, LATE)
    return stream


@pytest.fixture
def both(make_site: MakeSite, late: StandIn) -> Site:
    site = make_site(CONFIG)
    site.aws(late)
    site.ingest.start()
    site.shipper.start()
    return site


def settled(site: Site) -> int:
    position = checkpoint(site.spool)
    return position["counts"]["delivered"] if position else 0


def wait_settled(site: Site, late: StandIn, count: int, timeout: float = 30) -> None:
    late.wait(lambda: settled(site) == count, timeout)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4))
def test_a_cut_at_any_byte_loses_and_doubles_nothing(
    make_site: MakeSite, late: StandIn, sampled: int, seed: int
) -> None:
    site = make_site(CONFIG)
    with Cutter(late.url, seed) as cutter:
        site.configure({"aws": {"endpoint_url": cutter.url}})
        site.ingest.start()
        site.shipper.start()
        accepted: set[str] = set()
        while cutter.cuts < RUNS // sampled:
            accepted |= post_all(site, 3, 3)
            late.wait_stored(len(accepted), 120)
        cutter.heal()
        wait_settled(site, late, len(accepted), 300)
        assert site.shipper.stop() == 0
    assert delivered(late) == dict.fromkeys(accepted, 1)


def said(site: Site, event: str) -> int:
    return site.shipper.stderr().count(f"event={event} ")


def test_where_reading_is_forbidden_it_is_said_once_and_sent_again(
    both: Site, late: StandIn
) -> None:
    late.play(
        Fault("access_denied", operation="GetLogEvents", every=1),
        Fault("http_500", operation="PutLogEvents", at={2, 4}),
    )
    accepted: set[str] = set()
    for number in range(1, 5):
        accepted |= post_all(both, 10)
        wait_for_all(both, late, 10 * number)
    assert delivered(late) == dict.fromkeys(accepted, 1)
    assert said(both, "lookup_forbidden") == 1


def restarted(site: Site, late: StandIn, change: Callable[[], object]) -> set[str]:
    """Three batches, @change while shipper is down, and one more; all ids."""
    accepted: set[str] = set()
    for number in range(1, 4):
        accepted |= post_all(site, 20)
        wait_settled(site, late, 20 * number)
        if number == 1:
            time.sleep(1.2)  # a checkpoint of then
            shutil.copy(site.spool / "checkpoint.json", site.spool / "old")
    assert site.shipper.stop() == 0
    change()
    site.shipper.start()
    accepted |= post_all(site, 20)
    late.wait(lambda: settled(site) >= 80 or late.stored_count() >= 80)
    time.sleep(0.5)
    assert site.shipper.stop() == 0
    return accepted


@pytest.mark.parametrize("state", ["lost", "torn", "empty", "old"])
def test_without_its_checkpoint_shipper_sends_nothing_twice(
    both: Site, late: StandIn, state: str
) -> None:
    path = both.spool / "checkpoint.json"
    changes: dict[str, Callable[[], object]] = {
        "lost": path.unlink,
        "torn": lambda: path.write_bytes(path.read_bytes()[:100]),
        "empty": lambda: path.write_bytes(b""),
        "old": lambda: (time.sleep(LATE), (both.spool / "old").rename(path)),
    }
    accepted = restarted(both, late, changes[state])
    assert delivered(late) == dict.fromkeys(accepted, 1)
    assert (both.spool / "checkpoint.json.broken").exists() == (
        state in ("torn", "empty")
    )


def test_a_batch_in_flight_is_in_the_checkpoint_before_it_goes_out(
    both: Site, late: StandIn
) -> None:
    late.play(Fault("never_after", operation="PutLogEvents", at={1}))
    accepted = post_all(both, 7)
    late.wait(lambda: late.stored_count() == 7)
    position = checkpoint(both.spool)
    assert position
    batch = position["streams"][0]["inFlight"]
    assert batch["count"] == 7 and batch["lastEventId"] in accepted
    both.shipper.kill()
    both.shipper.start()
    accepted |= post_all(both, 1)
    wait_for_all(both, late, 8)
    assert delivered(late) == dict.fromkeys(accepted, 1)
    assert both.shipper.stop() == 0
    position = checkpoint(both.spool)
    assert position and position["streams"][0]["inFlight"] is None


def test_segments_deleted_by_hand_leave_nothing_new_behind(
    both: Site, late: StandIn
) -> None:
    accepted = post_all(both, 30)
    wait_for_all(both, late, 30)
    assert both.shipper.stop() == both.ingest.stop() == 0
    for path in both.spool.glob("*[0-9].ndjson"):
        path.unlink()
    both.ingest.start()
    both.shipper.start()
    accepted |= post_all(both, 30)
    wait_for_all(both, late, 60)
    assert delivered(late) == dict.fromkeys(accepted, 1)
