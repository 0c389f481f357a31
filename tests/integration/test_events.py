"""POST /events: one, many, one a line, packed; and each once."""

import gzip
import json
import threading
import time
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ask import check_problem, count, event, new_id, spooled, taken
from support.daemons import MakeSite, Site
from support.http import RawClient, Response, request
from support.spool import read_spool

NDJSON = {"Content-Type": "application/x-ndjson"}

@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    with Site(build) as site:
        site.ingest.start()
        yield site


def lines(*items: Any) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


# The forms of a body


def test_one_object(shop: Site) -> None:
    receipt = taken(shop.ingest.post(event()))
    [entry] = spooled(shop, receipt)
    assert uuid.UUID(entry.event_id).version == 7


def test_an_array_keeps_its_order(shop: Site) -> None:
    ids = [new_id() for _ in range(500)]
    receipt = taken(shop.ingest.post([event(eventId=i) for i in ids]), 500)
    assert receipt["eventIds"] == ids
    entries = spooled(shop, receipt)
    assert [e.event_id for e in entries] == ids
    offsets = [(e.segment, e.offset) for e in entries]
    assert offsets == sorted(offsets)


def test_ndjson(shop: Site) -> None:
    body = lines(event(), event()) + b"\n  \r\n" + json.dumps(event()).encode()
    taken(shop.ingest.post(body.replace(b"\n", b"\r\n"), NDJSON), 3)
    taken(shop.ingest.post(lines(*[event()] * 500), NDJSON), 500)


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/plain;charset=UTF-8", "Application/JSON ; a=b"]
)
def test_media_types_with_parameters(shop: Site, kind: str) -> None:
    taken(shop.ingest.post(event(), {"Content-Type": kind}))
    taken(shop.ingest.post([event(), event()], {"Content-Type": kind}), 2)


def test_gzip(shop: Site) -> None:
    for coding in ("gzip", "GZIP", "x-gzip"):
        body = gzip.compress(json.dumps([event()] * 3).encode())
        taken(shop.ingest.post(body, {"Content-Encoding": coding}), 3)
    members = gzip.compress(lines(event())) + gzip.compress(lines(event()))
    answer = shop.ingest.post(members, NDJSON | {"Content-Encoding": "gzip"})
    taken(answer, 2)


def packed(size: int) -> bytes:
    """A good batch that is so long when inflated."""
    text = json.dumps([event()] * 100).encode()
    return gzip.compress(text + b" " * (size - len(text)))


def test_gzip_is_inflated_to_eight_times_max_body_and_no_further(shop: Site) -> None:
    fields = {"Content-Encoding": "gzip"}
    taken(shop.ingest.post(packed(8 * 256 * 1024), fields), 100)
    answer = shop.ingest.post(packed(8 * 256 * 1024 + 1), fields)
    check_problem(answer, 413, "body_too_large")

    bomb = zlib.compressobj(9, wbits=31)
    piece = bytes(1 << 20)
    body = b"".join(bomb.compress(piece) for _ in range(200)) + bomb.flush()
    shop.ingest.meter.sample()
    before = shop.ingest.meter.peak_rss
    for _ in range(3):
        check_problem(shop.ingest.post(body, fields), 413, "body_too_large")
    shop.ingest.meter.sample()
    assert shop.ingest.meter.peak_rss < before + (64 << 20)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body[:-1],
        lambda body: body[:20],
        lambda body: body + b"x",
        lambda body: body[:-8] + bytes(8),
        lambda body: b"",
        lambda body: b"{}" + body,
    ],
    ids=["short", "cut", "garbage", "checksum", "empty", "plain"],
)
def test_broken_gzip(shop: Site, spoil: Any) -> None:
    before = count(shop)
    body = spoil(gzip.compress(json.dumps(event()).encode()))
    answer = shop.ingest.post(body, {"Content-Encoding": "gzip"})
    check_problem(answer, 400, "invalid_encoding")
    assert count(shop) == before


# Once


def test_an_id_is_kept_as_sent_and_compared_as_bytes(shop: Site) -> None:
    upper = new_id().upper()
    receipt = taken(shop.ingest.post(event(eventId=upper)))
    assert receipt["eventIds"] == [upper]
    again = taken(shop.ingest.post(event(eventId=upper.lower())), 0, 1)
    assert again["eventIds"] == [upper.lower()]
    [entry] = spooled(shop, receipt)
    assert entry.event_id == upper


def test_duplicates_within_a_batch_and_over_requests(shop: Site) -> None:
    one, two = new_id(), new_id()
    batch = [event(eventId=i) for i in (one, two, one, one.upper())]
    receipt = taken(shop.ingest.post(batch), 2, 2)
    assert receipt["eventIds"] == [one, two, one, one.upper()]
    taken(shop.ingest.post([event(eventId=two), event()]), 1, 1)
    assert [e.event_id for e in read_spool(shop.spool)].count(one) == 1


def test_a_refused_event_does_not_use_up_its_id(shop: Site) -> None:
    one = new_id()
    answer = shop.ingest.post(event(eventId=one, price=-1))
    check_problem(answer, 400, "invalid_event")
    answer = shop.ingest.post([event(eventId=one)] * 501)
    check_problem(answer, 400, "batch_too_long")
    body = json.dumps([event(eventId=one)])[:-1].encode() + b",}"
    check_problem(shop.ingest.post(body), 400, "invalid_json")
    taken(shop.ingest.post(event(eventId=one)))


def test_ids_are_known_after_a_restart_and_after_kill_9(make_site: MakeSite) -> None:
    site = make_site()
    first, second = [new_id() for _ in range(40)], [new_id() for _ in range(40)]
    site.ingest.start()
    taken(site.ingest.post([event(eventId=i) for i in first]), 40)
    site.ingest.restart()
    taken(site.ingest.post([event(eventId=i) for i in first + second]), 40, 40)
    site.ingest.kill()
    site.ingest.start()
    both = [event(eventId=i.upper()) for i in first + second]
    taken(site.ingest.post(both), 0, 80)
    assert count(site) == 80


def test_a_duplicate_waits_for_the_sync_of_its_entry(make_site: MakeSite) -> None:
    """Both answers come after the sync that makes the entry durable."""
    site = make_site()
    trace = site.folder / "trace"
    slow = 1.0
    site.ingest.start(
        wrap=[
            "strace", "-f", "-qq", "-o", str(trace), "-e", "trace=fdatasync",
            "-e", f"inject=fdatasync:delay_enter={int(slow * 1e6)}",
        ]
    )  # fmt: skip
    one = event(eventId=new_id())
    answers: list[tuple[float, Response]] = []

    def post() -> None:
        answer = site.ingest.post(one)
        answers.append((time.monotonic(), answer))

    started = time.monotonic()
    threads = [threading.Thread(target=post) for _ in range(3)]
    for thread in threads:
        thread.start()
        time.sleep(0.1)
    for thread in threads:
        thread.join(30)
    assert sorted(answer.json()["accepted"] for _, answer in answers) == [0, 0, 1]
    assert all(at - started >= slow for at, _ in answers)
    assert count(site) == 1


def test_a_client_that_leaves_early_is_stored_all_the_same(shop: Site) -> None:
    one = new_id()
    body = json.dumps(event(eventId=one)).encode()
    head = (
        "POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with RawClient(shop.ingest.port) as client:
        client.send(head.encode() + body)
        client.close()  # a reset would take what nobody has read yet
    deadline = time.monotonic() + 10
    while one not in [e.event_id for e in read_spool(shop.spool)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    taken(shop.ingest.post(event(eventId=one)), 0, 1)
    assert request(shop.ingest.port, "GET", "/healthz").status == 200
