"""clickspoolctl audit: accepted = delivered + pending + dead + dropped, from the
files alone, exactly, at any moment."""

import json
import random
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from support.craft import chain, checkpoint, control, dead_letter, entry, name
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.shop import Load, post_all
from support.spool import load, read_spool, segment_names
from support.standin import StandIn

SMALL = {"spool": {"segment_size": "64KiB", "min_free": "1MiB"}}


@pytest.fixture
def spool(make_site: MakeSite) -> Site:
    """A site whose spool is empty; nothing runs."""
    return make_site()


def audit(site: Site, code: int = 0) -> dict[str, Any]:
    done = site.ctl("audit", "--json")
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    balance: dict[str, Any] = json.loads(done.stdout)
    others = ("delivered", "pending", "dead", "dropped", "inBadBytes", "difference")
    assert balance["accepted"] == sum(balance[other] for other in others)
    assert balance["balanced"] == (balance["difference"] == 0)
    return balance


def found(site: Site) -> list[tuple[str, str | None]]:
    return [
        (row["finding"], row["segment"]) for row in audit(site, code=1)["findings"]
    ]


def numbers(balance: dict[str, Any]) -> tuple[int, int, int, int, int]:
    return (
        balance["accepted"],
        balance["delivered"],
        balance["pending"],
        balance["dead"],
        balance["dropped"],
    )


def post(site: Site, count: int) -> int:
    answer = site.ingest.post(
        [
            {
                "eventName": "page_view",
                "clientId": "client-0001",
                "sessionId": "session-0001",
                "eventId": str(uuid.uuid4()),
            }
            for _ in range(count)
        ]
    )
    assert answer.status == 202, answer
    return count


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def test_an_empty_spool_balances(spool: Site) -> None:
    assert numbers(audit(spool)) == (0, 0, 0, 0, 0)
    checkpoint(spool.spool, 41, 500, delivered=7)  # all segments are gone
    assert numbers(audit(spool)) == (7, 7, 0, 0, 0)


def test_every_place_of_the_checkpoint_balances(spool: Site) -> None:
    lines = [entry(number, number) for number in range(8)]
    contents = chain(spool.spool, lines[:3], [], lines[3:6], lines[6:])
    delivered = 0
    for number, content in enumerate(contents, 41):
        offset = 0
        for row in content.splitlines(keepends=True):
            checkpoint(spool.spool, number, offset, delivered)
            assert numbers(audit(spool)) == (8, delivered, 8 - delivered, 0, 0)
            offset += len(row)
            delivered += row in lines
        checkpoint(spool.spool, number, offset, delivered)
        assert audit(spool)["pending"] == 8 - delivered


def test_shipped_segments_may_be_gone(spool: Site) -> None:
    lines = [entry(number, number) for number in range(6)]
    chain(spool.spool, lines[:2], lines[2:4], lines[4:])
    checkpoint(spool.spool, 43, 0, delivered=4)
    (spool.spool / name(42)).unlink()
    assert numbers(audit(spool)) == (6, 4, 2, 0, 0)
    (spool.spool / name(41)).unlink()
    assert numbers(audit(spool)) == (6, 4, 2, 0, 0)


@pytest.mark.parametrize("gone", [41, 42, 43])
def test_a_missing_segment_is_noticed(spool: Site, gone: int) -> None:
    lines = [entry(number, number) for number in range(8)]
    chain(spool.spool, lines[:2], lines[2:4], lines[4:6], lines[6:])
    (spool.spool / name(gone)).unlink()
    assert audit(spool, code=1)["difference"] == 2
    assert ("missing_segment", name(gone)) in found(spool)


def test_a_missing_active_segment_is_noticed(site: Site) -> None:
    site.ingest.start()
    post(site, 3)
    site.ingest.restart()
    post(site, 2)
    last = segment_names(site.spool)[-1]
    (site.spool / last).unlink()
    assert found(site) == [("missing_segment", last)]


def test_an_edited_checkpoint_is_noticed(spool: Site) -> None:
    lines = [entry(number, number) for number in range(4)]
    (content,) = chain(spool.spool, lines)
    third = content.index(lines[2])
    checkpoint(spool.spool, 41, third, delivered=2)
    assert numbers(audit(spool)) == (4, 2, 2, 0, 0)
    checkpoint(spool.spool, 41, third, delivered=1)
    assert audit(spool, code=1)["difference"] == 1
    assert found(spool) == [("unaccounted", None)]
    checkpoint(spool.spool, 41, third, delivered=3)
    assert audit(spool, code=1)["difference"] == -1
    assert found(spool) == [("too_many", None)]
    checkpoint(spool.spool, 41, third + 1, delivered=2)
    assert audit(spool, code=1)["difference"] == 1
    checkpoint(spool.spool, 41, len(content) + 1, delivered=4)
    assert found(spool) == [("checkpoint_ahead", name(41))]
    checkpoint(spool.spool, 41, third, delivered=1, dead=1)
    assert found(spool) == [("dead_letters_missing", None)]
    checkpoint(spool.spool, 41, third, delivered=1, dropped=1)
    assert found(spool) == [("dead_letters_missing", None)]
    (spool.spool / "checkpoint.json").write_text("{")
    assert found(spool) == [("checkpoint_broken", None)]


def test_dead_letters_are_compared(spool: Site) -> None:
    lines = [entry(number, number) for number in range(4)]
    (content,) = chain(spool.spool, lines)
    places = [content.index(row) for row in lines]
    letters = spool.spool / "dead-letter.ndjson"
    checkpoint(spool.spool, 41, places[3], delivered=2, dead=1)
    assert found(spool) == [("dead_letters_missing", None)]
    letters.write_text(dead_letter(41, places[1]))
    assert numbers(audit(spool)) == (4, 2, 1, 1, 0)
    # A torn end, the same letter again behind it, and one that is not passed.
    letters.write_text(dead_letter(41, places[1]) + '{"reason":"too')
    (spool.spool / "dead-letter.2.ndjson").write_text(
        dead_letter(41, places[1]) + dead_letter(41, places[3])
    )
    balance = audit(spool)
    assert numbers(balance) == (4, 2, 1, 1, 0)
    assert balance["deadLetters"]["entries"] == 2
    assert balance["deadLetters"]["unreadable"] == 1
    # Dropped by an operator: it stays in the file.
    with (spool.spool / "dead-letter.2.ndjson").open("a") as more:
        row = {"resolved": "dropped", "segment": name(41), "offset": places[1]}
        more.write(json.dumps(row) + "\n")
    checkpoint(spool.spool, 41, places[3], delivered=2, dropped=1)
    assert numbers(audit(spool)) == (4, 2, 1, 0, 1)


def test_entries_in_bad_bytes_are_accounted_for(spool: Site) -> None:
    """Two of six entries are a run of bad bytes now; the successor says that
    there were six."""
    lines = [entry(number, number) for number in range(8)]
    first, _ = chain(spool.spool, lines[:6], lines[6:])
    for row in lines[2:4]:
        flip(spool.spool / name(41), first.index(row) + 60)
    balance = audit(spool)
    assert (balance["accepted"], balance["pending"], balance["inBadBytes"]) == (8, 6, 2)
    run = first.index(lines[2])
    (spool.spool / "dead-letter.ndjson").write_text(dead_letter(41, run, "bad_bytes"))
    checkpoint(spool.spool, 42, 0, delivered=4)
    balance = audit(spool)
    assert (balance["delivered"], balance["pending"], balance["inBadBytes"]) == (
        4,
        2,
        2,
    )
    assert balance["deadLetters"]["badRuns"] == 1


def test_a_segment_that_holds_less_than_it_took_is_noticed(spool: Site) -> None:
    kept = control(0) + entry(1, 1)
    (spool.spool / name(41)).write_bytes(kept)
    (spool.spool / name(42)).write_bytes(control(0, 41, len(kept), 2))
    assert found(spool) == [("entries_missing", name(41)), ("unaccounted", None)]
    (spool.spool / name(42)).write_bytes(control(0, 41, len(kept), 0))
    assert found(spool)[0] == ("count_differs", name(41))


def test_the_text_names_each_number_and_its_source(spool: Site) -> None:
    lines = [entry(number, number) for number in range(4)]
    first, second = chain(spool.spool, lines[:1], lines[1:])
    third = second.index(lines[2])
    checkpoint(spool.spool, 42, third, delivered=2)
    rows = [row.split(None, 2) for row in spool.ctl("audit").stdout.splitlines()]
    assert rows == [
        ["accepted", "4", f"1 before {name(42)}, 3 lines in it"],
        ["delivered", "2", "checkpoint.json"],
        ["pending", "2", f"lines behind {name(42)}:{third}, the checkpoint's position"],
        ["dead", "0", "checkpoint.json; 0 in the dead-letter files"],
        ["dropped", "0", "checkpoint.json"],
        ["balanced"],
    ]


def test_audit_balances_under_load_and_kills(make_site: MakeSite) -> None:
    """While ingest takes events, over rotations, after kills and torn tails."""
    site = make_site(SMALL)
    site.ingest.start()
    accepted = 0
    for round_number in range(4):
        stop = threading.Event()
        sent: list[int] = []

        def load(stop: threading.Event = stop, sent: list[int] = sent) -> None:
            while not stop.is_set():
                sent.append(post(site, 7))

        thread = threading.Thread(target=load)
        thread.start()
        try:
            for _ in range(5):
                balance = audit(site)
                assert balance["accepted"] == balance["pending"]
        finally:
            stop.set()
            thread.join()
        accepted += sum(sent)
        assert audit(site)["accepted"] == accepted
        site.ingest.kill()
        assert audit(site)["accepted"] == accepted
        with (site.spool / segment_names(site.spool)[-1]).open("ab") as segment:
            segment.write(b'{"_crc":"0' * (round_number + 1))
        assert audit(site)["accepted"] == accepted
        site.ingest.start()
        assert audit(site)["accepted"] == accepted
    assert len(read_spool(site.spool)) == accepted


def test_audit_tries_again_where_shipper_is_faster(make_site: MakeSite) -> None:
    """A stand-in for shipper moves the checkpoint and removes what it passed."""
    site = make_site(SMALL)
    site.ingest.start()
    stop = threading.Event()

    def ship() -> None:
        delivered = 0
        while not stop.is_set():
            post(site, 50)
            names = segment_names(site.spool)
            head = json.loads((site.spool / names[-1]).read_text().partition("\n")[0])
            delivered = head["_segment"]["entries"]
            place = site.spool / "checkpoint.json.new"
            checkpoint(site.spool, int(names[-1][:20]), 0, delivered, place=place)
            place.rename(site.spool / "checkpoint.json")
            for old in names[:-1]:
                (site.spool / old).unlink()
        assert delivered > 0

    thread = threading.Thread(target=ship)
    thread.start()
    try:
        for _ in range(30):
            audit(site)
    finally:
        stop.set()
        thread.join()
    assert audit(site)["accepted"] > 0


BOTH = {
    "spool": {"segment_size": "64KiB", "min_free": "1MiB", "retain_size": "64KiB"},
    "shipper": {"linger": "0s"},
}


@pytest.mark.timeout(300)
def test_audit_balances_while_both_daemons_run_and_are_killed(
    make_site: MakeSite, stream: StandIn, sampled: int
) -> None:
    site = make_site(BOTH)
    site.aws(stream)
    stream.play(
        Fault("rejected", every=3, too_old=1), Fault("rejected", every=4, too_new=1)
    )
    chance = random.Random(9)
    site.ingest.start()
    site.shipper.start()
    loads = [Load(site, seed) for seed in range(2)]
    for one in loads:
        one.start()
    for _ in range(14 // sampled):
        for _ in range(4):
            audit(site)
            time.sleep(chance.uniform(0.0, 0.05))
        daemon = chance.choice([site.ingest, site.shipper])
        daemon.kill()
        audit(site)
        daemon.start()
    for one in loads:
        one.finish()
    accepted = audit(site)["accepted"]
    assert accepted >= len(set().union(*(one.acknowledged for one in loads)))
    stream.wait(lambda: audit(site)["pending"] == 0, 60)
    balance = audit(site)
    assert (balance["accepted"], balance["inBadBytes"]) == (accepted, 0)
    # A letter whose checkpoint was lost may be delivered after all.
    assert balance["deadLetters"]["entries"] >= balance["dead"] > 0
    assert balance["delivered"] > 0


def test_audit_balances_with_bad_bytes_that_shipper_has_passed(
    make_site: MakeSite, stream: StandIn
) -> None:
    """Two entries go bad while shipper is away: in a segment that ingest seals
    itself, and so tells how many it took."""
    site = make_site(BOTH)
    site.aws(stream)
    site.ingest.start()
    count = len(post_all(site, 400, per_request=20))
    second = segment_names(site.spool)[1]
    own = [item for item in read_spool(site.spool) if item.segment == second]
    for item in (own[3], own[9]):
        flip(site.spool / second, item.offset + 60)
    assert len(load(site.spool).bad) == 2
    balance = audit(site)
    assert (balance["accepted"], balance["inBadBytes"]) == (count, 2)

    site.shipper.start()
    stream.wait(lambda: audit(site)["pending"] == 0, 60)
    site.shipper.restart()
    stream.wait(lambda: audit(site)["pending"] == 0, 60)
    balance = audit(site)
    assert numbers(balance) == (count, count - 2, 0, 0, 0)
    assert balance["inBadBytes"] == balance["deadLetters"]["badRuns"] == 2
