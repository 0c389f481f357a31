"""eventTimestamp: what is a time, what becomes of it, and what is none; and
User-Agent, the other text that comes from anyone."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ask import check_problem, event, post_bytes, spooled, taken
from support.client import now_ms
from support.daemons import Site
from support.http import RawClient
from support.spool import Entry

DAY = 24 * 60 * 60 * 1000


@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    with Site(build) as site:
        site.ingest.start()
        yield site


def stored(shop: Site, sent: Any) -> Entry:
    return spooled(shop, taken(shop.ingest.post(sent)))[0]


def iso(ms: int) -> str:
    second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000))
    return f"{second}.{ms % 1000:03}Z"


TIMES: dict[str | int, str] = {
    "2026-01-02T03:04:05.678999999Z": "2026-01-02T03:04:05.678Z",
    "2026-01-01T20:04:05.123-07:30": "2026-01-02T03:34:05.123Z",
    "2026-01-02T03:04:05+00:00": "2026-01-02T03:04:05.000Z",
    "2026-01-02T03:04:05-00:00": "2026-01-02T03:04:05.000Z",
    "2026-01-01T00:00:00+23:59": "2025-12-31T00:01:00.000Z",
    "2024-02-29T23:59:59Z": "2024-02-29T23:59:59.000Z",
    "2000-02-29T00:00:00Z": "2000-02-29T00:00:00.000Z",
    "2016-12-31T23:59:60Z": "2017-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z": "1969-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59.999Z": "9999-12-31T23:59:59.999Z",
    1: "1970-01-01T00:00:00.001Z",
    253402300799999: "9999-12-31T23:59:59.999Z",
}


@pytest.mark.parametrize("given", TIMES)
def test_times_become_utc_with_milliseconds(shop: Site, given: str | int) -> None:
    obj = stored(shop, event(eventTimestamp=given)).obj
    assert obj["eventTimestamp"] == TIMES[given]
    assert obj["clockSkewed"] is True  # none of them is today


NO_TIMES: dict[Any, str] = {
    "": "bad_format",
    "2026-01-02": "bad_format",
    "2026-01-02T03:04Z": "bad_format",
    "2026-01-02 03:04:05Z": "bad_format",
    "2026-01-02T03:04:05.Z": "bad_format",
    "2026-01-02T03:04:05,5Z": "bad_format",
    "2026-01-02T03:04:05+0700": "bad_format",
    "2026-01-02T03:04:05+24:00": "bad_format",
    "2026-01-02T03:04:05+07": "bad_format",
    "2026-01-02T24:00:00Z": "bad_format",
    "2026-02-29T00:00:00Z": "bad_format",
    "1900-02-29T00:00:00Z": "bad_format",
    "2026-00-01T00:00:00Z": "bad_format",
    "2026-01-00T00:00:00Z": "bad_format",
    "2026-13-01T00:00:00Z": "bad_format",
    "10000-01-01T00:00:00Z": "bad_format",
    " 2026-01-02T03:04:05Z": "bad_format",
    "2026-01-02T03:04:05Z ": "bad_format",
    "+2026-01-02T03:04:05Z": "bad_format",
    "1767323045678": "bad_format",
    1.5: "out_of_range",
    253402300800000: "out_of_range",
    2**63: "out_of_range",
    10**40: "out_of_range",
    False: "wrong_type",
}


def fault(shop: Site, sent: Any) -> tuple[str, str]:
    problem = check_problem(shop.ingest.post(sent), 400, "invalid_event")
    return problem["errors"][0]["pointer"], problem["errors"][0]["code"]


@pytest.mark.parametrize("given", NO_TIMES)
def test_what_is_no_time_is_refused(shop: Site, given: Any) -> None:
    sent = event(eventTimestamp=given)
    assert fault(shop, sent) == ("/eventTimestamp", NO_TIMES[given])


@pytest.mark.parametrize("value", ['"2026-01-02T03:04:05\\u005a"', "[]", "{}"])
def test_a_time_is_plain_text_or_a_number(shop: Site, value: str) -> None:
    head = '{"eventName":"page_view","clientId":"client-0001","sessionId":"session-1"'
    pointer, code = fault(shop, f'{head},"eventTimestamp":{value}}}'.encode())
    assert pointer == "/eventTimestamp"
    assert code == ("bad_format" if value[0] == '"' else "wrong_type")


@pytest.mark.parametrize(
    ("off", "skewed"),
    [(0, False), (60_000 - DAY, False), (DAY - 60_000, False)]
    + [(-DAY - 1, True), (DAY + 60_000, True)],
)
def test_a_clock_that_is_a_day_off_is_told(shop: Site, off: int, skewed: bool) -> None:
    ms = now_ms() + off
    for given in (ms, iso(ms)):
        obj = stored(shop, event(eventTimestamp=given)).obj
        assert obj["eventTimestamp"] == iso(ms)
        assert obj.get("clockSkewed", False) is skewed


def test_an_event_without_a_time_has_the_receive_time(shop: Site) -> None:
    before = now_ms()
    entry = stored(shop, event())
    told = entry.obj["eventTimestamp"]
    assert iso(before) <= told <= iso(entry.ts)
    assert "clockSkewed" not in entry.obj


AGENTS = {
    b"": None,
    b'a"b\\c': 'a"b\\c',
    b"a\tb": "a\tb",
    b"</script>": "</script>",
    "日本 é 😀".encode(): "日本 é 😀",
    "\u202eevil\u2028".encode(): "\u202eevil\u2028",
    b"caf\xe9": "caf\ufffd",
    b"\x80\xff": "\ufffd\ufffd",
    b"a" * 512: "a" * 512,
    b"a" * 8000: "a" * 512,
}


@pytest.mark.parametrize("agent", AGENTS)
def test_any_user_agent_makes_a_good_entry(shop: Site, agent: bytes) -> None:
    sent = post_bytes().replace(b"\r\n", b"\r\nUser-Agent: " + agent + b"\r\n", 1)
    with RawClient(shop.ingest.port) as client:
        client.send(sent)
        entry = spooled(shop, taken(client.read()))[0]
    assert entry.obj.get("userAgent") == AGENTS[agent]
    assert "\u2028".encode() not in entry.line
