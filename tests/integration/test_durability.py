"""A 2xx is a receipt: whatever fails, and whenever, what was acknowledged is in
the spool, and what was refused is not."""

import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.shop import Load, event, ids
from support.shop import batch as many
from support.spool import read_spool

REQUESTS, PER_REQUEST = 40, 50  # 2,000 events
SEGMENTS = {"spool": {"segment_size": "160KiB", "min_free": "1MiB"}}


def batch() -> list[dict[str, Any]]:
    return many(PER_REQUEST)


def in_spool(site: Site) -> Counter[str]:
    return Counter(entry.event_id for entry in read_spool(site.spool))


class Faults:
    """One failing call of a kind, through the preloaded library."""

    def __init__(self, site: Site, build: Path) -> None:
        self.site = site
        self.library = os.fspath(build / "tests" / "faultshim.so")
        self.count_file = site.folder / "calls"

    def start(self, call: str, nth: int, error: str) -> bool:
        """Whether ingest is up; the fault may end it at its start."""
        env = {
            "FAULT_CALL": call,
            "FAULT_NTH": str(nth),
            "FAULT_ERRNO": error,
            "FAULT_DIR": os.fspath(self.site.spool),
            "FAULT_COUNT": os.fspath(self.count_file),
        }
        ingest = self.site.ingest
        try:
            ingest.start(preload=[self.library], env=env)
            return True
        except AssertionError:
            assert ingest.wait_exit() == 74, ingest.stderr()
            return False

    def calls(self) -> int:
        return int(self.count_file.read_text())


def run_with_fault(faults: Faults, call: str, nth: int, error: str) -> set[str]:
    """The ids that were acknowledged over a run; each request is tried until
    it is, with new ids each time."""
    site = faults.site
    if not faults.start(call, nth, error):
        site.ingest.start()  # as systemd would
    acknowledged: set[str] = set()
    for _ in range(REQUESTS):
        for _ in range(20):
            events = batch()
            answer = site.ingest.post(events)
            if answer.status == 202:
                acknowledged.update(ids(events))
                break
            assert answer.status == 503, answer
            assert "retry-after" in answer.headers
            time.sleep(0.02)
        else:
            pytest.fail(f"{call} {nth} {error}: service did not resume")
    return acknowledged


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("write", "EIO"),
        ("write", "ENOSPC"),
        ("write", "short"),
        ("fdatasync", "EIO"),
        ("fdatasync", "ENOSPC"),
        ("openat", "EIO"),
        ("openat", "ENOSPC"),
        ("fsync", "EIO"),
        ("fsync", "ENOSPC"),
    ],
)
def test_no_single_failure_of_the_disk_breaks_a_receipt(
    make_site: MakeSite, build: Path, call: str, error: str, sampled: int
) -> None:
    site = make_site(SEGMENTS)
    faults = Faults(site, build)
    run_with_fault(faults, call, 0, error)
    assert site.ingest.stop() == 0
    total = faults.calls()
    assert total >= 5, "the run has too few calls to mean anything"

    for nth in range(1, total + 1, sampled):
        for path in site.spool.iterdir():
            path.unlink()
        acknowledged = run_with_fault(faults, call, nth, error)
        site.ingest.kill()
        before = in_spool(site)
        site.ingest.start()
        assert site.ingest.stop() == 0
        after = in_spool(site)
        what = f"{call} {nth} {error}"
        assert set(after) == acknowledged, what
        assert max(after.values()) == 1, what
        assert before == after, f"{what}: a restart changed what is there"


def test_a_full_disk_refuses_and_recovers_by_itself(make_site: MakeSite) -> None:
    """The fault shim's ENOSPC is one call; here the limit is the setting's."""
    site = make_site({"spool": {"min_free": "16000GiB"}})
    site.ingest.start()
    answer = site.ingest.post([event()])
    assert (answer.status, answer.json()["code"]) == (503, "spool_full")
    assert int(answer.headers["retry-after"]) > 0
    assert not read_spool(site.spool)


def test_unshipped_entries_have_a_limit(make_site: MakeSite) -> None:
    site = make_site({"spool": {"max_unshipped": "1MiB", "segment_size": "256KiB"}})
    site.ingest.start()
    accepted = refused = 0
    for _ in range(200):
        answer = site.ingest.post(batch())
        if answer.status == 202:
            accepted += PER_REQUEST
        else:
            assert answer.json()["code"] == "spool_full"
            refused += 1
            break
    assert refused and len(read_spool(site.spool)) == accepted
    size = sum(path.stat().st_size for path in site.spool.glob("*.ndjson"))
    assert 1 << 20 <= size <= (2 << 20) + (64 << 10)


@pytest.mark.timeout(300)
def test_kill_9_of_ingest_at_random_moments_loses_and_doubles_nothing(
    make_site: MakeSite,
) -> None:
    site = make_site(SEGMENTS)
    site.ingest.start()
    chance = random.Random(1)
    loads = [Load(site, seed) for seed in range(4)]
    for load in loads:
        load.start()
    for _ in range(50):
        time.sleep(chance.uniform(0.0, 0.15))
        site.ingest.kill()
        site.ingest.start()
    for load in loads:
        load.finish()
    assert site.ingest.stop() == 0

    stored = in_spool(site)
    acknowledged = set().union(*(load.acknowledged for load in loads))
    sent = set().union(*(load.sent for load in loads))
    assert len(acknowledged) > 500
    assert acknowledged <= set(stored) <= sent
    doubled = [name for name, count in stored.items() if count > 1]
    assert not doubled, "a retry over a restart was stored again"


def test_a_second_ingest_on_the_same_spool_is_turned_away(
    make_site: MakeSite,
) -> None:
    site = make_site()
    site.ingest.start()
    other = make_site({"spool": {"dir": site.spool}})
    other.ingest.start(wait=False)
    assert other.ingest.wait_exit() == 75
    assert site.ingest.post([event()]).status == 202


def test_sigterm_answers_what_is_under_way_and_ends_in_time(
    make_site: MakeSite,
) -> None:
    site = make_site()
    site.ingest.start()
    loads = [Load(site, seed) for seed in range(4)]
    for load in loads:
        load.start()
    time.sleep(0.5)
    assert site.ingest.stop() == 0
    for load in loads:
        load.ended.set()
    site.ingest.start()
    for load in loads:
        load.finish()
    assert site.ingest.stop() == 0
    acknowledged = set().union(*(load.acknowledged for load in loads))
    assert acknowledged <= set(in_spool(site))
