"""What shipper makes, holds for, and tells."""

import json
import time
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.shop import dead, delivered, post_all, wait_for_all
from support.standin import StandIn
from test_packing import write_spool

NOW = int(time.time() * 1000)
EAGER = {"shipper": {"linger": "0s"}}


@pytest.fixture
def shop(make_site: MakeSite, stream: StandIn) -> Site:
    site = make_site(EAGER)
    site.aws(stream)
    return site


def start_refused(site: Site) -> int:
    site.shipper.start(wait=False)
    return site.shipper.wait_exit()


def test_without_a_folder_it_ends_with_74(shop: Site) -> None:
    shop.configure({"spool": {"dir": shop.folder / "nowhere"}})
    assert start_refused(shop) == 74


def test_it_goes_on_where_the_checkpoint_says(shop: Site, stream: StandIn) -> None:
    write_spool(shop.spool, [[(NOW, 0)] * 3, [(NOW, 0)] * 3])
    shop.shipper.start()
    stream.wait_stored(6)
    assert shop.shipper.stop() == 0
    (shop.spool / f"{1:020}.ndjson").unlink()
    shop.shipper.start()
    time.sleep(0.5)
    assert shop.shipper.stop() == 0
    assert stream.stored_count() == 6


def test_a_batch_that_is_refused_for_a_while_is_never_dropped(
    shop: Site, stream: StandIn
) -> None:
    stream.play(Fault("invalid_parameter", times=4))
    shop.ingest.start()
    shop.shipper.start()
    accepted = post_all(shop, 50)
    stream.wait(lambda: any(call.code for call in stream.puts()))
    wait_for_all(shop, stream, 50)
    assert delivered(stream) == dict.fromkeys(accepted, 1)
    assert "event=batch_refused" in shop.shipper.stderr()
    assert not dead(shop)


@pytest.mark.parametrize("retention", [0, 30])
def test_a_missing_group_and_stream_are_made(
    make_site: MakeSite, cloud: StandIn, retention: int
) -> None:
    site = make_site({"shipper": {"linger": "0s", "retention_days": retention}})
    site.aws(cloud)
    write_spool(site.spool, [[(NOW, 0)] * 3])
    site.shipper.start()
    cloud.wait_stored(3)
    group = cloud.service.groups["/clickspool/test"]
    assert group.retention_days == (retention or None)
    made = [call.operation for call in cloud.calls() if call.status == 200]
    assert made.count("CreateLogGroup") == made.count("CreateLogStream") == 1


def test_without_create_a_missing_group_holds(
    make_site: MakeSite, cloud: StandIn
) -> None:
    site = make_site({"shipper": {"linger": "0s", "create": "false"}})
    site.aws(cloud)
    write_spool(site.spool, [[(NOW, 0)] * 3])
    site.shipper.start()
    cloud.wait(lambda: len(cloud.puts()) >= 2)
    assert {call.operation for call in cloud.calls()[1:]} == {"PutLogEvents"}
    cloud.create("/clickspool/test", "web-1")
    cloud.wait_stored(3)


def test_the_status_file_tells_how_it_goes(shop: Site, stream: StandIn) -> None:
    path = shop.spool / "shipper.status.json"

    def told(key: str) -> Any:
        return json.loads(path.read_text())[key] if path.exists() else None

    shop.ingest.start()
    shop.shipper.start()
    post_all(shop, 100, 50)
    stream.wait(lambda: (told("counts") or {}).get("delivered") == 100)
    assert (told("state"), told("lagBytes"), told("lagSeconds")) == ("idle", 0, 0)
    assert told("lastError") is None and told("lastSuccessAt")
    stream.play(Fault("throttle"))
    post_all(shop, 50, 50)
    stream.wait(lambda: told("lastError") is not None)
    assert told("lastError")["code"] == "ThrottlingException"
    stream.wait(lambda: told("lagBytes") > 0)

