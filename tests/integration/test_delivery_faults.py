"""A disk that fails ingest at each commit, and a shipper that is killed at any
point of sending and of its checkpoint, while events come in and are shipped:
what was acknowledged is delivered once, and what was refused is not.

Times are scaled: the stand-in shows what it took up to half a second late, and
shipper looks for a second; `--long` takes five and six.
"""

import os
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.shop import Load, batch, check_lines, delivered, ids, wait_for_all
from support.spool import checkpoint, dead_letters, read_spool, segment_names
from support.standin import StandIn

LONG = bool(os.environ.get("CLICKSPOOL_LONG"))
LATE, WAIT = (5.0, 6.0) if LONG else (0.5, 1.0)
COMMITS, PER_COMMIT = 200, 3
KILLS = 200 if LONG else 40
CONFIG: dict[str, Any] = {
    "spool": {"segment_size": "160KiB", "min_free": "1MiB"},
    "shipper": {
        "linger": "0s", "request_timeout": "2s", "resolve_wait": f"{WAIT * 1000:.0f}ms"
    },
}  # fmt: skip


class Shim:
    """The library that makes one of a daemon's calls fail."""

    def __init__(self, site: Site, build: Path) -> None:
        self.flag = site.folder / "fails"
        self._site = site
        self._library = os.fspath(build / "tests" / "faultshim.so")

    def ingest(self, **how: str) -> None:
        """Its fdatasync fails as told."""
        env = self._env("fdatasync", "EIO", how)
        self._site.ingest.start(preload=[self._library], env=env)

    def shipper(self, call: str, nth: int) -> None:
        """It is killed before this call for its checkpoint."""
        how = {"FAULT_NTH": str(nth), "FAULT_SUFFIX": "checkpoint.json.new"}
        env = self._env(call, "kill", how)
        self._site.shipper.start(preload=[self._library], env=env, wait=False)

    def _env(self, call: str, error: str, how: Mapping[str, str]) -> dict[str, str]:
        return {
            "FAULT_CALL": call,
            "FAULT_ERRNO": error,
            "FAULT_DIR": os.fspath(self._site.spool),
            **how,
        }


@pytest.fixture
def site(make_site: MakeSite, stream: StandIn) -> Site:
    """Without ingest; its segments are small."""
    one = make_site(CONFIG)
    one.aws(stream)
    one.shipper.start()
    return one


@pytest.fixture
def shim(site: Site, build: Path) -> Shim:
    return Shim(site, build)


def post(site: Site, events: list[dict[str, Any]], status: int) -> None:
    answer = site.ingest.post(events)
    assert answer.status == status, answer


def check(site: Site, cloud: StandIn, accepted: set[str]) -> None:
    """All that was accepted and nothing else, also after another start."""
    wait_for_all(site, cloud, len(accepted))
    for daemon in (site.ingest, site.shipper):
        daemon.kill()
        cloud.settle()
        daemon.start()
    probe = batch(1)
    post(site, probe, 202)
    accepted |= set(ids(probe))
    wait_for_all(site, cloud, len(accepted))
    assert site.ingest.stop() == site.shipper.stop() == 0
    assert delivered(cloud) == dict.fromkeys(accepted, 1)
    assert not dead_letters(site.spool)
    assert {entry.event_id for entry in read_spool(site.spool)} == accepted
    check_lines(site, cloud)


def test_each_commit_whose_sync_fails_goes_on_in_another_segment(
    site: Site, stream: StandIn, shim: Shim
) -> None:
    """Of three syncs two are of the successor: its first line and its lines."""
    shim.ingest(FAULT_EVERY="3")
    accepted: set[str] = set()
    for _ in range(COMMITS):
        events = batch(PER_COMMIT)
        post(site, events, 202)
        accepted.update(ids(events))
    assert len(segment_names(site.spool)) >= COMMITS - 2
    assert site.ingest.stderr().count("event=segment_sealed") >= COMMITS - 2
    check(site, stream, accepted)


def test_each_commit_that_is_refused_stays_refused(
    site: Site, stream: StandIn, shim: Shim
) -> None:
    """No sync works while the flag is there; half of what was refused comes
    again under the same ids, as from a browser."""
    shim.ingest(FAULT_WHILE=os.fspath(shim.flag))
    accepted: set[str] = set()
    for number in range(COMMITS):
        refused, good = batch(PER_COMMIT), batch(PER_COMMIT)
        shim.flag.touch()
        post(site, refused, 503)
        shim.flag.unlink()
        events = refused + good if number % 2 else good
        post(site, events, 202)
        accepted.update(ids(events))
    assert site.ingest.stderr().count("event=commit_failed") == COMMITS
    check(site, stream, accepted)


@pytest.mark.timeout(1800)
def test_one_failed_sync_at_any_of_the_commits(
    site: Site, stream: StandIn, shim: Shim
) -> None:
    """Each time another one, and ingest is killed behind the last."""
    accepted: set[str] = set()
    for nth in range(1, COMMITS + 1, 1 if LONG else 50):
        try:
            shim.ingest(FAULT_NTH=str(nth))
        except AssertionError:  # of the first line of its first segment
            assert site.ingest.wait_exit() == 74, site.ingest.stderr()
            site.ingest.start()
        for _ in range(COMMITS):
            events = batch(1)
            post(site, events, 202)
            accepted.update(ids(events))
        site.ingest.kill()
    site.ingest.start()
    check(site, stream, accepted)


def live_and_die(site: Site, shim: Shim, chance: random.Random) -> None:
    """One life of shipper, which ends with a kill -9: after a time, or at one
    of the calls that replace the checkpoint, before and after its rename."""
    life = chance.uniform(0.0, 0.2 if chance.random() < 0.7 else 2.0 * WAIT)
    how = chance.choice(["time", "write", "fsync"])
    if how == "time":
        site.shipper.start(wait=False)
    else:
        shim.shipper(how, chance.randint(1, 6))
    ends = time.monotonic() + life
    while time.monotonic() < ends and site.shipper.running():
        time.sleep(0.002)
    site.shipper.kill()


@pytest.mark.timeout(1800)
def test_a_shipper_that_is_killed_anywhere_loses_and_doubles_nothing(
    site: Site, stream: StandIn, shim: Shim, sampled: int
) -> None:
    stream.service.visible_after = (0.0, LATE)
    stream.options.latency = 0.005
    site.ingest.start()
    chance = random.Random(11)
    loads = [Load(site, seed, pause=0.02) for seed in range(2)]
    for load in loads:
        load.start()
    site.shipper.kill()
    delivering: list[int] = []
    for _ in range(KILLS // sampled):
        live_and_die(site, shim, chance)
        stream.settle()
        delivering.append(stream.stored_count())
    for load in loads:
        load.finish()
    site.shipper.start()

    accepted = set().union(*(load.acknowledged for load in loads))
    sent = set().union(*(load.sent for load in loads))
    assert accepted == sent
    wait_for_all(site, stream, len(accepted))
    assert site.ingest.stop() == site.shipper.stop() == 0
    assert delivered(stream) == dict.fromkeys(accepted, 1)
    assert not dead_letters(site.spool)
    check_lines(site, stream)
    position = checkpoint(site.spool)
    assert position and position["counts"]["delivered"] == len(accepted)
    assert len(set(delivering)) > len(delivering) // 8, "most lives sent nothing"
    assert site.shipper.stderr().count("event=ship_looked_up") > 0
