"""A spool as large as it may grow by default, 1 GiB (64 MiB without `--long`),
in which one bit has flipped: the one line is named and kept, all others are
delivered once, and nobody needs much memory for that."""

import json
import os
import random
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.bulk import MIB, fill
from support.daemons import MakeSite, Site, uses_asan
from support.spool import checkpoint, dead_letters
from support.standin import StandIn

LONG = bool(os.environ.get("CLICKSPOOL_LONG"))
SIZE, SEGMENT = (1024 * MIB, 64 * MIB) if LONG else (64 * MIB, 8 * MIB)
MOST_MEMORY = 32 * MIB
FINE, FINDINGS = 0, 1
UUID = slice(len('{"_crc":"89abcdef","ts":1767323045000,"eventId":"'), None)


@dataclass(frozen=True)
class Flipped:
    """The line in which a bit was flipped."""

    segment: str
    offset: int
    raw: bytes  # as it is now, without its newline


@dataclass(frozen=True)
class Large:
    site: Site
    entries: int
    bad: Flipped


def flip(path: Path) -> Flipped:
    """One bit of a digit, so that no line ends or begins by it."""
    content = path.read_bytes()
    start = content.index(b"\n", len(content) // 3) + 1
    end = content.index(b"\n", start)
    at = random.Random(7).choice(
        [n for n in range(start, end) if content[n : n + 1].isdigit()]
    )
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes([content[at] ^ 1]))
        file.seek(start)
        raw = file.read(end - start)
    return Flipped(path.name, start, raw)


@pytest.fixture
def large(make_site: MakeSite, stream: StandIn) -> Large:
    site = make_site({"spool": {"min_free": "1MiB", "max_unshipped": "2GiB"}})
    site.aws(stream)
    entries = fill(site.spool, SIZE, SEGMENT, int(time.time() * 1000))
    segments = sorted(site.spool.glob("*[0-9].ndjson"))
    return Large(site, entries, flip(segments[len(segments) // 2]))


def check_memory(peak: int, program: Path) -> None:
    assert peak
    if not uses_asan(program):
        assert peak < MOST_MEMORY


def ctl(large: Large, *args: str) -> tuple[int, list[dict[str, object]]]:
    """Exit code and rows of clickspoolctl, which keeps its memory small."""
    site = large.site
    program = site.build / "shipper" / "clickspoolctl"
    used = site.folder / "used"
    done = subprocess.run(
        ["time", "-q", "-f", "%M", "-o", used]
        + [program, "--config", site.write_config(), "--json", *args],
        stdout=subprocess.PIPE,
        env=site.environment(),
        text=True,
        timeout=300,
        check=False,
    )
    check_memory(int(used.read_text()) * 1024, program)
    return done.returncode, [json.loads(row) for row in done.stdout.splitlines()]


def unshipped(large: Large) -> int:
    """As `status` tells it."""
    code, [told] = ctl(large, "status")
    spool, letters = told["spool"], told["deadLetters"]
    assert isinstance(spool, dict) and isinstance(letters, dict)
    run = letters["firstBadRun"]
    assert code == (FINDINGS if run else FINE)
    if run:
        assert (run["segment"], run["offset"]) == (large.bad.segment, large.bad.offset)
    return int(spool["unshippedBytes"])


def len_of_lines(spool: Path) -> int:
    """Without each segment's first."""
    total = 0
    for path in spool.glob("*[0-9].ndjson"):
        with path.open("rb") as file:
            total += path.stat().st_size - len(file.readline())
    return total


@pytest.mark.timeout(1200)
def test_one_flipped_bit_costs_one_line_and_little_memory(
    large: Large, stream: StandIn
) -> None:
    site, bad = large.site, large.bad
    code, [finding, summary] = ctl(large, "verify")
    assert code == FINDINGS
    assert (finding["segment"], finding["offset"]) == (bad.segment, bad.offset)
    assert finding["finding"] == "bad_bytes"
    assert (summary["entries"], summary["findings"]) == (large.entries - 1, 1)
    assert unshipped(large) == len_of_lines(site.spool)

    site.shipper.start()
    stream.wait_stored(large.entries - 1, 900)
    stream.wait(lambda: settled(site) == large.entries - 1)
    assert unshipped(large) == 0
    assert ctl(large, "status")[0] == FINDINGS, "shipper has buried it"
    code, [row] = ctl(large, "dead", "ls")
    assert code == FINDINGS
    assert (row["segment"], row["offset"]) == (bad.segment, bad.offset)
    assert site.shipper.stop() == 0
    check_memory(site.shipper.meter.peak_rss_anon, site.shipper.program)
    names = [message[UUID][:36] for message in stream.messages()]
    assert len(names) == len(set(names)) == large.entries - 1
    assert bad.raw.decode() not in set(stream.messages())
    [letter] = dead_letters(site.spool)
    assert (letter.reason, letter.segment, letter.offset) == (
        "bad_bytes", bad.segment, bad.offset
    )  # fmt: skip
    assert ctl(large, "verify")[0] == FINDINGS, "it is still there to look at"


def settled(site: Site) -> int:
    position = checkpoint(site.spool)
    return int(position["counts"]["delivered"]) if position else 0
