"""No address has more than its share: of requests, and of connections."""

import contextlib
import time

import pytest
from support.ask import check_problem, event, post_bytes
from support.daemons import MakeSite, Site
from support.http import RawClient, Response, connections_of, request
from support.wait import wait_until

SLOW = {"rate": {"per_ip": 1, "burst": 5}}


def post_as(site: Site, address: str) -> Response:
    return site.ingest.post(event(), {"X-Forwarded-For": address})


def taken_of(site: Site, addresses: list[str]) -> int:
    answers = [post_as(site, address) for address in addresses]
    for answer in answers:
        if answer.status != 202:
            check_problem(answer, 429, "rate_limited")
            assert answer.headers["retry-after"] == "1"
    return sum(answer.status == 202 for answer in answers)


@pytest.fixture
def slow(make_site: MakeSite) -> Site:
    site = make_site(SLOW)
    site.ingest.start()
    return site


def test_a_burst_and_no_more(slow: Site) -> None:
    began = time.monotonic()
    taken = taken_of(slow, ["203.0.113.1"] * 40)
    assert 5 <= taken <= 6 + (time.monotonic() - began)
    assert taken_of(slow, ["203.0.113.2"]) == 1


def test_the_bucket_fills_again(slow: Site) -> None:
    taken_of(slow, ["203.0.113.1"] * 20)
    wait_until(lambda: post_as(slow, "203.0.113.1").status == 202)


def test_a_slash_64_is_one_address(slow: Site) -> None:
    began = time.monotonic()
    taken = taken_of(slow, [f"2001:db8:1:2::{n:x}" for n in range(40)])
    assert 5 <= taken <= 6 + (time.monotonic() - began)
    assert taken_of(slow, ["2001:db8:1:3::1"]) == 1


def test_nobody_is_locked_out_by_many(slow: Site) -> None:
    """More strangers than there is room for in one set, and then some."""
    strangers = [f"10.{n // 250}.{n % 250}.7" for n in range(1500)]
    assert taken_of(slow, strangers) == 1500
    assert taken_of(slow, ["203.0.113.1"] * 5) == 5


def test_what_costs_nothing_is_not_counted(slow: Site) -> None:
    headers = {"X-Forwarded-For": "203.0.113.1"}
    for _ in range(20):
        options = request(slow.ingest.port, "OPTIONS", "/events", b"", headers)
        assert options.status == 204
    assert taken_of(slow, ["203.0.113.1"] * 5) == 5


def test_zero_switches_it_off_and_a_reload_on(make_site: MakeSite) -> None:
    site = make_site()
    site.ingest.start()
    assert taken_of(site, ["203.0.113.1"] * 100) == 100
    site.configure(SLOW)
    site.write_config()
    site.ingest.hang_up()
    assert taken_of(site, ["203.0.113.1"] * 100) < 60


def test_an_address_has_so_many_connections(make_site: MakeSite) -> None:
    """Loopback counts like any other once it is no trusted proxy."""
    site = make_site(
        {"http": {"max_connections_per_ip": 8, "trusted_proxies": "192.0.2.0/24"}}
    )
    site.ingest.start()
    wait_until(lambda: connections_of(site.ingest.port) == 0)
    with contextlib.ExitStack() as stack:
        held = [
            stack.enter_context(RawClient(site.ingest.port)) for _ in range(8)
        ]
        for client in held:
            client.send(post_bytes())
            assert client.read().status == 202
        with RawClient(site.ingest.port) as late:
            check_problem(late.read(), 503, "too_busy")
        held[0].close()
        wait_until(lambda: site.ingest.post(event()).status == 202)


def test_a_proxy_has_as_many_as_it_needs(make_site: MakeSite) -> None:
    site = make_site({"http": {"max_connections_per_ip": 8}})
    site.ingest.start()
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            client = stack.enter_context(RawClient(site.ingest.port))
            client.send(post_bytes())
            assert client.read().status == 202


def test_a_small_body_that_dribbles_is_cut(make_site: MakeSite) -> None:
    site = make_site({"http": {"body_timeout": "60s"}})
    site.ingest.start()
    began = time.monotonic()
    with RawClient(site.ingest.port, timeout=30) as client:
        client.send(post_bytes()[:-20])
        check_problem(client.read(), 408, "request_timeout")
    assert 4 < time.monotonic() - began < 15

