"""How shipper begins, whatever it finds in the spool's folder."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.handmade import HandMade, control, entry, event_id, line
from support.shop import delivered, post_all, wait_for_all
from support.spool import checkpoint, dead_letters, read_spool
from support.standin import StandIn

NOW = int(time.time() * 1000)
OTHER_BOOT = "00000000-0000-4000-8000-000000000000"
TORN = entry(NOW, 99)[:-20]


@pytest.fixture
def site(make_site: MakeSite, stream: StandIn) -> Site:
    """Without a daemon running."""
    one = make_site({"shipper": {"linger": "0s"}})
    one.aws(stream)
    return one


def rows(first: int, count: int) -> list[bytes]:
    return [entry(NOW, number) for number in range(first, first + count)]


def named(*numbers: int) -> dict[str, int]:
    return {event_id(number): 1 for number in numbers}


def refused_start(site: Site) -> int:
    site.shipper.start(wait=False)
    return site.shipper.wait_exit()


def write_checkpoint(site: Site, segment: int, offset: int, **members: Any) -> Path:
    path = site.spool / "checkpoint.json"
    content = {
        "version": 1,
        "position": {"segment": segment, "offset": offset},
        "streams": [],
        "counts": {"delivered": 0, "dead": 0, "dropped": 0},
        "savedAt": "2026-01-02T03:04:05.678Z",
    }
    path.write_text(json.dumps(content | members))
    return path


def test_without_a_checkpoint_everything_there_is_is_shipped(
    site: Site, stream: StandIn
) -> None:
    spool = HandMade(site.spool)
    spool.segment(rows(0, 3), NOW)
    spool.segment(rows(3, 3), NOW)
    site.shipper.start()
    stream.wait_stored(6)
    assert site.shipper.stop() == 0
    assert delivered(stream) == named(*range(6))
    position = checkpoint(site.spool)
    assert position
    assert position["position"] == {"segment": 2, "offset": spool.ends[1]}
    assert position["counts"] == {
        "delivered": 6,
        "dead": 0,
        "dropped": 0,
        "replayed": 0,
    }


def test_a_checkpoint_is_where_shipping_goes_on(site: Site, stream: StandIn) -> None:
    spool = HandMade(site.spool)
    spool.segment(rows(0, 3), NOW)
    write_checkpoint(site, 1, spool.ends[0] - len(entry(NOW, 2)))
    site.shipper.start()
    stream.wait_stored(1)
    assert site.shipper.stop() == 0
    assert delivered(stream) == named(2)


@pytest.mark.parametrize(
    "torn",
    [b"", b"\0" * 100, b'{"version":1,"position":{"seg', b"[]", b'{"version":1}'],
)
def test_a_broken_checkpoint_is_kept_aside_and_all_is_shipped_again(
    site: Site, stream: StandIn, torn: bytes
) -> None:
    HandMade(site.spool).segment(rows(0, 3), NOW)
    (site.spool / "checkpoint.json").write_bytes(torn)
    site.shipper.start()
    stream.wait_stored(3)
    assert site.shipper.stop() == 0
    assert (site.spool / "checkpoint.json.broken").read_bytes() == torn
    assert "checkpoint_broken" in site.shipper.stderr()
    assert delivered(stream) == named(0, 1, 2)
    assert checkpoint(site.spool)


def test_a_checkpoint_of_a_later_version_ends_the_start_untouched(
    site: Site, stream: StandIn
) -> None:
    HandMade(site.spool).segment(rows(0, 3), NOW)
    path = write_checkpoint(site, 1, 0, version=2)
    before = path.read_bytes()
    assert refused_start(site) == 78
    assert path.read_bytes() == before
    assert not (site.spool / "checkpoint.json.broken").exists()
    assert not stream.puts()


def test_a_segment_of_a_later_version_ends_the_start_untouched(
    site: Site, stream: StandIn
) -> None:
    spool = HandMade(site.spool)
    spool.segment(rows(0, 3), NOW)
    path = spool.segment(rows(3, 3), NOW, version=2)
    before = path.read_bytes()
    assert refused_start(site) == 78
    assert path.read_bytes() == before
    assert not stream.puts()


def test_segments_removed_by_hand_are_passed_over(site: Site, stream: StandIn) -> None:
    spool = HandMade(site.spool)
    for first in range(0, 12, 3):
        spool.segment(rows(first, 3), NOW)
    write_checkpoint(site, 1, spool.ends[0])
    spool.paths[0].unlink()  # where the checkpoint is
    spool.paths[2].unlink()  # not shipped yet
    site.shipper.start()
    stream.wait_stored(6)
    assert site.shipper.stop() == 0
    assert delivered(stream) == named(3, 4, 5, 9, 10, 11)


@pytest.mark.parametrize(
    ("page", "whole"),
    [("this boot", 2), ("another boot", 3), ("absent", 3), ("torn", 3)],
)
def test_a_torn_tail_is_never_shipped_and_ingest_agrees(
    site: Site, stream: StandIn, page: str, whole: int
) -> None:
    """ingest was killed: three whole lines and a torn one, of which `synced`
    promised two.  In this boot its word counts; else the last good line."""
    spool = HandMade(site.spool)
    spool.segment(rows(0, 3), NOW, tail=TORN)
    promised = spool.ends[0] - len(entry(NOW, 2))
    if page == "torn":
        (site.spool / "synced").write_bytes(b"\0" * 10)
    elif page != "absent":
        spool.synced(promised, None if page == "this boot" else OTHER_BOOT)
    site.shipper.start()
    stream.wait_stored(whole)
    site.ingest.start()
    post_all(site, 5)
    wait_for_all(site, stream, whole + 5)
    assert site.ingest.stop() == site.shipper.stop() == 0
    assert [item.line.decode() for item in read_spool(site.spool)] == stream.messages()
    assert max(delivered(stream).values()) == 1
    assert not dead_letters(site.spool)


def test_shipper_may_be_first_and_the_folder_empty(site: Site, stream: StandIn) -> None:
    site.shipper.start()
    time.sleep(0.3)
    site.ingest.start()
    accepted = post_all(site, 50)
    wait_for_all(site, stream, 50)
    site.ingest.restart()
    accepted |= post_all(site, 50)
    wait_for_all(site, stream, 100)
    assert delivered(stream) == dict.fromkeys(accepted, 1)


def test_a_second_shipper_on_the_same_spool_is_turned_away(
    make_site: MakeSite, site: Site, stream: StandIn
) -> None:
    site.shipper.start()
    other = make_site({"spool": {"dir": site.spool}})
    other.aws(stream)
    assert refused_start(other) == 75
    site.ingest.start()
    post_all(site, 3)
    wait_for_all(site, stream, 3)


def test_bad_bytes_are_one_dead_letter_a_run_and_the_rest_is_shipped(
    site: Site, stream: StandIn
) -> None:
    spool = HandMade(site.spool)
    flipped = entry(NOW, 1).replace(b"eventId", b"eventIx")
    zeros = b"\0" * 5000
    unfinished = line(NOW, '"eventId":"x"')[:-1]
    first = [entry(NOW, 0), flipped + zeros + b"\n", entry(NOW, 2), unfinished]
    spool.segment(first, NOW)
    spool.segment(rows(3, 2), NOW)
    site.shipper.start()
    stream.wait_stored(4)
    assert site.shipper.stop() == 0
    assert delivered(stream) == named(0, 2, 3, 4)

    at = len(control(NOW)) + len(entry(NOW, 0))
    run = flipped + zeros + b"\n"
    letters = [
        json.loads(text)
        for text in (site.spool / "dead-letter.ndjson").read_text().splitlines()
    ]
    assert [(row["offset"], row["length"]) for row in letters] == [
        (at, len(run)),
        (spool.ends[0] - len(unfinished), len(unfinished)),
    ]
    assert {(row["reason"], row["segment"]) for row in letters} == {
        ("bad_bytes", spool.paths[0].name)
    }
    assert base64.b64decode(letters[0]["base64"]) == run[:4096]

    site.shipper.start()  # neither is written a second time
    assert site.shipper.stop() == 0
    assert len(dead_letters(site.spool)) == 2
    position = checkpoint(site.spool)
    assert position
    assert position["counts"] == {
        "delivered": 4,
        "dead": 0,
        "dropped": 0,
        "replayed": 0,
    }  # no entries
    assert site.ctl("audit").returncode == 0


def test_a_segment_of_a_later_version_that_comes_later_is_told_of_once(
    site: Site, stream: StandIn
) -> None:
    spool = HandMade(site.spool)
    spool.segment(rows(0, 3), NOW)
    site.shipper.start()
    stream.wait_stored(3)
    path = spool.segment(rows(3, 3), NOW, version=2)
    before = path.read_bytes()
    stream.wait(lambda: "spool_unreadable" in site.shipper.stderr())
    time.sleep(2.5)  # it is looked at each second
    assert site.shipper.stderr().count("spool_unreadable") == 1
    assert path.read_bytes() == before
    assert site.shipper.stop() == 0
    assert delivered(stream) == named(0, 1, 2)
