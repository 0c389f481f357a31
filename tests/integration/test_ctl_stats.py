"""clickspoolctl stats: what it counts is what stands in the spool."""

import json
import random
import subprocess
from collections import Counter
from math import ceil
from typing import Any

import pytest
from support.craft import T0, chain, entry, line, name
from support.daemons import MakeSite, Site, uses_asan
from support.shop import event
from support.spool import read_spool

CTL = "shipper/clickspoolctl"
STEPS = (
    "page_view",
    "product_view",
    "add_to_cart",
    "checkout_start",
    "checkout_complete",
)


@pytest.fixture
def spool(make_site: MakeSite) -> Site:
    """A site whose spool is empty; nothing runs."""
    return make_site()


def stats(site: Site, *args: str) -> dict[str, Any]:
    done = site.ctl("stats", "--json", *args)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    counted: dict[str, Any] = json.loads(done.stdout)
    return counted


def funnel(counted: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Events and sessions of each step that has any."""
    assert tuple(step["eventName"] for step in counted["funnel"]) == STEPS
    return {
        step["eventName"]: (step["events"], step["sessions"])
        for step in counted["funnel"]
        if step["events"]
    }


def made(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Entries of any kind."""
    chance = random.Random(seed)
    entries: list[dict[str, Any]] = []
    for _ in range(count):
        fields: dict[str, Any] = {"latencyMs": int(chance.expovariate(0.001))}
        if chance.random() < 0.8:
            fields |= {
                "eventName": chance.choice(STEPS),
                "sessionId": f"session-{chance.randrange(40):04}",
                "logCategory": "business",
                "userLoginState": chance.choice(["guest", "authenticated"]),
            }
        else:
            fields |= {
                "eventName": None,
                "logCategory": "auth",
                "action": chance.choice(["login", "logout"]),
                "outcome": chance.choice(["success", "failure", None]),
            }
        entries.append(fields)
    return entries


def write(site: Site, entries: list[dict[str, Any]]) -> list[bytes]:
    lines = [entry(at, at, **fields) for at, fields in enumerate(entries)]
    half = len(lines) // 2
    chain(site.spool, lines[:half], [], lines[half:])
    return lines


def count(entries: list[dict[str, Any]], field: str) -> dict[str, int]:
    return dict(Counter(item[field] for item in entries if item.get(field)))


def test_an_empty_spool_has_no_figures(spool: Site) -> None:
    counted = stats(spool)
    assert (counted["entries"], counted["bytes"]) == (0, 0)
    assert (counted["first"], counted["last"]) == (None, None)
    assert counted["latencyMs"] == {
        "count": 0,
        "p50": None,
        "p95": None,
        "p99": None,
        "max": None,
    }
    assert funnel(counted) == {}
    assert "0 entries" in spool.ctl("stats").stdout


def test_every_figure_is_that_of_the_entries(spool: Site) -> None:
    entries = made(1000)
    lines = write(spool, entries)
    counted = stats(spool)
    assert T0 == 1_767_323_045_000  # 2026-01-02T03:04:05Z
    assert counted["entries"] == 1000
    assert counted["bytes"] == sum(map(len, lines))
    assert counted["first"] == "2026-01-02T03:04:05.000Z"
    assert counted["last"] == "2026-01-02T03:04:05.999Z"
    assert counted["categories"] == count(entries, "logCategory")
    assert counted["events"] == count(entries, "eventName")
    assert counted["loginStates"] == count(entries, "userLoginState")
    assert counted["others"] == dict.fromkeys(
        ("categories", "events", "loginStates", "actions"), 0
    )
    actions = Counter(
        (item["action"], item["outcome"]) for item in entries if "action" in item
    )
    assert {
        (row["action"], row["outcome"]): row["entries"] for row in counted["actions"]
    } == actions
    ordered = [row["entries"] for row in counted["actions"]]
    assert ordered == sorted(ordered, reverse=True)

    assert funnel(counted) == {
        step: (
            sum(item["eventName"] == step for item in entries),
            len({e["sessionId"] for e in entries if e["eventName"] == step}),
        )
        for step in STEPS
    }
    assert not any(step["atLeast"] for step in counted["funnel"])

    sorted_ms = sorted(item["latencyMs"] for item in entries)
    latency = counted["latencyMs"]
    assert (latency["count"], latency["max"]) == (1000, sorted_ms[-1])
    for percent in (50, 95, 99):
        exact = sorted_ms[ceil(percent * 10) - 1]
        assert exact <= latency[f"p{percent}"] <= exact * 1.001


@pytest.mark.parametrize(
    "args",
    [
        ("--category", "auth"),
        ("--event", "page_view", "--event", "add_to_cart"),
        ("--session", "session-0007"),
        ("--where", "outcome=failure"),
        ("--since", "2026-01-02T03:04:05.600Z"),
        ("--until", "2026-01-02T03:04:05.100Z", "--category", "business"),
        ("--since", "1h"),
    ],
)
def test_filters_count_what_cat_shows(spool: Site, args: tuple[str, ...]) -> None:
    write(spool, made(1000))
    shown = spool.ctl("cat", *args).stdout
    counted = stats(spool, *args)
    assert counted["entries"] == len(shown.splitlines())
    assert counted["bytes"] == len(shown)
    rows = [json.loads(row) for row in shown.splitlines()]
    assert counted["categories"] == count(rows, "logCategory")


def test_the_same_session_counts_once_over_segments(spool: Site) -> None:
    view = {"eventName": "page_view", "sessionId": "session-0001"}
    other = {"eventName": "page_view", "sessionId": "session-0002"}
    write(spool, [view, other, view, {"eventName": "page_view"}, view, view])
    assert funnel(stats(spool)) == {"page_view": (6, 2)}


def test_names_past_the_bound_are_counted_together(spool: Site) -> None:
    write(spool, [{"eventName": None, "action": f"a-{n}"} for n in range(1500)])
    counted = stats(spool)
    assert len(counted["actions"]) == 1000
    assert counted["others"]["actions"] == 500
    assert counted["entries"] == 1500
    assert "(other names)" in spool.ctl("stats").stdout


def test_odd_values_neither_count_nor_break_the_output(spool: Site) -> None:
    odd = [
        {"eventName": 5, "logCategory": ["x"], "latencyMs": "12"},
        {"eventName": 'q"\\\u2028\x1b', "latencyMs": -3, "sessionId": 7},
        {"eventName": "page_view", "latencyMs": 1e300, "action": None},
        {"eventName": "page_view", "latencyMs": 2.5},
    ]
    lines = [entry(at, at, **fields) for at, fields in enumerate(odd)]
    lines += [line(9, '"eventId":"x","eventName":"a" "b"'), line(9, '"x":\x01"')]
    chain(spool.spool, lines)
    counted = stats(spool)
    assert counted["entries"] == 6
    assert counted["events"] == {'q"\\\u2028\x1b': 1, "page_view": 2, "a": 1}
    assert counted["latencyMs"]["count"] == 3
    assert funnel(counted) == {"page_view": (2, 0)}
    assert "\x1b" not in spool.ctl("stats").stdout


def test_bad_bytes_are_passed_over_and_told(spool: Site) -> None:
    lines = write(spool, made(10))
    path = spool.spool / name(41)
    content = bytearray(path.read_bytes())
    content[content.index(lines[2]) + 60] ^= 1
    path.write_bytes(content)
    counted = stats(spool)
    assert (counted["entries"], counted["badRuns"]) == (9, 1)
    assert "1 run of bad bytes" in spool.ctl("stats").stderr


def test_the_text_is_a_table_for_each_kind(spool: Site) -> None:
    shop = [
        {"eventName": "page_view", "sessionId": "s-1", "latencyMs": 3},
        {"eventName": "page_view", "sessionId": "s-2", "latencyMs": 5},
        {"eventName": "product_view", "sessionId": "s-2", "latencyMs": 9},
        {"eventName": None, "action": "login", "outcome": "success"},
    ]
    write(spool, shop)
    rows = [row.split() for row in spool.ctl("stats").stdout.splitlines()]
    assert rows[0][:2] == ["4", "entries,"]
    assert ["page_view", "2", "50.0%"] in rows
    assert ["login", "success", "1", "25.0%"] in rows
    assert ["page_view", "2", "2"] in rows
    assert ["product_view", "1", "1", "50.0%"] in rows
    assert ["p50", "5"] in rows
    assert ["max", "9"] in rows


def test_what_ingest_wrote_is_counted(site: Site) -> None:
    site.ingest.start()
    for number in range(30):
        own = event(sessionId=f"session-{number % 7:04}", eventName="page_view")
        assert site.ingest.post([own, event()]).status == 202
    entries = read_spool(site.spool)
    counted = stats(site)
    assert counted["entries"] == len(entries) == 60
    assert counted["bytes"] == sum(len(item.line) + 1 for item in entries)
    assert counted["categories"] == {"business": 60}
    assert counted["loginStates"] == {"guest": 60}
    assert counted["latencyMs"]["count"] == 60
    assert funnel(counted) == {"page_view": (30, 7), "product_view": (30, 1)}


def test_memory_does_not_grow_with_the_spool(spool: Site) -> None:
    """60 MiB of entries, each of a session of its own."""
    if uses_asan(spool.build / CTL):
        pytest.skip("the sanitizer's own memory is counted too")
    pad = "x" * 1000
    lines = [
        entry(at, at, sessionId=f"session-{at:08}", title=pad) for at in range(50_000)
    ]
    chain(spool.spool, lines)
    spool.write_config()
    program = [spool.build / CTL, "--config", spool.conf]
    done = subprocess.run(
        ["prlimit", f"--data={8 << 20}", *program, "stats", "--json"],
        stdout=subprocess.PIPE,
        env=spool.environment(),
        check=True,
    )
    assert funnel(json.loads(done.stdout)) == {"page_view": (50_000, 50_000)}
