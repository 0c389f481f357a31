"""All benchmarks, a table, and a JSON file; started by run.sh."""

import argparse
import json
import resource
import shutil
from pathlib import Path

import backlog
import doors
import guards
import shipping

MIB = 1024 * 1024
Row = tuple[str, float, str, bool]  # what, figure, target, whether met


def rows(door: doors.Doors, ship: shipping.Shipping) -> list[Row]:
    p99, allowed = door.ingest_p99_us, 4 * door.nginx_p99_us + 2 * door.sync_p99_us
    ingest, shipper = peaks(door, ship)
    table: list[Row] = []
    for count, ratio in door.vs_nginx.items():
        what = f"ingest / nginx, requests a second, {count} connections"
        target = "at least 0.6" if count == 256 else ""
        table.append((what, ratio, target, count != 256 or ratio >= 0.6))
    batch, cpu = door.batch_vs_single, ship.cpu_vs_floor
    return [
        *table,
        ("ingest's p99 at 256, ms", p99 / 1000,
         f"at most {allowed / 1000:.1f}", p99 <= allowed),
        ("ingest / nginx, p99 at 256", p99 / door.nginx_p99_us, "", True),
        ("events a second, batches of 50 / single ones", batch,
         "at least 8", batch >= 8),
        ("shipper / (zlib + SHA-256), CPU", cpu, "at most 1.5", cpu <= 1.5),
        ("ingest's peak memory, MiB", ingest, "at most 16", ingest <= 16),
        ("shipper's peak memory, MiB", shipper, "at most 16", shipper <= 16),
    ]  # fmt: skip


def guard_rows(guard: guards.Guards) -> list[Row]:
    tls, slow = guard.tls_peak_bytes / MIB, guard.slow_peak_bytes / MIB
    https, cost = guard.https_vs_plain, guard.token_cpu_vs_guest
    among, fetches = guard.good_among_strangers, guard.fetches_per_penalty
    return [
        ("HTTPS / plain, requests a second, 64 connections", https[64],
         "at least 0.7", https[64] >= 0.7),
        ("HTTPS / plain, requests a second, 256 connections", https[256],
         "", True),
        ("ingest's peak memory with TLS, MiB", tls, "at most 24", tls <= 24),
        ("a known token's request / a guest's, CPU", cost,
         "at most 1.1", cost <= 1.1),
        ("good tokens among 10,000 unknown keys a second", among,
         "at least 0.8", among >= 0.8),
        ("key fetches in a penalty time of these", fetches,
         "at most 1", fetches <= 1),
        ("64 good clients beside 2,000 slow ones", guard.good_among_slow,
         "at least 0.5", guard.good_among_slow >= 0.5),
        ("ingest's peak memory with these, MiB", slow, "at most 64", slow <= 64),
    ]  # fmt: skip


def backlog_rows(waits: backlog.Backlog) -> list[Row]:
    peak, what = waits.large_peak_bytes / MIB, f"{waits.large_mib} MiB"
    ratio = waits.cpu_ratio
    return [
        (f"shipper's CPU a MiB, backlog of {what} / 100 MiB", ratio,
         "at most 1.15", ratio <= 1.15),
        (f"shipper's peak memory, backlog of {what}, MiB", peak,
         "at most 32", peak <= 32),
    ]  # fmt: skip


def peaks(door: doors.Doors, ship: shipping.Shipping) -> tuple[float, float]:
    """MiB of anonymous memory; ingest's under any of the loads."""
    ingest = max(door.peak_bytes, ship.ingest_peak_bytes)
    return ingest / MIB, ship.shipper_peak_bytes / MIB


def figures(
    door: doors.Doors,
    ship: shipping.Shipping,
    guard: guards.Guards,
    waits: backlog.Backlog,
) -> dict[str, float]:
    ingest, shipper = peaks(door, ship)
    all_of_them = {
        **{f"ingest_vs_nginx_{c}": ratio for c, ratio in door.vs_nginx.items()},
        "ingest_p99_vs_nginx_256": door.ingest_p99_us / door.nginx_p99_us,
        "batch50_events_vs_single": door.batch_vs_single,
        "shipper_cpu_vs_floor": ship.cpu_vs_floor,
        "ingest_peak_mib": ingest,
        "shipper_peak_mib": shipper,
        **{f"https_vs_plain_{c}": r for c, r in guard.https_vs_plain.items()},
        "ingest_tls_peak_mib": guard.tls_peak_bytes / MIB,
        "token_cpu_vs_guest": guard.token_cpu_vs_guest,
        "good_tokens_among_unknown_keys": guard.good_among_strangers,
        "key_fetches_per_penalty": guard.fetches_per_penalty,
        "good_beside_2000_slow": guard.good_among_slow,
        "ingest_slow_peak_mib": guard.slow_peak_bytes / MIB,
        "backlog_cpu_large_vs_small": waits.cpu_ratio,
        "backlog_large_mib": waits.large_mib,
        "backlog_large_peak_mib": waits.large_peak_bytes / MIB,
        "backlog_small_peak_mib": waits.small_peak_bytes / MIB,
        # What the ratios are made of.
        **{f"ingest_rps_{c}": rate for c, rate in door.ingest_rate.items()},
        **{f"nginx_rps_{c}": rate for c, rate in door.nginx_rate.items()},
        "ingest_p99_us_256": door.ingest_p99_us,
        "nginx_p99_us_256": door.nginx_p99_us,
        "sync_p99_us_256": door.sync_p99_us,
        "shipper_cpu_s": ship.cpu_s,
        "floor_cpu_s": ship.floor_s,
        "shipper_entries_per_s": ship.rate,
        "backlog_small_cpu_ms_per_mib": waits.small_cpu_ms,
        "backlog_large_cpu_ms_per_mib": waits.large_cpu_ms,
        "backlog_large_mib_per_s": waits.mib_per_s,
    }
    return {name: round(value, 3) for name, value in all_of_them.items()}


def show(table: list[Row], raw: dict[str, float]) -> None:
    print()
    for what, figure, target, met in table:
        verdict = "" if met else "  MISSED"
        print(f"{what:56} {figure:8.2f}  {target}{verdict}".rstrip())
    print()
    print(
        f"ingest {raw['ingest_rps_256']:.0f}/s and nginx {raw['nginx_rps_256']:.0f}/s"
        f" at 256 connections; p99 {raw['ingest_p99_us_256'] / 1000:.1f} and"
        f" {raw['nginx_p99_us_256'] / 1000:.1f} ms, of fdatasync"
        f" {raw['sync_p99_us_256'] / 1000:.1f} ms"
    )
    print(
        f"shipper {raw['shipper_cpu_s']:.2f} s of CPU, its floor"
        f" {raw['floor_cpu_s']:.2f} s; {raw['shipper_entries_per_s']:.0f} entries/s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="sh tests/bench/run.sh")
    parser.add_argument("build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each load")
    parser.add_argument("--events", type=int, default=1_000_000, help="to ship")
    parser.add_argument("--backlog", type=int, default=4096, help="MiB that wait")
    args = parser.parse_args()

    # A thousand connections on each side.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    scratch = args.build / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        door = doors.compare(args.build, scratch, args.rounds, args.seconds)
        guard = guards.compare(args.build, scratch, args.rounds, args.seconds)
        ship = shipping.compare(args.build, scratch, args.rounds, args.events)
        waits = backlog.compare(args.build, scratch, args.rounds, args.backlog * MIB)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)

    raw = figures(door, ship, guard, waits)
    show([*rows(door, ship), *guard_rows(guard), *backlog_rows(waits)], raw)
    result = args.build.parent / "bench.json"
    result.write_text(json.dumps(raw, indent=1) + "\n")
    print(f"All figures: {result}")


if __name__ == "__main__":
    main()
