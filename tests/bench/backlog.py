"""shipper with a small backlog and with a large one: CPU by the MiB, and
memory, must not grow with what waits."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from doors import new_site
from shipping import LEVEL, ship, sink
from support.bulk import MIB, fill
from support.daemons import Site

SMALL, SEGMENT = 100 * MIB, 64 * MIB
DISK_SHARE = 4  # at most a quarter of what is free


@dataclass(frozen=True)
class Backlog:
    """Medians over the rounds; the ratio is taken within this run."""

    large_mib: int
    small_cpu_ms: float  # by the MiB
    large_cpu_ms: float
    cpu_ratio: float
    small_peak_bytes: int  # anonymous memory
    large_peak_bytes: int
    mib_per_s: float  # of the large one


@dataclass(frozen=True)
class Spool:
    path: Path
    mib: float
    entries: int


def write(path: Path, size: int) -> Spool:
    path.mkdir(mode=0o2770)
    print(f"backlog: {size // MIB} MiB into a spool", flush=True)
    entries = fill(path, size, SEGMENT, int(time.time() * 1000))
    whole = sum(file.stat().st_size for file in path.glob("*.ndjson"))
    return Spool(path, whole / MIB, entries)


def affordable(scratch: Path, wanted: int) -> int:
    """@wanted bytes, or what the disk allows, which is said."""
    most = shutil.disk_usage(scratch).free // DISK_SHARE // MIB * MIB
    if most < wanted:
        print(f"backlog: the disk has room for {most // MIB} MiB only", flush=True)
    return min(wanted, most)


def shipped(site: Site, spool: Spool) -> tuple[float, float]:
    """CPU by the MiB, in ms, and MiB a second."""
    site.configure({"spool": {"dir": spool.path}})
    cpu, seconds = ship(site, spool.path, spool.entries)
    return cpu * 1000 / spool.mib, spool.mib / seconds


def compare(build: Path, scratch: Path, rounds: int, wanted: int) -> Backlog:
    """Ship the large one once, the small one a few times before and after."""
    large_size = affordable(scratch, wanted)
    with sink(build) as url, new_site(build, scratch / "spool-backlog") as site:
        site.configure({"aws": {"endpoint_url": url}, "shipper": {"gzip_level": LEVEL}})
        small = write(scratch / "spool-small", SMALL)
        large = write(scratch / "spool-large", large_size)
        half = max(rounds // 2, 1)
        meter = site.shipper.meter
        print(f"shipper and {SMALL // MIB} MiB, {half} times", flush=True)
        costs = [shipped(site, small)[0] for _ in range(half)]
        small_peak, meter.peak_rss_anon = meter.peak_rss_anon, 0
        print(f"shipper and {large_size // MIB} MiB", flush=True)
        large_cost, rate = shipped(site, large)
        large_peak = meter.peak_rss_anon
        print(f"shipper and {SMALL // MIB} MiB, {half} times", flush=True)
        costs += [shipped(site, small)[0] for _ in range(half)]
    return Backlog(
        large_mib=large_size // MIB,
        small_cpu_ms=median(costs),
        large_cpu_ms=large_cost,
        cpu_ratio=large_cost / median(costs),
        small_peak_bytes=small_peak,
        large_peak_bytes=large_peak,
        mib_per_s=rate,
    )
