"""Which pages may send events, and what a browser is told of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ask import check_problem, count, event, post_bytes, taken
from support.daemons import MakeSite, Site
from support.http import RawClient, Response, request, request_bytes

SHOP, OTHER = "https://shop.example", "http://localhost:3000"
EXPOSED = "Retry-After, X-Request-Id"
ALLOWED = {"authorization", "content-type", "content-encoding", "x-request-id"}
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}
LOOK_ALIKES = [
    "null",
    "",
    "https://shop.example.evil.example",
    "https://evilshop.example",
    "https://evil.example/https://shop.example",
    "https://evil.example?https://shop.example",
    "https://shop.example@evil.example",
    "https://shop.example:443",
    "https://shop.example:8443",
    "https://shop.example/",
    "https://shop.example.",
    "https://SHOP.example",
    "https://shop_example",
    "https://sub.shop.example",
    "https://shop.exampl",
    "http://shop.example",
    "HTTPS://shop.example",
    "https:shop.example",
    "shop.example",
    "https://shop.example https://evil.example",
    "https://shop.example, https://evil.example",
    "https://shop.ex\u00e4mple",
    "http://localhost",
    "http://localhost:30000",
    "file://",
    "*",
]


@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    with Site(build, {"cors": {"origins": f"{SHOP}  {OTHER}"}}) as site:
        site.ingest.start()
        yield site


def ask(site: Site, method: str, path: str, **headers: str) -> Response:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    with RawClient(site.ingest.port) as client:
        client.send(request_bytes(method, path, headers={"Host": "in.test"} | fields))
        return client.read(head_only=method == "HEAD")


def check_cors(answer: Response, origin: str) -> None:
    """What every answer to an allowed origin has."""
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-expose-headers"] == EXPOSED
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


def no_cors(answer: Response) -> bool:
    return not any(name.startswith("access-control-") for name in answer.headers)


@pytest.mark.parametrize("origin", [SHOP, OTHER])
def test_an_allowed_origin_may_send(shop: Site, origin: str) -> None:
    answer = shop.ingest.post(event(), {"Origin": origin})
    taken(answer)
    check_cors(answer, origin)


@pytest.mark.parametrize("origin", [SHOP, OTHER])
def test_a_refusal_can_be_read_by_the_page(shop: Site, origin: str) -> None:
    port, headers = shop.ingest.port, {"Origin": origin}
    text = headers | {"Content-Type": "text/html"}
    token = headers | {"Authorization": "Bearer a.b.c"}
    for answer, status, code in (
        (shop.ingest.post(event(a=1), headers), 400, "invalid_event"),
        (shop.ingest.post(b"{", headers), 400, "invalid_json"),
        (shop.ingest.post(event(), token), 401, "invalid_token"),
        (request(port, "GET", "/nothing", headers=headers), 404, "not_found"),
        (request(port, "GET", "/events", headers=headers), 405, "method_not_allowed"),
        (shop.ingest.post(b" " * 262145, headers), 413, "body_too_large"),
        (shop.ingest.post(event(), text), 415, "unsupported_media_type"),
    ):
        check_problem(answer, status, code)
        check_cors(answer, origin)


@pytest.mark.parametrize("origin", LOOK_ALIKES)
def test_another_origin_is_refused_and_told_nothing(shop: Site, origin: str) -> None:
    before = count(shop)
    sent = post_bytes(Origin=origin.encode().decode("latin-1"), Host="in.test")
    with RawClient(shop.ingest.port) as client:
        client.send(sent)
        answer = client.read()
    check_problem(answer, 403, "origin_not_allowed")
    assert no_cors(answer)
    assert answer.headers["vary"] == "Origin"
    assert count(shop) == before


def test_a_request_without_an_origin_is_taken(shop: Site) -> None:
    answer = shop.ingest.post(event())
    taken(answer)
    assert no_cors(answer)
    assert answer.headers["vary"] == "Origin"  # a cache may have both


# The same origin


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://www.example", "www.example"),
        ("http://www.example:8080", "www.example:8080"),
        ("https://www.example", "WWW.Example"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_the_hosts_own_pages_may_send(shop: Site, origin: str, host: str) -> None:
    with RawClient(shop.ingest.port) as client:
        client.send(post_bytes(Origin=origin, Host=host))
        answer = client.read()
    taken(answer)
    assert no_cors(answer)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://www.example", "www.example:8080"),
        ("https://www.example:8080", "www.example"),
        ("https://www.example.evil.example", "www.example"),
        ("https://evil.example://www.example", "www.example"),
        ("https://evil@www.example", "www.example"),
        ("www.example", "www.example"),
        ("://", "www.example"),
        ("https://", "www.example"),
    ],
)
def test_another_hosts_pages_may_not(shop: Site, origin: str, host: str) -> None:
    with RawClient(shop.ingest.port) as client:
        client.send(post_bytes(Origin=origin, Host=host))
        check_problem(client.read(), 403, "origin_not_allowed")


def test_a_trusted_proxy_names_the_host(shop: Site, make_site: MakeSite) -> None:
    sent = {"Origin": "https://www.example", "X-Forwarded-Host": "www.example"}
    taken(shop.ingest.post(event(), sent))
    check_problem(
        shop.ingest.post(event(), sent | {"X-Forwarded-Host": "a.example"}),
        403,
        "origin_not_allowed",
    )
    untrusting = make_site(
        {"cors": {"origins": SHOP}, "http": {"trusted_proxies": "192.0.2.1/32"}}
    )
    untrusting.ingest.start()
    answer = untrusting.ingest.post(event(), sent)
    check_problem(answer, 403, "origin_not_allowed")


@pytest.mark.parametrize("site", ["same-origin", "same-site", "cross-site", "none"])
def test_a_browser_says_that_it_is_the_same_origin(shop: Site, site: str) -> None:
    headers = {"Origin": "https://behind-a-proxy.example", "Sec-Fetch-Site": site}
    answer = shop.ingest.post(event(), headers)
    if site == "same-origin":
        taken(answer)
    else:
        check_problem(answer, 403, "origin_not_allowed")
    assert no_cors(answer)


# Preflights


@pytest.mark.parametrize("origin", [SHOP, OTHER])
def test_a_preflight_is_answered(shop: Site, origin: str) -> None:
    answer = ask(shop, "OPTIONS", "/events", Origin=origin, **PREFLIGHT)
    assert (answer.status, answer.body) == (204, b"")
    check_cors(answer, origin)
    assert answer.headers["access-control-allow-methods"] == "POST"
    allowed = answer.headers["access-control-allow-headers"]
    assert set(allowed.lower().split(", ")) == ALLOWED
    assert answer.headers["access-control-max-age"] == "7200"
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("origin", LOOK_ALIKES[:4])
def test_a_preflight_of_another_origin_is_refused(shop: Site, origin: str) -> None:
    answer = ask(shop, "OPTIONS", "/events", Origin=origin, **PREFLIGHT)
    check_problem(answer, 403, "origin_not_allowed")
    assert no_cors(answer)


def test_preflights_and_posts_share_a_connection(shop: Site) -> None:
    preflight = request_bytes("OPTIONS", "/events", headers={"Origin": SHOP})
    with RawClient(shop.ingest.port) as client:
        for _ in range(3):
            client.send(preflight + post_bytes(Origin=SHOP))
            assert client.read().status == 204
            taken(client.read())
        assert client.is_open()


def test_options_without_an_origin_tells_the_methods(shop: Site) -> None:
    answer = ask(shop, "OPTIONS", "/events")
    assert (answer.status, answer.headers["allow"]) == (204, "POST, OPTIONS")
    assert no_cors(answer)
    answer = ask(shop, "OPTIONS", "/nothing", Origin=SHOP)
    check_problem(answer, 404, "not_found")


# Other settings


def test_any_origin_where_the_list_says_so(make_site: MakeSite) -> None:
    site = make_site({"cors": {"origins": "*"}})
    site.ingest.start()
    for origin in ("https://evil.example", "null"):
        answer = site.ingest.post(event(), {"Origin": origin})
        taken(answer)
        check_cors(answer, "*")
        check_cors(ask(site, "OPTIONS", "/events", Origin=origin, **PREFLIGHT), "*")


def test_without_a_list_nothing_is_checked_and_nothing_told(
    make_site: MakeSite,
) -> None:
    site = make_site()
    site.ingest.start()
    answer = site.ingest.post(event(), {"Origin": "https://evil.example"})
    taken(answer)
    assert no_cors(answer) and "vary" not in answer.headers
    answer = ask(site, "OPTIONS", "/events", Origin=SHOP, **PREFLIGHT)
    assert answer.status == 204 and no_cors(answer)


def test_a_reload_changes_the_list(make_site: MakeSite) -> None:
    site = make_site({"cors": {"origins": SHOP}})
    site.ingest.start()
    with RawClient(site.ingest.port) as client:
        client.send(post_bytes(Origin=OTHER, Host="in.test"))
        check_problem(client.read(), 403, "origin_not_allowed")
    site.configure({"cors": {"origins": OTHER}})
    site.write_config()
    site.ingest.hang_up()
    check_cors(site.ingest.post(event(), {"Origin": OTHER}), OTHER)
    answer = site.ingest.post(event(), {"Origin": SHOP})
    check_problem(answer, 403, "origin_not_allowed")
