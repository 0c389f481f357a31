"""What was delivered is found behind what never was, and before it shows."""

import shutil
import time
from typing import Any

from support.daemons import MakeSite
from support.faults import Fault
from support.shop import dead, delivered, post_all, wait_for_all
from support.spool import checkpoint
from support.standin import StandIn

CONFIG: dict[str, Any] = {"shipper": {"linger": "0s", "resolve_wait": "3s"}}


def settled(site: Any) -> int:
    position = checkpoint(site.spool)
    return int(position["counts"]["delivered"]) if position else 0


def test_a_first_batch_of_dead_letters_does_not_end_the_look(
    make_site: MakeSite, stream: StandIn
) -> None:
    """It is a batch of its own, of which nothing is found."""
    site = make_site(CONFIG)
    site.aws(stream)
    stream.play(Fault("rejected", times=2, too_old=10))
    site.ingest.start()
    early = post_all(site, 10)
    site.shipper.start()
    wait_for_all(site, stream, 10)
    stream.play()
    good = post_all(site, 20)
    stream.wait(lambda: settled(site) == 20)
    assert site.ingest.stop() == site.shipper.stop() == 0
    time.sleep(4.5)  # no status of late
    (site.spool / "checkpoint.json").unlink()
    stream.play(Fault("rejected", times=1, too_old=10))
    site.ingest.start()
    site.shipper.start()
    more = post_all(site, 5)
    wait_for_all(site, stream, 35)
    assert site.ingest.stop() == site.shipper.stop() == 0
    assert dead(site) == dict.fromkeys(early, 1)
    assert delivered(stream) == dict.fromkeys(good | more, 1)


def test_an_old_checkpoint_put_back_at_once_sends_nothing_again(
    make_site: MakeSite, stream: StandIn
) -> None:
    """What was sent after it does not show yet."""
    site = make_site(CONFIG)
    site.aws(stream)
    stream.service.visible_after = (1.8, 1.9)
    site.ingest.start()
    site.shipper.start()
    accepted = post_all(site, 10)
    stream.wait(lambda: settled(site) == 10)
    time.sleep(1.1)
    shutil.copy(site.spool / "checkpoint.json", site.folder / "old")
    accepted |= post_all(site, 10)
    stream.wait(lambda: settled(site) == 20)
    assert site.ingest.stop() == site.shipper.stop() == 0
    shutil.copy(site.folder / "old", site.spool / "checkpoint.json")
    site.shipper.start()
    time.sleep(4)
    assert site.shipper.stop() == 0
    assert delivered(stream) == dict.fromkeys(accepted, 1)
