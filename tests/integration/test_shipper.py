"""How shipper starts, holds, goes on and ends."""

import json
import os
import time
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.shop import dead, delivered, post_all, wait_for_all
from support.spool import checkpoint, segment_names
from support.standin import ACCESS_KEY, SECRET_KEY, StandIn
from test_packing import entry, line, write_spool

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


# Where it starts


def test_it_waits_for_a_spool_that_has_nothing_yet(shop: Site, stream: StandIn) -> None:
    shop.shipper.start()
    time.sleep(0.3)
    shop.ingest.start()
    accepted = post_all(shop, 20)
    wait_for_all(shop, stream, 20)
    assert delivered(stream) == dict.fromkeys(accepted, 1)


def test_without_a_folder_it_ends_with_74(shop: Site) -> None:
    shop.configure({"spool": {"dir": shop.folder / "nowhere"}})
    assert start_refused(shop) == 74


def test_a_second_shipper_is_turned_away(shop: Site, make_site: MakeSite) -> None:
    shop.shipper.start()
    other = make_site({"spool": {"dir": shop.spool}})
    assert start_refused(other) == 75


def test_a_torn_checkpoint_is_kept_aside_and_all_is_shipped(
    shop: Site, stream: StandIn
) -> None:
    write_spool(shop.spool, [[(NOW, 0)] * 5])
    torn = '{"version":1,"position":{"segm'
    (shop.spool / "checkpoint.json").write_text(torn)
    shop.shipper.start()
    stream.wait_stored(5)
    assert (shop.spool / "checkpoint.json.broken").read_text() == torn


@pytest.mark.parametrize("what", ["checkpoint", "segment"])
def test_a_version_that_is_not_known_is_left_alone(
    shop: Site, stream: StandIn, what: str
) -> None:
    if what == "checkpoint":
        path = shop.spool / "checkpoint.json"
        path.write_text('{"version":2,"later":true}')
    else:
        about = '"_segment":{"v":2,"prev":"","prevEnd":0,"entries":0}'
        path = shop.spool / f"{1:020}.ndjson"
        path.write_bytes(line(NOW, about) + entry(NOW, 1))
    before = path.read_bytes()
    assert start_refused(shop) == 78
    assert path.read_bytes() == before
    assert not stream.puts()


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


def test_bad_bytes_are_a_dead_letter_a_run_and_their_segment_stays(
    shop: Site, stream: StandIn
) -> None:
    write_spool(shop.spool, [[(NOW, 0)] * 4, [(NOW, 0)]])
    path = shop.spool / f"{1:020}.ndjson"
    content = bytearray(path.read_bytes())
    second = content.index(b'"eventId":"' + b"0" * 35 + b"1")
    content[second + 20] ^= 1
    path.write_bytes(content)
    shop.configure({"spool": {"retain": "0s"}})
    shop.shipper.start()
    stream.wait_stored(4)
    assert shop.shipper.stop() == 0
    assert [int(name) for name in delivered(stream)] == [0, 2, 3, 4]
    (letter,) = (shop.spool / "dead-letter.ndjson").read_text().splitlines()
    told = json.loads(letter)
    start = content.rindex(b"\n", 0, second) + 1
    end = content.index(b"\n", second) + 1
    assert (told["reason"], told["segment"]) == ("bad_bytes", path.name)
    assert (told["offset"], told["length"]) == (start, end - start)
    position = checkpoint(shop.spool)
    assert position and position["counts"]["delivered"] == 4
    assert shop.ctl("audit").returncode == 0


# AWS is away


@pytest.mark.timeout(180)
def test_events_wait_for_aws_and_leave_when_it_is_back(
    shop: Site, stream: StandIn
) -> None:
    stream.stop()
    shop.ingest.start()
    shop.shipper.start()
    accepted = post_all(shop, 2_000)
    time.sleep(1)
    assert shop.shipper.running()
    stream.start()
    wait_for_all(shop, stream, 2_000, 40)
    assert delivered(stream) == dict.fromkeys(accepted, 1)
    assert stream.concurrency() == 1


def test_a_stop_while_aws_is_away_ends_in_time_and_loses_nothing(
    shop: Site, stream: StandIn
) -> None:
    stream.play(Fault("never"))
    shop.ingest.start()
    shop.shipper.start()
    accepted = post_all(shop, 50)
    stream.wait(lambda: bool(stream.puts()))
    assert shop.shipper.stop() == 0
    stream.play()
    shop.shipper.start()
    wait_for_all(shop, stream, 50)
    assert set(delivered(stream)) == accepted


def test_a_stop_sends_what_has_gathered(shop: Site, stream: StandIn) -> None:
    shop.configure({"shipper": {"linger": "1h"}})
    shop.ingest.start()
    shop.shipper.start()
    accepted = post_all(shop, 50)
    time.sleep(0.5)
    assert not stream.puts()
    assert shop.shipper.stop() == 0
    assert delivered(stream) == dict.fromkeys(accepted, 1)


def test_wrong_credentials_hold_and_right_ones_are_picked_up(
    shop: Site, stream: StandIn
) -> None:
    keys = shop.folder / "credentials"
    form = "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n"
    keys.write_text(form.format(ACCESS_KEY, "wrong"))
    shop.env |= {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SHARED_CREDENTIALS_FILE": os.fspath(keys),
    }
    shop.ingest.start()
    shop.shipper.start()
    accepted = post_all(shop, 50)
    stream.wait(lambda: len(stream.puts()) >= 3)
    assert not stream.stored_count()
    keys.write_text(form.format(ACCESS_KEY, SECRET_KEY))
    wait_for_all(shop, stream, 50, 60)
    assert delivered(stream) == dict.fromkeys(accepted, 1)
    said = shop.shipper.stderr()
    assert SECRET_KEY not in said and "wrong" not in said.replace("wrong secret", "")


def test_a_refused_batch_holds_loudly_and_is_never_dropped(
    shop: Site, stream: StandIn
) -> None:
    stream.play(Fault("invalid_parameter", times=4))
    shop.ingest.start()
    shop.shipper.start()
    accepted = post_all(shop, 50)
    stream.wait(lambda: any(call.code for call in stream.puts()))
    wait_for_all(shop, stream, 50)
    assert delivered(stream) == dict.fromkeys(accepted, 1)
    held = [x for x in shop.shipper.stderr().splitlines() if "ship_holds" in x]
    assert held and all(" error " in row for row in held)
    assert not dead(shop)


def test_an_idle_connection_is_not_used_after_four_seconds(
    shop: Site, stream: StandIn
) -> None:
    shop.ingest.start()
    shop.shipper.start()
    for number, pause in enumerate([0.5, 5.0, 0.0], 1):
        post_all(shop, 1)
        stream.wait_stored(number)
        time.sleep(pause)
    first, second, third = (call.connection for call in stream.puts())
    assert first == second != third
    assert {call.status for call in stream.puts()} == {200}


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
    assert {call.operation for call in cloud.calls()} == {"PutLogEvents"}
    cloud.create("/clickspool/test", "web-1")
    cloud.wait_stored(3)


# The disk


def test_on_a_full_disk_shipping_goes_on_with_the_position_in_memory(
    shop: Site, stream: StandIn
) -> None:
    def failures() -> int:
        return shop.shipper.stderr().count("checkpoint_failed")

    shop.ingest.start()
    (shop.spool / "checkpoint.json.new").mkdir()  # so it cannot be written
    shop.shipper.start()
    accepted = post_all(shop, 100, 10)
    wait_for_all(shop, stream, 100)
    stream.wait(lambda: failures() > 0)
    time.sleep(1.5)  # it is tried each second, and told once
    assert failures() == 1
    assert checkpoint(shop.spool) is None
    (shop.spool / "checkpoint.json.new").rmdir()
    stream.wait(lambda: checkpoint(shop.spool) is not None)
    shop.shipper.restart()
    time.sleep(0.3)
    assert delivered(stream) == dict.fromkeys(accepted, 1)


@pytest.mark.timeout(60)
def test_shipped_segments_go_and_unshipped_and_the_highest_stay(
    shop: Site, stream: StandIn
) -> None:
    write_spool(shop.spool, [[(NOW, 0)] * 3 for _ in range(4)])
    shop.configure({"spool": {"retain": "0s"}})
    stream.play(Fault("throttle"))
    shop.shipper.start()
    time.sleep(6)  # a sweep comes every five seconds
    assert len(segment_names(shop.spool)) == 4
    stream.play()
    stream.wait_stored(12)
    stream.wait(lambda: segment_names(shop.spool) == [f"{4:020}.ndjson"], 15)


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

