"""Files that go missing, or come back from a copy, while both daemons are down:
segments deleted by hand, and a checkpoint that is lost, torn or of yesterday.

test_unknown_fate.py has the same for one batch that shows late; here are
several, over many segments, some of them removed, and entries that wait.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.packing import MAX_BATCH
from support.shop import delivered, post_all, wait_for_all
from support.spool import checkpoint, dead_letters, read_spool, segment_names
from support.standin import StandIn

CONFIG: dict[str, Any] = {
    "spool": {"segment_size": "160KiB", "min_free": "1MiB"},
    "shipper": {"linger": "0s", "request_timeout": "2s", "resolve_wait": "1s"},
}
TITLE = "x" * 1000  # so that few entries are several batches


@pytest.fixture
def site(make_site: MakeSite, stream: StandIn) -> Site:
    """Both daemons run; the segments are small."""
    one = make_site(CONFIG)
    one.aws(stream)
    one.ingest.start()
    one.shipper.start()
    return one


def settled(site: Site) -> int:
    position = checkpoint(site.spool)
    return int(position["counts"]["delivered"]) if position else 0


def stop(site: Site) -> None:
    assert site.ingest.stop() == site.shipper.stop() == 0


def delete_segments(site: Site) -> None:
    for name in segment_names(site.spool):
        (site.spool / name).unlink()


@pytest.mark.parametrize("shipper_first", [False, True])
@pytest.mark.parametrize(
    ("count", "also"), [(3, ""), (600, ""), (3, "synced"), (3, "checkpoint.json")]
)
def test_what_comes_after_deleted_segments_is_delivered(
    site: Site, stream: StandIn, count: int, also: str, shipper_first: bool
) -> None:
    """Fewer entries than the checkpoint has passed, and more; shipper reads
    while they come, or finds them."""
    accepted = post_all(site, 300, 50)
    wait_for_all(site, stream, 300)
    stop(site)
    delete_segments(site)
    if also:
        (site.spool / also).unlink()
    if shipper_first:
        site.shipper.start()
        time.sleep(0.3)
    site.ingest.start()
    accepted |= post_all(site, count, 50)
    if not shipper_first:
        stop_and_start(site)
        site.shipper.start()
    wait_for_all(site, stream, 300 + count)
    stop(site)
    assert delivered(stream) == dict.fromkeys(accepted, 1)
    assert not dead_letters(site.spool)


def stop_and_start(site: Site) -> None:
    """So that there are several segments without an owner."""
    site.ingest.kill()
    site.ingest.start()


def test_segments_deleted_under_a_batch_in_flight_hold_nothing_up(
    site: Site, stream: StandIn
) -> None:
    stream.play(Fault("never_after", operation="PutLogEvents", at={1}))
    accepted = post_all(site, 7)
    stream.wait(lambda: stream.stored_count() == 7)
    site.shipper.kill()
    stream.settle()
    assert site.ingest.stop() == 0
    delete_segments(site)
    site.ingest.start()
    site.shipper.start()
    accepted |= post_all(site, 5)
    wait_for_all(site, stream, 12)
    stop(site)
    assert delivered(stream) == dict.fromkeys(accepted, 1)


class Loss:
    """What may happen to the checkpoint, by name."""

    def __init__(self, site: Site) -> None:
        self.path = site.spool / "checkpoint.json"
        self.old = site.folder / "checkpoint.of.yesterday"

    def keep_a_copy(self) -> None:
        shutil.copy(self.path, self.old)

    def happen(self, how: str) -> None:
        whole = self.path.read_bytes()
        changes: dict[str, Callable[[], object]] = {
            "lost": self.path.unlink,
            "torn": lambda: self.path.write_bytes(whole[: len(whole) // 2]),
            "of yesterday": lambda: shutil.copy(self.old, self.path),
        }
        changes[how]()


@pytest.mark.parametrize(
    ("how", "removed"),
    [("lost", True), ("torn", False), ("of yesterday", False), ("of yesterday", True)],
)
def test_retained_segments_are_not_sent_again_and_what_waits_is_sent(
    site: Site, stream: StandIn, how: str, removed: bool
) -> None:
    """@removed: the oldest segments are gone, as retention lets them; the
    copy of yesterday stands in one of them."""
    loss = Loss(site)
    accepted = post_all(site, 20)
    stream.wait(lambda: settled(site) == 20)
    time.sleep(1.1)  # the checkpoint of then is written
    loss.keep_a_copy()
    while len(accepted) < 3000:
        accepted |= post_all(site, 1000, 100, title=TITLE)
        stream.wait(lambda: settled(site) == len(accepted))
    stop(site)
    retained = sum(len(entry.line) for entry in read_spool(site.spool))
    assert retained > 3 * MAX_BATCH
    if removed:
        for name in segment_names(site.spool)[:8]:
            (site.spool / name).unlink()

    site.ingest.start()
    accepted |= post_all(site, 200, 50)
    calls = len(stream.puts())
    loss.happen(how)
    site.shipper.start()
    accepted |= post_all(site, 10)
    wait_for_all(site, stream, len(accepted))
    stop(site)
    assert delivered(stream) == dict.fromkeys(accepted, 1)
    assert not dead_letters(site.spool)
    assert len(stream.puts()) - calls <= 4, "what is delivered is not sent again"
    assert broken(site) == (how == "torn")


def broken(site: Site) -> bool:
    path: Path = site.spool / "checkpoint.json.broken"
    return path.exists()
