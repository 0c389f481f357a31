"""The ops page and what it asks for: /live, /refused, /entries."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from support.ask import check_problem, event, taken
from support.daemons import MakeSite, Site, uses_asan
from support.http import Response, request
from support.standin import StandIn
from support.wait import wait_until

FILES = {
    "/": "text/html",
    "/ops.css": "text/css",
    "/ops.js": "text/javascript",
    "/ops.svg": "image/svg+xml",
}
FIGURES = ["/live", "/refused", "/entries"]
LOOKED_AT = 384 * 1024  # bytes of the spool, at most
HOSTILE = "<img src=x onerror=alert(1)>"


def get(site: Site, path: str, **headers: str) -> Response:
    return request(
        site.ingest.admin_port, "GET", path, None, {"Host": "localhost"} | headers
    )


def told(site: Site, path: str) -> Any:
    answer = get(site, path)
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def refused(site: Site) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = told(site, "/refused")["refused"]
    return rows


def entries(site: Site, query: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = told(site, f"/entries{query}")["entries"]
    return rows


@pytest.fixture
def shop(site: Site) -> Site:
    site.ingest.start()
    return site


# The page


@pytest.mark.parametrize("path", FILES)
def test_its_files_are_in_the_program(shop: Site, path: str) -> None:
    answer = get(shop, path)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith(FILES[path])
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    for source in ("script", "style", "img", "connect"):
        assert f"{source}-src 'self'" in policy
    assert not re.search(r"unsafe|\*|https?:|data:", " ".join(policy))


def test_it_asks_nobody_else_and_holds_no_script_of_its_own(shop: Site) -> None:
    text = {path: get(shop, path).body.decode() for path in FILES}
    namespace = "http://www.w3.org/2000/svg"
    for path, content in text.items():
        assert not re.search(r"https?://", content.replace(namespace, "")), path
    page = text["/"]
    for target in re.findall(r'(?:href|src)="([^"#]+)"', page):
        assert get(shop, f"/{target}").status in (200, 503), target
    assert not re.search(r"<style|\son\w+=|\sstyle=|javascript:", page)
    assert re.findall(r"<script[^>]*>", page) == ['<script src="ops.js" defer>']
    markup = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\("
    assert not re.search(markup, text["/ops.js"])


def test_head_is_answered_too(shop: Site) -> None:
    headers = {"Host": "localhost"}
    answer = request(shop.ingest.admin_port, "HEAD", "/", None, headers)
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("path", [*FILES, *FIGURES])
def test_it_is_on_the_admin_address_and_for_no_other_host(
    shop: Site, path: str
) -> None:
    check_problem(get(shop, path, Host="evil.example"), 403, "forbidden")
    check_problem(get(shop, path, Host="localhost.evil.example"), 403, "forbidden")
    assert get(shop, path, Host="127.0.0.1:9180").status == 200
    assert get(shop, path, Host="[::1]:9180").status == 200
    assert request(shop.ingest.port, "GET", path).status == 404


@pytest.mark.parametrize("path", FIGURES)
def test_figures_are_no_other_pages_to_read(shop: Site, path: str) -> None:
    answer = get(shop, path, Origin="https://evil.example")
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert not any(name.startswith("access-control") for name in answer.headers)


# Refusals


def test_a_refusal_is_told_without_values(shop: Site) -> None:
    bad = event(
        urlPath="/shoes/7?token=hush#hush",
        price="hush",
        clientId="hush-hush",
        productId="hush",
    )
    answer = shop.ingest.post([event(), bad])
    item = answer.json()["rejected"][0]
    row = refused(shop)[0]
    assert (row["event"], row["path"]) == ("page_view", "/shoes/7")
    assert (row["code"], row["pointer"]) == ("wrong_type", "/price")
    assert row["detail"] == item["detail"]
    assert row["requestId"] == answer.headers["x-request-id"]
    assert (row["route"], row["times"]) == ("/events", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["at"])
    assert b"hush" not in get(shop, "/refused").body


def test_whole_requests_are_refusals_too(make_site: MakeSite) -> None:
    site = make_site({"cors": {"origins": "https://shop.example"}})
    site.ingest.start()
    post = site.ingest.post
    assert post(event(), {"Authorization": "Bearer hush.hush.hush"}).status == 401
    assert post(event(), {"Origin": "https://hush.example"}).status == 403
    assert post(event(), {"Content-Type": "image/hush"}).status == 415
    assert post(b'[{"eventName": "hush"').status == 400
    request(site.ingest.port, "GET", "/hush")
    request(site.ingest.port, "PUT", "/events")
    get(site, "/hush")
    rows = refused(site)
    assert [row["code"] for row in rows] == [
        "invalid_json",
        "unsupported_media_type",
        "origin_not_allowed",
        "invalid_token",
    ]
    assert b"hush" not in get(site, "/refused").body


@pytest.mark.parametrize("body", [b"{", b'{"eventName":"page_view"}', b"\xff"])
def test_one_event_that_is_refused_is_one_refusal(shop: Site, body: bytes) -> None:
    assert shop.ingest.post(body).status == 400
    assert len(refused(shop)) == 1


def test_the_last_200_are_kept(shop: Site) -> None:
    for number in range(5):
        bad = [{**event(), "eventName": f"no_{number}_{i}"} for i in range(50)]
        shop.ingest.post(bad)
    answer = told(shop, "/refused")
    assert answer["total"] == 250
    names = [row["event"] for row in answer["refused"]]
    assert len(names) == 200
    assert (names[0], names[-1]) == ("no_4_49", "no_1_0")
    assert [row["number"] for row in answer["refused"]] == [*range(249, 49, -1)]


def test_what_is_kept_of_a_name_has_a_bound(shop: Site) -> None:
    long = event(eventName="é" * 4000, urlPath="/" + "\u202e" * 2000)
    shop.ingest.post([long | {"x" * 60: 1}] * 300)
    answer = get(shop, "/refused")
    assert len(answer.body) < 400_000
    row = answer.json()["refused"][0]
    assert row["event"] is None or len(row["event"]) <= 64
    body = b'{"eventName":"' + b"e" * 4000 + b'","urlPath":"/' + b"p" * 2000 + b'"}'
    shop.ingest.post(body)
    row = refused(shop)[0]
    assert (len(row["event"]), len(row["path"])) == (64, 160)


def test_a_flood_of_429_is_one_refusal(make_site: MakeSite) -> None:
    site = make_site({"rate": {"per_ip": 1, "burst": 20}})
    site.ingest.start()
    site.ingest.post({**event(), "eventName": "no_such"})
    answers = [site.ingest.post(event()) for _ in range(60)]
    limited = [answer for answer in answers if answer.status == 429]
    rows = refused(site)
    assert [row["code"] for row in rows] == ["rate_limited", "unknown_event"]
    assert rows[0]["times"] == len(limited) > 30
    assert rows[0]["requestId"] == limited[-1].headers["x-request-id"]


# Entries


def test_the_newest_entry_comes_first(shop: Site) -> None:
    ids = [taken(shop.ingest.post(event()))["eventIds"][0] for _ in range(60)]
    rows = entries(shop)
    assert [row["eventId"] for row in rows] == ids[:-51:-1]
    assert [row["eventId"] for row in entries(shop, "?n=3")] == ids[:-4:-1]
    answer = told(shop, "/entries?n=200")
    assert (answer["looked"], answer["whole"]) == (60, True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("event=product_view", ["d", "b"]),
        ("client=client-bbbb", ["c", "b"]),
        ("client=client-bbbb&event=product_view", ["b"]),
        ("session=session-dddd&category=business", ["d"]),
        ("category=auth", []),
        ("event=&client=&n=1", ["d"]),
        ("event=product%5Fview", ["d", "b"]),
        ("client=client", []),
        ("client=" + quote('"page_view"'), []),
    ],
)
def test_filters_take_what_agrees_with_all(
    shop: Site, query: str, found: list[str]
) -> None:
    rows = [
        ("a", "page_view", "client-aaaa"),
        ("b", "product_view", "client-bbbb"),
        ("c", "page_view", "client-bbbb"),
        ("d", "product_view", "client-dddd"),
    ]
    for name, kind, client in rows:
        fields = {"eventName": kind, "clientId": client, "productId": name}
        taken(shop.ingest.post(event(**fields, sessionId="session-" + 4 * name)))
    assert [row["productId"] for row in entries(shop, f"?{query}")] == found


def test_entries_of_the_segments_before_are_found(shop: Site) -> None:
    ids = []
    for _ in range(3):
        ids += taken(shop.ingest.post([event(), event()]), 2)["eventIds"]
        shop.ingest.restart()
    answer = told(shop, "/entries?n=5")
    assert [row["eventId"] for row in answer["entries"]] == ids[:0:-1]
    assert told(shop, "/entries")["whole"] is True


def test_the_look_back_has_a_bound(shop: Site) -> None:
    first = event(clientId="client-first", title="x" * 2000)
    taken(shop.ingest.post(first))
    for _ in range(4):
        taken(shop.ingest.post([event(title="x" * 2000)] * 100), 100)
    answer = told(shop, "/entries?client=client-first")
    assert answer["entries"] == []
    assert answer["whole"] is False
    assert 2000 * answer["looked"] < LOOKED_AT
    assert answer["looked"] > 100
    assert len(get(shop, "/entries?n=200").body) < LOOKED_AT + 1000


@pytest.mark.parametrize(
    "query",
    ["n=0", "n=201", "n=-1", "n=x", "n=", "client=%zz", "client=%4", "colour=red"]
    + ["event=" + "e" * 129, "event=" + "%F0%9D%90%93" * 129, "event=" + "%80" * 513]
    + ["n=99999999999999999999999"],
)
def test_an_odd_question_is_400(shop: Site, query: str) -> None:
    check_problem(get(shop, f"/entries?{query}"), 400, "invalid_request")


@pytest.mark.parametrize("character", ["e", "%C3%A4", "%F0%9D%90%93"])
def test_a_filter_may_have_128_characters(shop: Site, character: str) -> None:
    assert get(shop, "/entries?event=" + character * 128).status == 200


def test_a_value_stays_what_it_is(shop: Site) -> None:
    taken(shop.ingest.post(event(title=HOSTILE + '"\\</script>')))
    assert entries(shop)[0]["title"] == HOSTILE + '"\\</script>'


# Figures


def live_of(site: Site, name: str) -> dict[str, Any]:
    return next(row for row in told(site, "/live")["events"] if row["event"] == name)


def test_events_show_in_the_seconds_they_came(shop: Site) -> None:
    shop.ingest.post([event(), event(), {**event(), "eventName": "no_such"}])
    known = taken(shop.ingest.post(event()))["eventIds"][0]
    shop.ingest.post(event(eventId=known))

    def seconds(name: str) -> int:
        row = told(shop, "/live")["seconds"][name]
        assert len(row) <= 120
        return sum(row)

    wait_until(lambda: seconds("accepted") == 3)
    assert (seconds("refused"), seconds("duplicates")) == (1, 1)
    assert told(shop, "/live")["refused"] == [{"code": "unknown_event", "count": 1}]


def test_the_funnel_counts_events_and_estimates_sessions(shop: Site) -> None:
    steps = {"page_view": 900, "product_view": 300, "add_to_cart": 6}
    for name, count in steps.items():
        events = [
            event(eventName=name, sessionId=f"session-{i:06}", productId="p")
            for i in range(count)
        ]
        for at in range(0, count, 450):
            part = events[at : at + 450]
            taken(shop.ingest.post(part), len(part))
            taken(shop.ingest.post(part), len(part))
    for name, count in steps.items():
        row = live_of(shop, name)
        assert row["accepted"] == 2 * count
        assert abs(row["sessions"] - count) <= max(1, 0.15 * count)
    assert live_of(shop, "checkout_start")["sessions"] == 0


def test_latencies_show_after_ten_seconds(shop: Site) -> None:
    shop.ingest.post(event())

    def count(name: str) -> int:
        row = told(shop, "/live")[name]
        assert len(row["count"]) == len(row["p50Us"]) == len(row["p99Us"]) < 360
        return sum(number or 0 for number in row["count"])

    wait_until(lambda: min(count("commits"), count("requests")) > 0, timeout=25)
    row = told(shop, "/live")["requests"]
    at = next(i for i, number in enumerate(row["count"]) if number)
    assert 0 < row["p50Us"][at] <= row["p99Us"][at] < 10_000_000


def test_strangers_make_nothing_grow(shop: Site) -> None:
    def flood(number: int) -> None:
        for at in range(20):
            events = [
                event(
                    eventName=f"no_{number}_{at}_{i}" if i % 2 else "page_view",
                    sessionId=f"session-{number}-{at}-{i}",
                    clientId=f"client-{number}-{at}-{i}",
                )
                for i in range(500)
            ]
            shop.ingest.post(events)

    def size() -> int:
        return sum(len(get(shop, path).body) for path in ("/live", "/refused"))

    def peak() -> int:
        shop.ingest.meter.sample()
        return shop.ingest.meter.peak_rss

    flood(0)
    before = size(), peak()
    flood(1)
    assert size() < before[0] * 1.1
    if not uses_asan(shop.ingest.program):  # whose own memory is counted too
        assert peak() < before[1] + 2 * 1024 * 1024


def test_cost_is_of_what_shipper_told(shop: Site, cloud: StandIn) -> None:
    shop.configure({"shipper": {"price_per_gib": "0.76"}})
    shop.ingest.restart()
    shop.shipper.start()
    taken(shop.ingest.post(event()))

    def ingested() -> int:
        ingested = (told(shop, "/status")["shipper"] or {}).get("ingested", {})
        return int(ingested.get("bytes", 0) + ingested.get("dayBefore", 0))

    wait_until(lambda: ingested() > 0)
    assert told(shop, "/live")["pricePerGib"] == 0.76
