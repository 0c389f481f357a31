"""clickspoolctl insights: the ready queries, as files and as run."""

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support.client import LOG_GROUP, events, now_ms, put
from support.craft import event_id
from support.daemons import Site
from support.faults import Fault
from support.insights import Query
from support.standin import StandIn

OK, USAGE, UNREACHABLE = 0, 2, 3
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "insights"
QUERIES = sorted(FOLDER.glob("*.query"))
STEPS = ("page_view", "product_view", "add_to_cart", "checkout_complete")


def run(site: Site, *args: str, code: int = OK) -> str:
    done = site.ctl("insights", *args)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def rows(site: Site, name: str, *args: str) -> list[dict[str, str]]:
    return [json.loads(row) for row in run(site, name, "--json", *args).splitlines()]


def message(number: int, **fields: Any) -> str:
    return json.dumps({"eventId": event_id(number), "logCategory": "business"} | fields)


def session(number: int, steps: int) -> list[str]:
    """A session that gets that far."""
    return [
        message(
            number * 10 + step,
            eventName=STEPS[step],
            sessionId=f"session-{number:04}",
            productId="sku-1",
            method="POST",
            path="/events",
            latencyMs=number,
            statusCode=202,
        )
        for step in range(steps)
    ]


@pytest.fixture
def sessions(stream: StandIn, logs: Any) -> StandIn:
    """Four sessions, of one to four steps, each event twice."""
    for number in range(1, 5):
        for _ in range(2):
            put(logs, events(*session(number, number), at=now_ms() - 60_000))
    heartbeat = {"eventId": event_id(900), "logCategory": "clickspool", "pending": 0}
    put(logs, events(json.dumps(heartbeat)))
    return stream


# The files


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_obeys_the_rules_and_counts_no_copy(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("# ")
    query = Query(text)
    if query.stats:
        assert "count_distinct(" in text or "| stats max(" in text
        assert "dedup" not in text
    else:
        once = "orderId" if path.stem == "revenue" else "eventId"
        assert text.splitlines()[-1] == f"| dedup {once}"
    assert path.stem in (FOLDER / "README.md").read_text()


def test_what_is_built_in_is_what_the_files_say(site: Site) -> None:
    listed = [json.loads(row) for row in run(site, "--json").splitlines()]
    assert {row["name"] for row in listed} == {path.stem for path in QUERIES}
    for path in QUERIES:
        assert run(site, path.stem, "--print") == path.read_text()
    abouts = {row["name"]: row["about"] for row in listed}
    assert abouts["funnel"] == (FOLDER / "funnel.query").read_text().split("\n")[0][2:]
    assert max(map(len, run(site).splitlines())) <= 80


# What they count


def test_the_funnel_counts_sessions_and_no_copy(site: Site, sessions: StandIn) -> None:
    assert rows(site, "funnel") == [
        {"eventName": step, "sessions": str(4 - at), "events": str(4 - at)}
        for at, step in enumerate(STEPS)
    ]


def test_the_conversion_is_of_sessions(site: Site, sessions: StandIn) -> None:
    assert rows(site, "conversion") == [
        {"sessions": "4", "orders": "1", "percent": "25"}
    ]


def test_products_are_counted(site: Site, sessions: StandIn) -> None:
    told = rows(site, "top-products", "--limit", "2")
    assert told == [
        {"productId": "sku-1", "eventName": step, "events": n, "sessions": n}
        for step, n in (("page_view", "4"), ("product_view", "3"))
    ]


def test_an_order_is_one_row_however_often_it_came(
    site: Site, stream: StandIn, logs: Any
) -> None:
    """As a copy, and as another event of a page that was loaded again."""
    done = {"eventName": "checkout_complete", "currency": "EUR"}
    first = message(1, orderId="o-1", value=9.5, **done)
    again = message(2, orderId="o-1", value=9.5, **done)
    other = message(3, orderId="o-2", value=20, **done)
    begun = message(4, orderId="o-3", value=7, eventName="checkout_start")
    at = now_ms() - 60_000
    put(logs, events(first, first, again, other, begun, message(5, **done), at=at))
    told = sorted((row["orderId"], row["value"]) for row in rows(site, "revenue"))
    assert told == [("o-1", "9.5"), ("o-2", "20")]


def test_latency_is_of_entries_and_no_copy(site: Site, sessions: StandIn) -> None:
    (row,) = rows(site, "latency")
    assert row == {
        "method": "POST",
        "path": "/events",
        "entries": "10",
        "p50": "3",
        "p95": "4",
        "p99": "4",
        "most": "4",
    }


def test_errors_and_refused_tokens_are_listed_once(
    site: Site, stream: StandIn, logs: Any
) -> None:
    at = now_ms() - 60_000
    refused = message(
        1, logCategory="auth", action="token", outcome="failure", reason="expired"
    )
    fine = message(2, logCategory="auth", action="token", outcome="success")
    broken = message(3, logCategory="crud", action="order.add", statusCode=500)
    for _ in range(2):
        put(logs, events(refused, fine, broken, at=at))
    put(logs, events(message(4, logCategory="crud", statusCode=404), at=at + 1000))
    assert [row["eventId"] for row in rows(site, "errors")] == [
        event_id(number) for number in (4, 1, 3)
    ]
    (row,) = rows(site, "auth-failures")
    assert (row["eventId"], row["reason"]) == (event_id(1), "expired")
    assert "@ptr" not in row


def test_the_window_is_honoured(site: Site, stream: StandIn, logs: Any) -> None:
    now = now_ms()
    for hours in (5, 3, 0):
        put(logs, events(*session(hours + 1, 1), at=now - hours * 3_600_000 - 1000))
    assert rows(site, "funnel")[0]["sessions"] == "1"
    assert rows(site, "funnel", "--since", "4h")[0]["sessions"] == "2"
    assert rows(site, "funnel", "--since", "6h", "--until", "2h")[0]["sessions"] == "2"


# How they are run


def test_the_table_has_a_head_and_one_line_a_row(site: Site, sessions: StandIn) -> None:
    lines = run(site, "funnel").splitlines()
    assert lines[0].split() == ["eventName", "sessions", "events"]
    assert [line.split() for line in lines[1:]] == [
        [step, str(4 - at), str(4 - at)] for at, step in enumerate(STEPS)
    ]
    assert len({len(line) for line in lines}) == 1
    assert "\x1b" not in "".join(lines)


def test_nothing_in_a_row_reaches_the_terminal(
    site: Site, stream: StandIn, logs: Any
) -> None:
    bad = message(1, logCategory="auth", outcome="failure", reason="\x1b[2J\u202e")
    put(logs, events(bad))
    assert "\x1b" not in run(site, "auth-failures")
    assert rows(site, "auth-failures")[0]["reason"] == "\x1b[2J\u202e"


def test_every_page_is_read(site: Site, stream: StandIn, logs: Any) -> None:
    failures = [message(n, outcome="failure") for n in range(2500)]
    put(logs, events(*failures))
    told = rows(site, "errors", "--limit", "2200")
    assert len({row["eventId"] for row in told}) == 2200
    assert len(rows(site, "errors")) == 1000


def test_a_query_that_runs_long_is_waited_for(site: Site, sessions: StandIn) -> None:
    sessions.service.queries.states = ["Scheduled", "Running", "Unknown", "Running"]
    sessions.play(Fault("throttle", at={2}, operation="GetQueryResults"))
    assert len(rows(site, "funnel")) == 4


@pytest.mark.parametrize("end", ["Failed", "Timeout", "Cancelled"])
def test_a_query_that_fails_is_exit_3(site: Site, sessions: StandIn, end: str) -> None:
    sessions.service.queries.end = end
    done = site.ctl("insights", "funnel")
    assert (done.returncode, done.stdout) == (UNREACHABLE, "")
    assert end in done.stderr


def test_a_group_that_is_not_there_is_exit_3(site: Site) -> None:
    done = site.ctl("insights", "funnel")
    assert done.returncode == UNREACHABLE
    assert LOG_GROUP in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_stops_the_query_there_too(
    site: Site, sessions: StandIn, number: signal.Signals
) -> None:
    queries = sessions.service.queries
    queries.end = "Running"
    site.write_config()
    program = site.build / "shipper" / "clickspoolctl"
    process = subprocess.Popen(
        [program, "--config", site.conf, "insights", "funnel"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=site.environment(),
    )
    sessions.wait(lambda: len(sessions.calls("GetQueryResults")) > 1)
    process.send_signal(number)
    _, complaint = process.communicate(timeout=10)
    assert process.returncode == -number
    assert b"stopped" in complaint
    assert len(queries.stopped) == 1


def test_a_terminal_sees_that_it_runs(site: Site, sessions: StandIn) -> None:
    site.write_config()
    leader, follower = pty.openpty()
    program = site.build / "shipper" / "clickspoolctl"
    with subprocess.Popen(
        [program, "--config", site.conf, "insights", "funnel"],
        stdout=follower,
        stderr=follower,
        env=site.environment() | {"TERM": "xterm"},
    ) as process:
        os.close(follower)
        shown = b""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                shown += os.read(leader, 4096)
            except OSError:  # its other end is closed
                break
        os.close(leader)
    assert process.returncode == OK
    assert b"waiting for its turn" in shown
    assert b"running" in shown
    assert b"21 entries matched" in shown


@pytest.mark.parametrize(
    "args",
    [
        ("funel",),
        ("funnel", "errors"),
        ("--print",),
        ("funnel", "--limit", "0"),
        ("funnel", "--limit", "10001"),
        ("funnel", "--since", "tomorrow"),
    ],
)
def test_a_wrong_command_line_is_exit_2(site: Site, args: tuple[str, ...]) -> None:
    run(site, *args, code=USAGE)
    assert 'did you mean "funnel"?' in site.ctl("insights", "funel").stderr
