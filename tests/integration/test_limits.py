"""What strangers may hold, and for how long: time, connections, descriptors,
memory.  Whoever goes past is told or closed, and the others are served."""

import contextlib
import json
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.ask import check_problem, count, event, post_bytes, taken
from support.daemons import MakeSite, Site, uses_asan
from support.http import Closed, RawClient, connections_of, request

GET = b"GET /healthz HTTP/1.1\r\nHost: shop.example\r\n\r\n"
HALF_A_HEAD = b"POST /events HTTP/1.1\r\nHost: shop.example\r\n"
BODY = json.dumps(event()).encode()
LIMIT = 1.0  # seconds: every time limit here
PATIENCE = 20.0  # for what comes soon on a machine with nothing else to do
SHORT = {f"{name}_timeout": f"{LIMIT:.0f}s" for name in ("header", "body", "idle")}


@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    with Site(build, {"http": SHORT}) as site:
        site.ingest.start()
        yield site


def wait_for(what: Callable[[], bool], why: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.02)


def connections(site: Site) -> int:
    """How many clients ingest has a descriptor for."""
    return connections_of(site.ingest.port)


def begin(client: RawClient, body: bytes) -> None:
    """All of a request but its body, and know that it was read."""
    client.send(post_bytes(body, Expect="100-continue")[: -len(body)])
    assert client.read().status == 100


def cpu_seconds(site: Site) -> float:
    site.ingest.meter.sample()
    return site.ingest.meter.cpu_seconds


def trickle(client: RawClient, text: bytes) -> float:
    """Send it byte by byte until an answer or an end is there; the seconds
    that took."""
    start = time.monotonic()
    client.sock.setblocking(False)
    for at in range(len(text)):
        with contextlib.suppress(BlockingIOError):
            client.sock.recv(1, socket.MSG_PEEK)
            break
        client.send(text[at : at + 1])
        time.sleep(0.02)
    client.sock.settimeout(PATIENCE)
    return time.monotonic() - start


# Time


@pytest.mark.parametrize("slow", ["head", "body", "chunks", "trailer"])
def test_a_request_has_its_time_however_it_trickles(shop: Site, slow: str) -> None:
    """Each byte comes soon after the one before: the limit is for all."""
    whole = post_bytes(json.dumps(event(title="a" * 2000)).encode())
    head, _, body = whole.partition(b"\r\n\r\n")
    chunked = HALF_A_HEAD + b"Content-Type: text/plain\r\n"
    chunked += b"Transfer-Encoding: chunked\r\n"
    first, rest = {
        "head": (b"", HALF_A_HEAD + b"X-A: " + b"a" * 2000),
        "body": (head + b"\r\n\r\n", body),
        "chunks": (chunked + b"\r\n", b"1\r\n \r\n" * 1000),
        "trailer": (chunked + b"\r\n2\r\n[]\r\n0\r\n", b"A: a\r\n" * 500),
    }[slow]
    before = count(shop)
    with RawClient(shop.ingest.port, PATIENCE) as client:
        client.send(first)
        assert trickle(client, rest) >= 0.8 * LIMIT
        answer = client.read()
        check_problem(answer, 408, "request_timeout")
        assert answer.headers["connection"] == "close"
        assert client.read_end().rest == b""
    assert count(shop) == before


@pytest.mark.parametrize("served", [False, True])
def test_an_idle_connection_is_closed_without_a_word(shop: Site, served: bool) -> None:
    with RawClient(shop.ingest.port, PATIENCE) as client:
        start = time.monotonic()
        if served:
            client.send(post_bytes())
            taken(client.read())
        end = client.read_end()
    assert time.monotonic() - start >= 0.8 * LIMIT
    assert (end.reset, end.rest) == (False, b"")


def test_a_request_now_and_then_keeps_a_connection(make_site: MakeSite) -> None:
    site = make_site({"http": {"header_timeout": "100ms", "body_timeout": "100ms"}})
    site.ingest.start()
    with RawClient(site.ingest.port, PATIENCE) as client:
        for _ in range(4):
            client.send(post_bytes())
            taken(client.read())
            time.sleep(0.3)
        assert client.is_open()


def test_a_peer_that_does_not_read_is_closed(shop: Site) -> None:
    """Its answers wait, so nothing more is read of it, and its time runs."""
    wait_for(lambda: connections(shop) == 0, "the others are gone")
    with RawClient(shop.ingest.port, PATIENCE) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sock.setblocking(False)
        bad = post_bytes(json.dumps([1] * 500).encode())  # 50 KB of errors each
        start, sent = time.monotonic(), 0
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while sent < 64 << 20:
                sent += client.sock.send(bad * 20)
        wait_for(lambda: connections(shop) == 1, "the connection is taken")
        wait_for(lambda: connections(shop) == 0, "the connection is closed")
        assert time.monotonic() - start >= 0.8 * LIMIT
    shop.ingest.meter.sample()
    assert shop.ingest.meter.peak_rss < 256 << 20
    taken(shop.ingest.post(event()))


# Connections


def test_the_oldest_idle_connection_gives_way(make_site: MakeSite) -> None:
    site = make_site({"http": {"max_connections": 10}})
    site.ingest.start()
    with ExitStack() as stack:
        clients = [
            stack.enter_context(RawClient(site.ingest.port, PATIENCE))
            for _ in range(10)
        ]
        for client in [*clients, clients[0]]:
            client.send(GET)
            assert client.read().status == 200
        newest = stack.enter_context(RawClient(site.ingest.port, PATIENCE))
        newest.send(post_bytes())
        taken(newest.read())
        assert clients[1].read_end().rest == b""
        for client in [clients[0], *clients[2:], newest]:
            client.send(post_bytes())
            taken(client.read())


def test_where_all_are_busy_the_next_is_told(make_site: MakeSite) -> None:
    site = make_site({"http": {"max_connections": 10}})
    site.ingest.start()
    with ExitStack() as stack:
        busy = [
            stack.enter_context(RawClient(site.ingest.port, PATIENCE))
            for _ in range(10)
        ]
        for client in busy:
            begin(client, BODY)
        with RawClient(site.ingest.port, PATIENCE) as late:
            check_problem(late.read(), 503, "too_busy")
            assert late.read_end().rest == b""
        # Operators get in all the same.
        assert request(site.ingest.admin_port, "GET", "/healthz").status == 200
        for client in busy:
            client.send(BODY)
            taken(client.read())
    taken(site.ingest.post(event()))


# Descriptors


def test_there_are_no_more_connections_than_descriptors(make_site: MakeSite) -> None:
    slow = {"header_timeout": "60s", "body_timeout": "60s"}
    site = make_site({"spool": {"segment_size": "64KiB"}, "http": slow})
    site.ingest.start(wrap=["prlimit", "--nofile=128"])
    assert "max_connections_lowered" in site.ingest.stderr()
    with ExitStack() as stack:
        steady = stack.enter_context(RawClient(site.ingest.port, PATIENCE))
        begin(steady, BODY)
        for _ in range(300):
            client = stack.enter_context(RawClient(site.ingest.port, PATIENCE))
            with contextlib.suppress(ConnectionError):  # closed already
                client.send(HALF_A_HEAD)
        wait_for(lambda: connections(site) < 64, "those past the limit are closed")
        before = cpu_seconds(site)
        time.sleep(1.0)
        assert cpu_seconds(site) - before < 0.5
        # One that is being sent away has its descriptor for a moment longer.
        wait_for(lambda: 40 < connections(site) < 64, "as many as there may be")
        # New segments need descriptors of their own.
        steady.send(BODY)
        taken(steady.read())
        for _ in range(20):
            steady.send(post_bytes(json.dumps([event()] * 100).encode()))
            taken(steady.read(), 100)
    assert count(site) == 2001
    assert len(list(site.spool.glob("*.ndjson"))) > 3
    wait_for(lambda: connections(site) == 0, "all are gone")
    taken(site.ingest.post(event()))


def test_ingest_never_spins_where_descriptors_run_out(make_site: MakeSite) -> None:
    """The limit is lowered under its feet, so that accept() must fail."""
    site = make_site()
    site.ingest.start()
    old = resource.prlimit(site.ingest.pid, resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        steady = stack.enter_context(RawClient(site.ingest.port, PATIENCE))
        steady.send(GET)
        assert steady.read().status == 200
        descriptors = Path(f"/proc/{site.ingest.pid}/fd").iterdir()
        used = max(int(path.name) for path in descriptors)
        resource.prlimit(site.ingest.pid, resource.RLIMIT_NOFILE, (used + 1, old[1]))
        for _ in range(50):
            stack.enter_context(RawClient(site.ingest.port, PATIENCE))
        before = cpu_seconds(site)
        time.sleep(1.0)
        assert cpu_seconds(site) - before < 0.5
        steady.send(post_bytes())
        taken(steady.read())
        assert site.ingest.stderr().count("accept_failed") <= 100
        resource.prlimit(site.ingest.pid, resource.RLIMIT_NOFILE, old)

        def served() -> bool:
            with contextlib.suppress(OSError, Closed), RawClient(
                site.ingest.port, PATIENCE
            ) as client:
                client.send(post_bytes())
                taken(client.read())
                return True
            return False

        wait_for(served, "service resumes")


# Memory


def test_half_sent_requests_share_one_bound_of_memory(
    make_site: MakeSite, build: Path
) -> None:
    site = make_site()
    site.ingest.start()
    body = json.dumps(event()).encode().ljust(250_000)
    sent = post_bytes(body)
    told = held = 0
    with ExitStack() as stack:
        clients = [
            stack.enter_context(RawClient(site.ingest.port, PATIENCE))
            for _ in range(200)
        ]
        for client in clients:
            with contextlib.suppress(ConnectionError):
                client.send(sent[:-1])
        taken(site.ingest.post(event()))  # what comes whole needs no memory
        for client in clients:
            with contextlib.suppress(ConnectionError):
                client.send(sent[-1:])
            answer = client.read()
            if answer.status == 202:
                held += 1
            else:
                check_problem(answer, 503, "too_busy")
                told += 1
    assert held > 100 and told > 0
    assert count(site) == held + 1
    if not uses_asan(build / site.ingest.path):
        site.ingest.meter.sample()
        assert site.ingest.meter.peak_rss < 100 << 20
