"""shipper beside the sum of its floors: zlib and SHA-256 over the same bytes."""

import contextlib
import http.client
import json
import random
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from doors import EVENT, new_site
from support.daemons import Site
from support.spool import checkpoint

POST = 500  # events in one
LEVEL = 1
SHIP_TIMEOUT = 600.0


@dataclass(frozen=True)
class Shipping:
    """Medians over the rounds; the ratio is taken within a round."""

    cpu_vs_floor: float
    cpu_s: float
    floor_s: float
    rate: float  # entries a second
    ingest_peak_bytes: int
    shipper_peak_bytes: int


def events(count: int) -> str:
    """A batch in which visitors, products and ids differ."""
    rows = []
    for _ in range(count):
        visitor, product = random.randrange(100_000), random.randrange(5000)
        rows.append(
            EVENT
            | {
                "eventId": str(uuid.uuid4()),
                "clientId": f"client-{visitor:08}",
                "sessionId": f"session-{visitor:08}",
                "productId": f"sku-{product}",
                "price": random.randrange(100, 100_000) / 100,
                "urlPath": f"/products/{product}",
            }
        )
    return json.dumps(rows, separators=(",", ":"))


def fill(site: Site, count: int) -> None:
    """Post @count events to a running ingest."""
    connection = http.client.HTTPConnection("127.0.0.1", site.ingest.port, timeout=60)
    for _ in range(count // POST):
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/events", events(POST), headers)
        answer = connection.getresponse()
        if answer.status != 202 or json.loads(answer.read())["accepted"] != POST:
            raise SystemExit(f"ingest answered {answer.status}")
    connection.close()


def floor_s(build: Path, spool: Path, count: int) -> float:
    """CPU of zlib and SHA-256 alone."""
    done = subprocess.run(
        [build / "tests" / "floor", spool, str(LEVEL)],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["events"] == count, told
    return float(told["deflate_s"] + told["sha256_s"])


@contextlib.contextmanager
def sink(build: Path) -> Iterator[str]:
    """The URL of a service that says yes to everything."""
    with subprocess.Popen(
        [build / "tests" / "sink"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


def delivered(spool: Path) -> int:
    state = checkpoint(spool)
    return int(state["counts"]["delivered"]) if state else 0


def ship(site: Site, spool: Path, count: int) -> tuple[float, float]:
    """The CPU and the time that shipping the whole spool takes, in seconds."""
    for name in ("checkpoint.json", "shipper.status.json"):
        (spool / name).unlink(missing_ok=True)
    start = time.monotonic()
    site.shipper.start()
    while delivered(spool) < count:
        if time.monotonic() > start + SHIP_TIMEOUT or not site.shipper.running():
            raise SystemExit(f"shipper did not end: {site.shipper.stderr()}")
        time.sleep(0.05)
    seconds = time.monotonic() - start
    site.shipper.stop()
    assert delivered(spool) == count
    return site.shipper.meter.cpu_seconds, seconds


def compare(build: Path, scratch: Path, rounds: int, count: int) -> Shipping:
    """Fill a spool through ingest, then ship all of it once a round."""
    spool = scratch / "spool-shipping"
    floors: list[float] = []
    ours: list[float] = []
    times: list[float] = []
    with sink(build) as url, new_site(build, spool) as site:
        site.configure({"aws": {"endpoint_url": url}, "shipper": {"gzip_level": LEVEL}})
        site.ingest.start()
        print(f"shipper: {count} events into a spool", flush=True)
        fill(site, count)
        site.ingest.stop()
        for number in range(rounds):
            print(f"shipper and its floor, round {number + 1} of {rounds}", flush=True)
            floors.append(floor_s(build, spool, count))
            cpu, seconds = ship(site, spool, count)
            ours.append(cpu)
            times.append(seconds)
        return Shipping(
            cpu_vs_floor=median(a / b for a, b in zip(ours, floors, strict=True)),
            cpu_s=median(ours),
            floor_s=median(floors),
            rate=count / median(times),
            ingest_peak_bytes=site.ingest.meter.peak_rss_anon,
            shipper_peak_bytes=site.shipper.meter.peak_rss_anon,
        )
