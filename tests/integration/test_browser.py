"""The tracker in Chromium and Firefox, against the real daemons: what a page
tracks arrives in CloudWatch, once, whatever becomes of the page."""

import statistics
import time
from pathlib import Path

import pytest
from support import certs
from support.browser import Browser
from support.browsing import (
    Open,
    arrive,
    aws,
    browser,
    front,
    key,
    new_tag,
    shipped,
    shop,
    site,
    strict,
    view,
    visit,
)
from support.daemons import Site
from support.shopfront import Fault, Shopfront
from support.standin import StandIn
from support.tokens import Key, token
from support.wait import wait_until

# What leaves with its page


def test_more_than_the_keepalive_quota_leaves_all_the_same(
    visit: Open, aws: StandIn
) -> None:
    page, tag = visit(), new_tag()
    page.evaluate(
        f"""for (let n = 0; n < 8; n++) {{
            const props = Object.fromEntries([...Array(20)].map((_, i) => ['p' + i, 'x'.repeat(600)]));
            tracker.productView({{ productId: '{tag}-' + n, props }});
        }}"""
    )
    arrive(aws, tag, count=8)


# What fails on its way


def test_what_a_stopped_ingest_missed_comes_with_the_next_page(
    site: Site, visit: Open, shop: Shopfront, browser: Browser, aws: StandIn
) -> None:
    session, tag = browser.new_session(), new_tag()
    page = visit(session=session)
    assert site.ingest.stop() == 0
    page.evaluate(view(tag))
    wait_until(lambda: bool(shop.posts(tag)))
    visit(None, "/other", session)  # a session ends with its last page
    page.close()
    site.ingest.start()
    assert not shipped(aws, tag)
    visit(session=session)
    arrive(aws, tag)


def test_a_slow_answer_costs_no_event_and_makes_none(
    visit: Open, shop: Shopfront, browser: Browser, aws: StandIn
) -> None:
    session, tag = browser.new_session(), new_tag()
    page = visit(session=session)
    shop.slowness = 1.0
    page.evaluate(view(tag))
    page.goto(shop.url + "/other")
    page.evaluate("void start({autoPageView: false})")
    shop.slowness = 0.0
    arrive(aws, tag)
    wait_until(lambda: page.evaluate("tracker.stats().queued") == 0)


def test_retry_after_is_waited_for(visit: Open, shop: Shopfront, aws: StandIn) -> None:
    page, tag = visit(), new_tag()
    shop.faults.append(Fault(503, {"Retry-After": "2"}))
    page.evaluate(view(tag))
    arrive(aws, tag)
    first, second = shop.posts(tag)
    assert 1.9 < second.at - first.at < 4
    assert first.body == second.body


def test_a_retry_after_that_is_a_date_is_not_at_once(
    visit: Open, shop: Shopfront, aws: StandIn
) -> None:
    """As some proxies give it; the tracker's own pause is taken."""
    page, tag = visit(), new_tag()
    page.evaluate("Math.random = () => 0.5")
    shop.faults.append(Fault(503, {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}))
    page.evaluate(view(tag))
    arrive(aws, tag)
    first, second = shop.posts(tag)
    assert 0.9 < second.at - first.at < 3


@pytest.mark.parametrize("status", [0, 503])
def test_nothing_is_tried_for_ever(status: int, visit: Open, shop: Shopfront) -> None:
    page, tag = visit("{autoPageView: false, retries: 1}"), new_tag()
    shop.always = Fault(status)
    page.evaluate(view(tag))
    wait_until(lambda: len(page.evaluate("problems")) == 1, 10)
    assert page.evaluate("problems[0].code") == "undelivered"
    count = len(shop.posts(tag))
    assert count <= (4 if status == 0 else 2)
    page.evaluate(view(new_tag()))
    time.sleep(1)
    assert len(shop.posts(tag)) == count
    shop.always = None
    page.evaluate("tracker.flush()")
    wait_until(lambda: page.evaluate("tracker.stats().queued") == 0)


def test_what_is_refused_is_told_and_not_tried_again(visit: Open, shop: Shopfront) -> None:
    page, tag = visit("{autoPageView: false, debug: true}"), new_tag()
    page.evaluate(f"void tracker.track('product_view', {{productId: '{tag}', price: -1}})")
    wait_until(lambda: len(page.evaluate("problems")) == 1)
    problem = page.evaluate("problems[0]")
    assert (problem["code"], problem["pointer"]) == ("out_of_range", "/price")
    assert problem["detail"] and tag in problem["event"]
    assert any("clickspool" in text for text in page.said())
    assert len(shop.posts(tag)) == 1
    assert page.evaluate("tracker.stats()") == {"sent": 0, "refused": 1, "dropped": 0, "queued": 0}


def test_a_full_queue_drops_its_oldest(visit: Open, shop: Shopfront) -> None:
    page = visit("{autoPageView: false, maxQueue: 2, retries: 0}")
    shop.always = Fault(503)
    tags = [new_tag() for _ in range(3)]
    for tag in tags:
        page.evaluate(view(tag))
    stored = page.evaluate("Object.values(localStorage).join()")
    assert [tag in stored for tag in tags] == [False, True, True]
    assert "too_many" in page.evaluate("problems.map((problem) => problem.code)")


def test_what_is_too_large_or_too_old_is_dropped_and_told(
    visit: Open, shop: Shopfront, browser: Browser
) -> None:
    codes = "problems.map((problem) => problem.code)"
    page, tag = visit(), new_tag()
    page.evaluate(f"void tracker.productView({{productId: '{tag}', title: 'x'.repeat(16384)}})")
    assert page.evaluate(codes) == ["too_large"]
    assert page.evaluate("tracker.stats()") == {"sent": 0, "refused": 0, "dropped": 1, "queued": 0}

    session, options = browser.new_session(), "{autoPageView: false, maxEventAgeMs: 500}"
    shop.always = Fault(503, {"Retry-After": "60"})
    page = visit(options, session=session)
    page.evaluate(view(tag))
    page.goto(shop.url + "/other")
    time.sleep(0.6)
    tries = len(shop.posts(tag))
    assert tries > 0
    page.goto(shop.url)
    page.evaluate(f"void start({options})")
    wait_until(lambda: page.evaluate(codes) == ["too_old"])
    assert tag not in page.evaluate("JSON.stringify(localStorage)")
    assert len(shop.posts(tag)) == tries


def test_what_shall_not_outlive_the_page_is_not_stored(
    visit: Open, shop: Shopfront, browser: Browser
) -> None:
    session, tag = browser.new_session(), new_tag()
    options = "{autoPageView: false, persist: false}"
    shop.always = Fault(503, {"Retry-After": "60"})
    page = visit(options, session=session)
    page.evaluate(view(tag))
    wait_until(lambda: len(shop.posts(tag)) == 1)
    assert page.evaluate("tracker.stats().queued") == 1
    assert tag not in page.evaluate("JSON.stringify(localStorage)")
    assert "clickspool-client" in page.evaluate("Object.keys(localStorage)")


def test_a_tracker_that_is_stopped_sends_nothing(visit: Open, shop: Shopfront, aws: StandIn) -> None:
    page, tag = visit(), new_tag()
    page.evaluate(f"tracker.stop(), {view(f'{tag}-late')}")
    page.evaluate(f"history.pushState(null, '', '/{tag}'), tracker.page(), tracker.flush()")
    time.sleep(0.3)
    assert shop.posts(tag) == []
    page.evaluate("void start({autoPageView: false})")  # and begins anew
    page.evaluate(view(tag))
    arrive(aws, tag)


def test_a_duplicated_tab_is_the_same_visitor_and_sends_once(
    visit: Open, shop: Shopfront, browser: Browser, aws: StandIn
) -> None:
    """Its sessionStorage begins as a copy of the first one's."""
    page, tag = visit("{autoPageView: false, retries: 0}"), new_tag()
    page.evaluate(view(f"{tag}-0"))
    arrive(aws, tag)
    shop.always = Fault(503)
    page.evaluate(view(f"{tag}-1"))
    wait_until(lambda: len(shop.posts(f"{tag}-1")) == 1)
    shop.always = None
    page.evaluate("void (window.twin = open(location.href))")
    wait_until(lambda: page.evaluate("'start' in twin"))
    page.evaluate("void twin.start({autoPageView: false})")
    page.evaluate(f"twin.{view(f'{tag}-2').removeprefix('void ')}")
    page.evaluate("tracker.flush()")
    entries = arrive(aws, tag, count=3)
    assert len({(entry["clientId"], entry["sessionId"]) for entry in entries}) == 1
    page.evaluate("twin.close()")


def test_two_tabs_do_not_send_the_same_queue(
    visit: Open, shop: Shopfront, browser: Browser, aws: StandIn
) -> None:
    session, tag = browser.new_session(), new_tag()
    shop.always = Fault(503, {"Retry-After": "3"})
    first = visit(session=session)
    first.evaluate(view(tag))
    wait_until(lambda: len(shop.posts(tag)) == 1)
    # Hidden, it gives the queue away; so the second opens while it is seen.
    first.evaluate(
        "void document.body.append(Object.assign(document.createElement('iframe'), {src: '/other'}))"
    )
    time.sleep(0.3)
    first.evaluate("void frames[0].start({autoPageView: false})")
    time.sleep(0.5)
    assert len(shop.posts(tag)) == 1
    shop.always = None
    arrive(aws, tag)


# Who it is


def test_a_refused_token_is_renewed_once_and_then_left(
    visit: Open, shop: Shopfront, key: Key, aws: StandIn
) -> None:
    bad, good = token(key, exp=1), token(key, sub="user-2")
    page, tag = visit(None), new_tag()
    page.evaluate(
        f"""void start({{autoPageView: false, getToken: ({{forceRefresh}}) =>
            forceRefresh ? '{good}' : '{bad}'}})"""
    )
    page.evaluate(view(tag))
    (entry,) = arrive(aws, tag)
    assert entry["userId"] == "user-2"
    assert len(shop.posts(tag)) == 2

    page, tag = visit(None), new_tag()
    page.evaluate(f"void start({{autoPageView: false, getToken: async () => '{bad}'}})")
    page.evaluate(view(tag))
    (entry,) = arrive(aws, tag)
    assert entry["userLoginState"] == "guest"
    assert len(shop.posts(tag)) == 2


def test_a_token_is_asked_for_once_and_after_signing_out_again(
    visit: Open, key: Key, aws: StandIn
) -> None:
    page, tag = visit(None), new_tag()
    page.evaluate(
        f"""window.jwt = '{token(key, sub="user-3")}', window.asked = 0,
        void start({{autoPageView: false, getToken: async () => (asked++, jwt)}})"""
    )
    for n in range(3):
        page.evaluate(view(f"{tag}-{n}"))
    arrive(aws, tag, count=3)
    assert page.evaluate("asked") == 1
    before = page.evaluate("tracker.ids()")
    page.evaluate("jwt = null, tracker.signedOut()")
    page.evaluate(view(f"{tag}-3"))
    *_, last = arrive(aws, tag, count=4)
    assert last["userLoginState"] == "guest"
    assert last["clientId"] == before["clientId"]
    assert last["sessionId"] != before["sessionId"]


def test_a_token_is_renewed_a_minute_before_its_end(
    visit: Open, key: Key, aws: StandIn
) -> None:
    page, tag, ends = visit(None), new_tag(), int(time.time()) + 3600
    page.evaluate(
        f"""window.asked = 0,
        void start({{autoPageView: false, getToken: async () => (asked++, '{token(key, exp=ends)}')}})"""
    )
    for before, asked in ((3000, 1), (62, 1), (58, 2)):
        page.evaluate(f"Date.now = () => {ends - before} * 1000, {view(f'{tag}-{before}')}")
        wait_until(lambda: page.evaluate("tracker.stats().queued") == 0)
        assert page.evaluate("asked") == asked, before
    arrive(aws, tag, count=3)


def test_a_token_that_takes_long_is_not_waited_for_by_a_page_that_leaves(
    visit: Open, shop: Shopfront, aws: StandIn
) -> None:
    page, tag = visit("{autoPageView: false, getToken: () => new Promise(() => {})}"), new_tag()
    page.evaluate(view(tag))
    time.sleep(0.3)
    assert not shop.posts(tag)
    page.goto(shop.url + "/other")
    (entry,) = arrive(aws, tag)
    assert entry["userLoginState"] == "guest"


def test_a_proxy_that_drops_the_token_is_told_of_once(
    visit: Open, shop: Shopfront, key: Key, aws: StandIn
) -> None:
    shop.dropped = {"authorization"}
    page, tag = visit(f"{{autoPageView: false, getToken: () => '{token(key)}'}}"), new_tag()
    for n in range(2):
        page.evaluate(view(f"{tag}-{n}"))
    arrive(aws, tag, count=2)
    assert page.evaluate("problems.map((problem) => problem.code)") == ["token_ignored"]

# What the page feels


def test_a_strict_policy_has_nothing_to_complain_of(
    visit: Open, shop: Shopfront, site: Site, aws: StandIn
) -> None:
    across = f"http://127.0.0.1:{site.ingest.port}"
    for at in (shop.url, across):
        shop.page_headers = {
            "Content-Security-Policy": f"default-src 'none'; script-src {at}; connect-src {at}"
        }
        tag = new_tag()
        page = visit(None, f"/bare/{tag}")
        page.evaluate(
            f"""import('{at}/e.js').then(({{createTracker}}) =>
                void (window.tracker = createTracker({{endpoint: '{at}/events'}})))"""
        )
        page.evaluate(view(tag))
        arrive(aws, tag, count=2)
        # Firefox looks for an icon by itself.
        assert [text for text in page.said() if "favicon" not in text] == []


@pytest.mark.parametrize("answers", [True, False], ids=["answered", "unanswered"])
def test_track_takes_less_than_a_millisecond_and_returns_nothing(
    answers: bool, visit: Open, shop: Shopfront
) -> None:
    """On a processor four times as slow, where the browser can play one, and
    in a quarter of the time where it cannot."""
    shop.always = None if answers else Fault(503, {"Retry-After": "60"})
    page, times = visit("{autoPageView: false, debug: false}"), 4
    if page.browser.name == "chromium":
        page.slow(times)
        times = 1
    # Ten at a time: Firefox's clock ticks once a millisecond.
    spent = page.evaluate(
        """(async () => {
            const spent = [];
            for (let ten = 0; ten < 100; ten++) {
                const began = performance.now();
                for (let n = 0; n < 10; n++) {
                    const value = tracker.track('product_view', {productId: 10 * ten + n, name: 'x'.repeat(200)});
                    if (value !== undefined) throw value;
                }
                spent.push((performance.now() - began) / 10);
                await new Promise((next) => setTimeout(next));
            }
            return spent;
        })()"""
    )
    assert len(spent) == 100
    # Other programs run as well: the quarter that they disturbed least.
    assert times * statistics.mean(sorted(spent)[:25]) < 1, sorted(spent)
    assert page.evaluate("tracker.stats().dropped") > 0 or answers


def test_track_never_throws(visit: Open) -> None:
    page = visit("{autoPageView: false, onError: () => { throw 1; }, transform: () => { throw 2; }}")
    page.evaluate("const a = {}; a.props = a; tracker.track('x', a); tracker.track(); tracker.productView(null);")


def test_https_across_origins(
    browser: Browser, build: Path, shop: Shopfront, tmp_path: Path, aws: StandIn
) -> None:
    files = certs.make(tmp_path)
    config = {
        "tls": {"certificate": files.certificate, "key": files.key},
        "cors": {"origins": shop.url},
    }
    tag = new_tag()
    with Site(build, config) as secure:
        secure.aws(aws)
        secure.ingest.start()
        secure.shipper.start()
        url = f"https://127.0.0.1:{secure.ingest.port}"
        page = browser.open().goto(f"{shop.url}/{tag}")
        page.evaluate(
            f"""import('{url}/e.js').then(({{createTracker}}) =>
                void (window.tracker = createTracker({{endpoint: '{url}/events'}})))"""
        )
        page.evaluate(view(tag))
        arrive(aws, tag, count=2)
        assert page.said() == []
        page.close()
