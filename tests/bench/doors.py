"""ingest beside nginx: the same requests, from the same client, in turns."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from support.daemons import Site, free_port

HERE = Path(__file__).resolve().parent
CONNECTIONS = (64, 256, 1000)
BATCH = 50
START_TIMEOUT = 20.0

EVENT = {
    "eventName": "product_view",
    "clientId": "client-00000001",
    "sessionId": "session-00000001",
    "productId": "sku-1001",
    "name": "Linen shirt",
    "category": "Shirts",
    "brand": "Acme",
    "price": 49.9,
    "currency": "EUR",
    "urlPath": "/products/linen-shirt",
    "referrer": "https://shop.example/",
    "title": "Linen shirt - Acme",
}


@dataclass(frozen=True)
class Load:
    """What one run of wrk saw."""

    requests: int
    seconds: float
    p99_us: int
    errors: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


@dataclass(frozen=True)
class Doors:
    """Medians over the rounds; ratios are taken within a round."""

    vs_nginx: dict[int, float]  # by connections
    ingest_rate: dict[int, float]
    nginx_rate: dict[int, float]
    ingest_p99_us: float  # these three at 256 connections
    nginx_p99_us: float
    sync_p99_us: float
    batch_vs_single: float  # events a second, both at 64 connections
    peak_bytes: int


def wrk(
    port: int,
    connections: int,
    body: Path,
    seconds: int,
    *,
    scheme: str = "http",
    bearer: str = "",
) -> Load:
    """One thread; every answer must be a good one."""
    done = subprocess.run(
        [
            "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s",
            "-s", os.fspath(HERE / "post.lua"), f"{scheme}://127.0.0.1:{port}/events",
            "--", os.fspath(body), *([bearer] if bearer else []),
        ],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    load = Load(**json.loads(done.stdout.splitlines()[-1]))
    if load.errors or not load.requests:
        raise SystemExit(f"wrk at {connections} connections: {done.stdout}")
    return load


@contextlib.contextmanager
def nginx() -> Iterator[int]:
    """The port of an nginx with one worker."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "nginx is missing"
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="clickspool-nginx-") as folder:
        conf = Path(folder) / "nginx.conf"
        text = (HERE / "nginx.conf").read_text()
        conf.write_text(text.replace("PORT", str(port)))
        command = [program, "-p", folder, "-c", os.fspath(conf)]
        process = subprocess.Popen([*command, "-g", "daemon off;"])
        try:
            wait_listening(port)
            yield port
        finally:
            process.terminate()
            process.wait(10)


def wait_listening(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def new_site(build: Path, spool: Path) -> Site:
    """A site whose spool is at @spool, with room for anything."""
    spool.mkdir(mode=0o2770)
    site = Site(build)
    site.configure(
        {
            "spool": {
                "dir": spool,
                "segment_size": "64MiB",
                "max_unshipped": "1000GiB",
                "retain_size": "1000GiB",
            }
        }
    )
    return site


def sync_p99_us(site: Site) -> int:
    """Of every fdatasync of an ingest that has stopped."""
    told = re.findall(r"event=stopped .*sync_p99_us=(\d+)", site.ingest.stderr())
    return int(told[-1])


def bodies(scratch: Path) -> tuple[Path, Path]:
    """A request of one event, and one of a batch."""
    single, batch = scratch / "single.json", scratch / "batch.json"
    single.write_text(json.dumps(EVENT, separators=(",", ":")))
    batch.write_text(json.dumps([EVENT] * BATCH, separators=(",", ":")))
    return single, batch


def compare(build: Path, scratch: Path, rounds: int, seconds: int) -> Doors:
    """An ingest of its own for each load, so that each has its own figures."""
    single, batch = bodies(scratch)
    beside: dict[int, list[Load]] = {count: [] for count in CONNECTIONS}
    ours: dict[int, list[Load]] = {count: [] for count in CONNECTIONS}
    batches: list[Load] = []
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(nginx())
        sites = {
            count: stack.enter_context(new_site(build, scratch / f"spool-{count}"))
            for count in (*CONNECTIONS, BATCH)
        }
        for site in sites.values():
            site.ingest.start()
            wrk(site.ingest.port, 64, single, 1)  # warm
        for number in range(rounds):
            print(f"ingest and nginx, round {number + 1} of {rounds}", flush=True)
            for count in CONNECTIONS:
                beside[count].append(wrk(port, count, single, seconds))
                ingest = sites[count].ingest
                ours[count].append(wrk(ingest.port, count, single, seconds))
            batches.append(wrk(sites[BATCH].ingest.port, 64, batch, seconds))
        for site in sites.values():
            site.ingest.stop()
        sync_us = sync_p99_us(sites[256])
        peak = max(site.ingest.meter.peak_rss_anon for site in sites.values())

    return Doors(
        vs_nginx={
            count: median(
                a.rate / b.rate for a, b in zip(ours[count], beside[count], strict=True)
            )
            for count in CONNECTIONS
        },
        ingest_rate={c: median(load.rate for load in ours[c]) for c in CONNECTIONS},
        nginx_rate={c: median(load.rate for load in beside[c]) for c in CONNECTIONS},
        ingest_p99_us=median(load.p99_us for load in ours[256]),
        nginx_p99_us=median(load.p99_us for load in beside[256]),
        sync_p99_us=sync_us,
        batch_vs_single=median(
            BATCH * a.rate / b.rate for a, b in zip(batches, ours[64], strict=True)
        ),
        peak_bytes=peak,
    )
