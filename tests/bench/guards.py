"""What guards cost: TLS, tokens, strangers with tokens, and slow clients."""

import base64
import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from doors import BATCH, Load, bodies, new_site, wrk
from support.certs import make
from support.daemons import Site
from support.issuer import Issuer
from support.tokens import CLIENT, ISSUER, Key, b64_json, id_claims, token

SLOW, GOOD = 2000, 64
STRANGERS_PER_S = 10_000
EVENTS = 1_000_000


@dataclass(frozen=True)
class Guards:
    https_vs_plain: dict[int, float]  # by connections
    tls_peak_bytes: int
    token_cpu_vs_guest: float  # CPU of a request
    good_among_strangers: float  # of their throughput without
    fetches_per_penalty: float
    good_among_slow: float
    slow_peak_bytes: int


def cpu_per_request(site: Site, load: list[Load], before: float) -> float:
    site.ingest.meter.sample()
    spent = site.ingest.meter.cpu_seconds - before
    return spent / load[-1].requests


def compare_tls(
    build: Path, scratch: Path, rounds: int, seconds: int
) -> tuple[dict[int, float], int]:
    """Ratios of requests a second, and the peak after a million events.  A run
    begins with its handshakes, so it is a long one."""
    single, batch = bodies(scratch)
    ratios: dict[int, list[float]] = {64: [], 256: []}
    with (
        new_site(build, scratch / "spool-plain") as plain,
        new_site(build, scratch / "spool-tls") as tls,
    ):
        files = make(scratch)
        tls.configure({"tls": {"certificate": files.certificate, "key": files.key}})
        for site in (plain, tls):
            site.ingest.start()
        for number in range(rounds):
            print(f"HTTPS and plain, round {number + 1} of {rounds}", flush=True)
            for count, of_count in ratios.items():
                one = wrk(plain.ingest.port, count, single, 2 * seconds)
                two = wrk(
                    tls.ingest.port, count, single, 2 * seconds, scheme="https"
                )
                of_count.append(two.rate / one.rate)
        sent = 0
        while sent < EVENTS:
            sent += BATCH * wrk(tls.ingest.port, 64, batch, 2, scheme="https").requests
        tls.ingest.stop()
        peak = tls.ingest.meter.peak_rss_anon
    return {count: median(of_count) for count, of_count in ratios.items()}, peak


@contextlib.contextmanager
def strangers(port: int, each_s: int) -> Iterator[None]:
    """Tokens that are right in all but their key, whose id is another each
    time: @each_s a second, pipelined on a few connections."""
    claims, ends = b64_json(id_claims()), threading.Event()
    signature = base64.urlsafe_b64encode(os.urandom(256)).rstrip(b"=").decode()
    body = b'{"eventName":"page_view"}'

    def request() -> bytes:
        header = b64_json({"kid": secrets.token_hex(8), "alg": "RS256"})
        return (
            b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\nAuthorization: Bearer %s.%s.%s\r\n\r\n%s"
            % (len(body), header.encode(), claims.encode(), signature.encode(), body)
        )

    batch = 50
    ready = [b"".join(request() for _ in range(batch)) for _ in range(400)]

    def run() -> None:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.setblocking(True)
            reader = threading.Thread(target=drain, args=(sock,), daemon=True)
            reader.start()
            started, count = time.monotonic(), 0
            while not ends.is_set():
                sock.sendall(ready[count % len(ready)])
                count += 1
                due = started + count * batch / each_s
                time.sleep(max(0.0, due - time.monotonic()))
            sock.shutdown(socket.SHUT_RDWR)

    def drain(sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while sock.recv(1 << 20):
                pass

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def compare_tokens(
    build: Path, scratch: Path, rounds: int, seconds: int
) -> tuple[float, float, float]:
    """CPU of a known token's request beside a guest's; good tokens with and
    without strangers; key fetches in each ten seconds of them."""
    single, _ = bodies(scratch)
    key = Key()
    costs: list[float] = []
    kept: list[float] = []
    with Issuer(key) as issuer, new_site(build, scratch / "spool-tokens") as site:
        site.configure(
            {
                "auth": {
                    "issuer": ISSUER,
                    "jwks_url": issuer.url,
                    "client_ids": CLIENT,
                },
                "aws": {"endpoint_url": "http://127.0.0.1:1"},
            }
        )
        site.shipper.start()
        site.ingest.start()
        port, text = site.ingest.port, token(key)
        wrk(port, 64, single, 1)
        for number in range(rounds):
            print(f"tokens, round {number + 1} of {rounds}", flush=True)
            spent: list[float] = []
            for bearer in ("", text):
                site.ingest.meter.sample()
                before = site.ingest.meter.cpu_seconds
                load = wrk(port, 64, single, seconds, bearer=bearer)
                spent.append(cpu_per_request(site, [load], before))
            costs.append(spent[1] / spent[0])
        fetched, began = len(issuer.fetches), time.monotonic()
        for number in range(rounds):
            print(f"strangers, round {number + 1} of {rounds}", flush=True)
            alone = wrk(port, 64, single, seconds, bearer=text)
            with strangers(port, STRANGERS_PER_S):
                among = wrk(port, 64, single, seconds, bearer=text)
            kept.append(among.rate / alone.rate)
        penalties = (time.monotonic() - began) / 10
        # The first may come at once; from then on one in each penalty time.
        fetches = max(0, len(issuer.fetches) - fetched - 1) / penalties
        site.shipper.stop()
        site.ingest.stop()
    return median(costs), median(kept), fetches


def compare_slow(build: Path, scratch: Path, rounds: int, seconds: int) -> list[float]:
    """64 good clients with and without 2,000 that send a byte a second."""
    single, _ = bodies(scratch)
    kept: list[float] = []
    head = b"POST /events HTTP/1.1\r\nHost: a\r\nX-Slow: " + b"x" * 4000
    with new_site(build, scratch / "spool-slow") as site:
        site.configure({"http": {"header_timeout": "10m"}})
        site.ingest.start()
        port = site.ingest.port
        for number in range(rounds):
            print(f"slow clients, round {number + 1} of {rounds}", flush=True)
            alone = wrk(port, GOOD, single, seconds)
            held = [socket.create_connection(("127.0.0.1", port)) for _ in range(SLOW)]
            ends = threading.Event()

            def dribble(held: list[socket.socket], ends: threading.Event) -> None:
                at = 0
                while not ends.is_set():
                    began = time.monotonic()
                    for sock in held:
                        sock.send(head[at % len(head) :][:1])
                    at += 1
                    ends.wait(max(0.0, began + 1 - time.monotonic()))

            thread = threading.Thread(target=dribble, args=(held, ends))
            thread.start()
            time.sleep(1)
            kept.append(wrk(port, GOOD, single, seconds).rate / alone.rate)
            ends.set()
            thread.join()
            for sock in held:
                sock.close()
        site.ingest.stop()
        return [median(kept), site.ingest.meter.peak_rss_anon]


def compare(build: Path, scratch: Path, rounds: int, seconds: int) -> Guards:
    ratio, tls_peak = compare_tls(build, scratch, rounds, seconds)
    cost, kept, fetches = compare_tokens(build, scratch, rounds, seconds)
    slow, slow_peak = compare_slow(build, scratch, rounds, seconds)
    return Guards(ratio, tls_peak, cost, kept, fetches, slow, int(slow_peak))

