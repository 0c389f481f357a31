"""What shipper keeps in the spool's folder: checkpoint and dead letters on a
disk that is full, status, and segments that may go."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.handmade import HandMade, entry, event_id
from support.shop import dead, delivered, post_all, wait_for_all
from support.spool import checkpoint, dead_letters, read_spool, segment_names
from support.standin import StandIn

NOW = int(time.time() * 1000)
SMALL = {
    "spool": {"segment_size": "64KiB", "min_free": "1MiB"},
    "shipper": {"linger": "0s"},
}


@pytest.fixture
def site(make_site: MakeSite, stream: StandIn) -> Site:
    """Without a daemon running; its segments are small."""
    one = make_site(SMALL)
    one.aws(stream)
    return one


class FullDisk:
    """No room for what shipper writes to files whose names end in @suffix."""

    def __init__(self, site: Site, build: Path, suffix: str) -> None:
        self._flag = site.folder / "full"
        self._site = site
        self._library = os.fspath(build / "tests" / "faultshim.so")
        self._env = {
            "FAULT_CALL": "write",
            "FAULT_ERRNO": "ENOSPC",
            "FAULT_DIR": os.fspath(site.spool),
            "FAULT_SUFFIX": suffix,
            "FAULT_WHILE": os.fspath(self._flag),
        }

    def start(self) -> None:
        self._site.shipper.start(preload=[self._library], env=self._env)

    def fill(self) -> None:
        self._flag.touch()

    def free(self) -> None:
        self._flag.unlink()


def said(site: Site, event: str) -> int:
    return site.shipper.stderr().count(f"event={event} ")


def status(site: Site) -> dict[str, Any]:
    path = site.spool / "shipper.status.json"
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content


def counts(site: Site) -> dict[str, int]:
    """Those of the checkpoint; none where there is none yet."""
    content = checkpoint(site.spool) or {}
    found: dict[str, int] = content.get("counts", {})
    return found


@pytest.fixture
def full_disk(site: Site, build: Path) -> Callable[[str], FullDisk]:
    return lambda suffix: FullDisk(site, build, suffix)


def test_without_room_for_the_checkpoint_shipping_goes_on_and_says_so(
    site: Site, stream: StandIn, full_disk: Callable[[str], FullDisk]
) -> None:
    disk = full_disk("checkpoint.json.new")
    site.ingest.start()
    disk.start()
    accepted = post_all(site, 100, 20)
    wait_for_all(site, stream, 100)
    stream.wait(lambda: status(site).get("counts", {}).get("delivered") == 100)
    disk.fill()
    before = checkpoint(site.spool)
    accepted |= post_all(site, 100, 20)
    wait_for_all(site, stream, 200)
    stream.wait(lambda: status(site)["counts"]["delivered"] == 200)
    time.sleep(1.5)  # it is tried again each second, and told of once
    assert said(site, "checkpoint_failed") == 1
    assert checkpoint(site.spool) == before
    disk.free()
    stream.wait(lambda: checkpoint(site.spool) != before)
    assert site.shipper.stop() == 0
    site.shipper.start()
    accepted |= post_all(site, 20)
    wait_for_all(site, stream, 220)
    assert delivered(stream) == dict.fromkeys(accepted, 1)


def test_a_kill_without_room_for_the_checkpoint_repeats_nothing(
    site: Site, stream: StandIn, full_disk: Callable[[str], FullDisk]
) -> None:
    disk = full_disk("checkpoint.json.new")
    site.ingest.start()
    disk.start()
    first = post_all(site, 100, 20)
    wait_for_all(site, stream, 100)
    stream.wait(lambda: counts(site).get("delivered") == 100)
    disk.fill()
    second = post_all(site, 100, 20)
    wait_for_all(site, stream, 200)
    site.shipper.kill()
    stream.settle()
    site.shipper.start()
    third = post_all(site, 20)
    wait_for_all(site, stream, 220)
    assert site.shipper.stop() == 0
    assert delivered(stream) == dict.fromkeys(first | second | third, 1)


def test_without_room_for_dead_letters_nothing_passes_them(
    site: Site, stream: StandIn, full_disk: Callable[[str], FullDisk]
) -> None:
    disk = full_disk(".ndjson")  # a failed file is not written again
    disk.fill()
    stream.play(Fault("rejected", at={1}, too_old=3))
    site.ingest.start()
    disk.start()
    accepted = post_all(site, 10, 10)
    stream.wait(lambda: status(site).get("state") == "holding")
    accepted |= post_all(site, 10, 10)
    time.sleep(1)
    assert len(stream.puts()) == 1 and not dead_letters(site.spool)
    assert counts(site).get("delivered", 0) == 0
    disk.free()
    wait_for_all(site, stream, 20)
    assert site.shipper.stop() == 0
    assert delivered(stream) | dead(site) == dict.fromkeys(accepted, 1)
    assert sum(dead(site).values()) == 3
    first = read_spool(site.spool)[:3]
    assert set(dead(site)) == {item.event_id for item in first}
    assert counts(site) == {"delivered": 17, "dead": 3, "dropped": 0, "replayed": 0}


def test_a_kill_between_dead_letters_and_checkpoint_writes_none_twice(
    site: Site, stream: StandIn, full_disk: Callable[[str], FullDisk]
) -> None:
    """The letters are durable, the checkpoint is not: after the restart what
    CloudWatch does not show is sent again, and rejected again."""
    disk = full_disk("checkpoint.json.new")
    disk.fill()
    stream.play(Fault("rejected", too_old=2, times=2))
    site.ingest.start()
    disk.start()
    post_all(site, 10, 10)
    stream.wait(lambda: len(dead_letters(site.spool)) == 2)
    stream.wait(lambda: said(site, "checkpoint_failed") == 1)
    site.shipper.kill()
    stream.settle()
    site.shipper.start()
    stream.wait(lambda: counts(site).get("dead") == 2)
    assert site.shipper.stop() == 0
    assert stream.stored_count() == 8
    assert len(dead_letters(site.spool)) == 2
    assert counts(site) == {"delivered": 8, "dead": 2, "dropped": 0, "replayed": 0}


@pytest.mark.parametrize(
    ("limit", "kept"),
    [({"retain": "0s"}, 1), ({"retain_size": "100KiB"}, 3)],
    ids=["by age", "by size"],
)
def test_shipped_segments_go_and_no_others(
    site: Site, stream: StandIn, limit: dict[str, str], kept: int
) -> None:
    """By size two full ones are left, of 44 KB, beside the highest."""
    site.configure({"spool": limit, "shipper": {"linger": "1h"}})
    site.ingest.start()
    accepted: set[str] = set()
    while len(segment_names(site.spool)) < 6:
        accepted |= post_all(site, 50)
    names = segment_names(site.spool)
    site.shipper.start()
    if kept == 1:
        time.sleep(6)  # longer than the pause between two sweeps
    assert not stream.puts()
    assert segment_names(site.spool) == names, "an unshipped segment is gone"

    assert site.shipper.stop() == 0
    site.configure({"shipper": {"linger": "0s"}})
    site.shipper.start()
    stream.wait(lambda: segment_names(site.spool) == names[-kept:], 20)
    assert delivered(stream) == dict.fromkeys(accepted, 1)
    accepted |= post_all(site, 20)  # ingest has its segment still
    wait_for_all(site, stream, len(accepted))
    assert delivered(stream) == dict.fromkeys(accepted, 1)


def test_a_segment_with_bad_bytes_stays(site: Site, stream: StandIn) -> None:
    site.configure({"spool": {"retain": "0s"}})
    spool = HandMade(site.spool)
    for number in range(4):
        good = entry(NOW, number)
        bad = b"not a line\n" if number == 1 else b""
        spool.segment([good + bad], NOW)
    site.shipper.start()
    left = [spool.paths[1].name, spool.paths[3].name]
    stream.wait(lambda: segment_names(site.spool) == left, 20)
    site.shipper.restart()
    time.sleep(6)
    assert segment_names(site.spool) == left
    assert set(delivered(stream)) == {event_id(number) for number in range(4)}
