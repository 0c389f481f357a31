"""The heartbeat: the counts of promise 2 in CloudWatch itself."""

import json
import time
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.shop import post_all
from support.spool import checkpoint, read_spool
from support.standin import StandIn


@pytest.fixture
def site(make_site: MakeSite, cloud: StandIn) -> Site:
    site = make_site({"shipper": {"linger": "0s", "heartbeat": "1s"}})
    site.aws(cloud)
    return site


def beats(cloud: StandIn) -> list[dict[str, Any]]:
    rows = [json.loads(text) for text in cloud.messages()]
    return [row for row in rows if row.get("action") == "heartbeat"]


def others(cloud: StandIn) -> int:
    return cloud.stored_count() - len(beats(cloud))


def wait_beat(cloud: StandIn, **wanted: int) -> dict[str, Any]:
    """The first one that tells these figures."""

    def found() -> dict[str, Any] | None:
        for row in beats(cloud):
            if all(row[name] == value for name, value in wanted.items()):
                return row
        return None

    cloud.wait(lambda: found() is not None, 20)
    row = found()
    assert row
    return row


def balanced(row: dict[str, Any]) -> bool:
    return bool(
        row["accepted"]
        == row["delivered"] + row["pending"] + row["dead"] + row["dropped"]
    )


def test_silence_is_told_by_a_shop_without_events(site: Site, cloud: StandIn) -> None:
    """It makes group and stream, and is in no count and no spool."""
    site.ingest.start()
    site.shipper.start()
    cloud.wait(lambda: len(beats(cloud)) >= 2, 20)
    assert all(row["logCategory"] == "clickspool" for row in beats(cloud))
    assert all(row["accepted"] == 0 == row["pending"] for row in beats(cloud))
    assert len({row["eventId"] for row in beats(cloud)}) == len(beats(cloud))
    assert not read_spool(site.spool)
    position = checkpoint(site.spool)
    assert not position or position["counts"]["delivered"] == 0
    assert site.ctl("audit").returncode == 0


def test_its_counts_balance_at_any_moment(site: Site, cloud: StandIn) -> None:
    site.ingest.start()
    site.shipper.start()
    total = 0
    until = time.monotonic() + 4
    while time.monotonic() < until:
        total += len(post_all(site, 25))
        time.sleep(0.02)
    wait_beat(cloud, delivered=total, pending=0)
    assert all(balanced(row) for row in beats(cloud))
    assert others(cloud) == total


def test_it_tells_what_is_held(make_site: MakeSite, cloud: StandIn) -> None:
    """Of two streams one is refused: the other one still delivers, and the
    figures of both are in the heartbeat, which is a third one's."""
    site = make_site(
        {
            "shipper": {
                "linger": "0s",
                "heartbeat": "1s",
                "log_stream": "{category}",
            }
        }
    )
    site.aws(cloud)
    cloud.play(Fault("access_denied", stream="business"))
    site.ingest.start()
    post_all(site, 12)
    site.shipper.start()
    row = wait_beat(cloud, pending=12)
    assert balanced(row)
    cloud.play()
    row = wait_beat(cloud, pending=0, delivered=12)
    assert balanced(row)


def test_one_that_fails_is_made_anew(site: Site, cloud: StandIn) -> None:
    cloud.play(Fault("http_503", times=2), Fault("reset_after", at={4}))
    site.ingest.start()
    site.shipper.start()
    cloud.wait(lambda: len(beats(cloud)) >= 3, 30)
    post_all(site, 3)
    wait_beat(cloud, delivered=3)
    assert len({row["eventId"] for row in beats(cloud)}) == len(beats(cloud))


def test_a_service_in_trouble_is_not_asked_all_the_time(
    site: Site, cloud: StandIn
) -> None:
    cloud.play(Fault("http_500"))
    site.ingest.start()
    site.shipper.start()
    cloud.wait(lambda: bool(cloud.puts()), 20)
    time.sleep(3)
    assert len(cloud.puts()) <= 6


def test_none_is_sent_where_none_is_wanted(site: Site, cloud: StandIn) -> None:
    site.configure({"shipper": {"heartbeat": "0s"}})
    site.ingest.start()
    site.shipper.start()
    post_all(site, 1)
    cloud.wait_stored(1)
    time.sleep(2)
    assert cloud.stored_count() == 1
