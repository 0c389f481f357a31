"""Requests spoiled at random: however the bytes are cut, the answers are the
same ones, each is whole, and the spool holds what they acknowledge."""

import gzip
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ask import count, event, post_bytes
from support.daemons import Site
from support.http import Closed, RawClient, Response, request_bytes

NDJSON = "application/x-ndjson"
BODY = json.dumps(event()).encode()
GOOD = [
    post_bytes(),
    post_bytes(json.dumps([event(), event(props={"a": 1})]).encode()),
    post_bytes(BODY + b"\n" + BODY, Content_Type=NDJSON),
    post_bytes(gzip.compress(BODY, mtime=0), Content_Encoding="gzip"),
    post_bytes(BODY, Expect="100-continue"),
    request_bytes("GET", "/healthz?a=b", headers={"User-Agent": "tests"}),
    request_bytes("OPTIONS", "/events", headers={"Origin": "https://a.example"}),
    b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
    + b"%x;a=b\r\n" % len(BODY) + BODY + b"\r\n0\r\nX-Sum: 1\r\n\r\n",
]  # fmt: skip
PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b"{", b"}", b"[", b"]",
    b'"', b"\\", b"\\u0000", b"\xff", b"\xc3\x28", b"0", b"-1", b"1e9", b"null",
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n",
    b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"HTTP/1.1\r\n",
    b"\r\n\r\n", b"0\r\n\r\n", b"GET / HTTP/1.1\r\n", b"%", b"/", b"a" * 3000,
]  # fmt: skip
ROUNDS = 1500 if os.environ.get("CLICKSPOOL_LONG") else 120


@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    with Site(build) as site:
        site.ingest.start()
        yield site


def spoil(chance: random.Random, text: bytes) -> bytes:
    """@text with one to three changes."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.choice([0, 1, 1, 2, 8, 40]))
        new = chance.choice([b"", chance.choice(PIECES), chance.randbytes(1)])
        text = text[:at] + new + text[end:]
    return text


def requests(chance: random.Random) -> bytes:
    """Up to four on one connection, one of them or more spoiled."""
    some = [chance.choice(GOOD) for _ in range(chance.randint(0, 3))]
    some.insert(chance.randint(0, len(some)), spoil(chance, chance.choice(GOOD)))
    return b"".join(some)


def answers(port: int, cuts: list[bytes]) -> list[Response]:
    """What comes back for these bytes and the end of sending."""
    found: list[Response] = []
    with RawClient(port) as client:
        try:
            for piece in cuts:
                client.send(piece)
                if len(cuts) > 1:
                    time.sleep(0.0005)  # a segment of its own, mostly
            client.finish()
        except OSError:
            pass  # it was refused and closed before all was sent
        try:
            while True:
                answer = client.read()
                if answer.status != 100:  # who has sent all is not told
                    found.append(answer)
        except Closed as closed:
            assert closed.rest == b"", "a part of an answer"
    return found


def cut(chance: random.Random, text: bytes) -> list[bytes]:
    marks = sorted(chance.sample(range(1, len(text)), min(12, len(text) - 1)))
    return [text[a:b] for a, b in zip([0, *marks], [*marks, len(text)], strict=True)]


def accepted(found: list[Response]) -> int:
    return sum(a.json()["accepted"] for a in found if a.status == 202)


@pytest.mark.parametrize("seed", range(4))
def test_answers_do_not_depend_on_how_bytes_arrive(shop: Site, seed: int) -> None:
    chance = random.Random(seed)
    before, total = count(shop), 0
    statuses = set()
    for _ in range(ROUNDS):
        sent = requests(chance)
        whole = answers(shop.ingest.port, [sent])
        parts = answers(shop.ingest.port, cut(chance, sent))
        assert [a.status for a in whole] == [a.status for a in parts], sent
        for answer in whole:
            assert answer.status in {200, 202, 204} or answer.json()["code"]
        statuses.update(answer.status for answer in whole)
        total += accepted(whole) + accepted(parts)
    assert count(shop) == before + total
    assert statuses >= {200, 202, 204, 400, 404}


def test_requests_behind_one_another_are_answered_though_no_more_come(
    shop: Site,
) -> None:
    before = count(shop)
    found = answers(shop.ingest.port, [post_bytes() * 50 + post_bytes()[:-1]])
    assert [answer.status for answer in found] == [202] * 50
    assert count(shop) == before + 50
