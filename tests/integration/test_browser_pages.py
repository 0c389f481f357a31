"""What the tracker makes of a visit: page views, orders, fields, and who it
says it was."""

import time
from collections import Counter

import pytest
from support.browser import Browser, Page
from support.browsing import (
    Entry,
    Open,
    arrive,
    aws,
    browser,
    front,
    key,
    new_tag,
    shop,
    site,
    strict,
    view,
    visit,
)
from support.shopfront import Fault, Shopfront
from support.standin import StandIn
from support.tokens import Key, token
from support.wait import wait_until

# What is a page view


def paths(entries: list[Entry]) -> list[str]:
    return [entry["urlPath"] for entry in entries if entry["eventName"] == "page_view"]


def steps(page: Page, *codes: str) -> None:
    for code in codes:
        page.evaluate(f"void ({code})")
        time.sleep(0.15)


def test_each_route_is_viewed_once(visit: Open, aws: StandIn) -> None:
    tag = new_tag()
    page = visit("{}", f"/{tag}?a=1")
    steps(
        page,
        f"history.pushState(null, '', '/{tag}/b')",
        f"history.pushState(null, '', '/{tag}/b')",
        f"history.replaceState(null, '', '/{tag}/b#top')",
        f"history.replaceState(null, '', '/{tag}/c')",
        "tracker.page()",
        "history.back()",
    )
    entries = arrive(aws, tag, count=4)
    assert paths(entries) == [f"/{tag}?a=1", f"/{tag}/b", f"/{tag}/c", f"/{tag}/b"]
    assert [entry.get("referrer") for entry in entries[1:]] == paths(entries)[:-1]


def test_a_hash_is_a_route_where_the_shop_says_so(visit: Open, aws: StandIn) -> None:
    tag = new_tag()
    page = visit("{hashRouting: true}", f"/{tag}")
    steps(page, "location.hash = '/cart'", "location.hash = '/pay'", "history.back()")
    entries = arrive(aws, tag, count=4)
    assert paths(entries) == [f"/{tag}", f"/{tag}#/cart", f"/{tag}#/pay", f"/{tag}#/cart"]


def test_a_page_is_seen_before_what_happens_on_it(visit: Open, aws: StandIn) -> None:
    tag = new_tag()
    page = visit("{}", f"/{tag}")
    page.evaluate(f"history.pushState(null, '', '/{tag}/p'), {view(tag)}")
    entries = arrive(aws, tag, count=3)
    at = {(e["eventName"], e["urlPath"]): e["eventTimestamp"] for e in entries}
    first, second, product = (
        at["page_view", f"/{tag}"],
        at["page_view", f"/{tag}/p"],
        at["product_view", f"/{tag}/p"],
    )
    assert first <= second <= product


def test_a_page_that_comes_back_is_viewed_again(visit: Open, aws: StandIn, shop: Shopfront) -> None:
    tag = new_tag()
    page = visit(None, "/other")
    page.initially(
        "addEventListener('load', () => start({}));"
        "addEventListener('pageshow', ({persisted}) => { window.kept = persisted; });"
    )
    page.goto(f"{shop.url}/{tag}")
    arrive(aws, tag)  # what is under way may keep a page out of the cache
    page.goto(f"{shop.url}/other")
    page.leave("history.back()")
    assert paths(arrive(aws, tag, count=2)) == [f"/{tag}"] * 2
    assert page.evaluate("kept") is True


def test_a_page_that_is_prerendered_is_viewed_when_it_is_seen(
    browser: Browser, shop: Shopfront, aws: StandIn
) -> None:
    tag = new_tag()
    page = browser.open()
    page.initially(
        "window.early = true;"
        "Object.defineProperty(document, 'prerendering', {get: () => window.early});"
    )
    page.goto(f"{shop.url}/{tag}")
    page.evaluate("void start({})")
    page.evaluate(view(tag))
    time.sleep(0.3)
    assert shop.posts(tag) == []
    page.evaluate("early = false, document.dispatchEvent(new Event('prerenderingchange'))")
    entries = arrive(aws, tag, count=2)
    assert {entry["eventName"] for entry in entries} == {"page_view", "product_view"}
    page.close()


def test_react_in_strict_mode_counts_nothing_twice(
    browser: Browser, shop: Shopfront, aws: StandIn
) -> None:
    tag = new_tag()
    page = browser.open().goto(f"{shop.url}/p/{tag}")
    page.evaluate(f"void show('{tag}')")
    time.sleep(0.2)
    page.evaluate(f"void show('{tag}-2')")
    time.sleep(0.2)
    page.evaluate("add.click(), add.click()")
    entries = arrive(aws, tag, count=9)
    page.close()
    names = Counter(entry["eventName"] for entry in entries)
    assert names == {"page_view": 2, "product_view": 3, "add_to_cart": 2, "checkout_start": 2}


def test_the_same_twice_in_a_moment_is_once_but_for_the_cart(visit: Open, aws: StandIn) -> None:
    page, tag = visit("{autoPageView: false, dedupeMs: 300}"), new_tag()
    product = f"{{productId: '{tag}'}}"
    steps(
        page,
        f"tracker.productView({product}), tracker.productView({product})",
        f"tracker.addToCart({product}), tracker.addToCart({product}, 2)",
    )
    time.sleep(0.4)
    page.evaluate(view(tag))
    names = Counter(entry["eventName"] for entry in arrive(aws, tag, count=4))
    assert names == {"product_view": 2, "add_to_cart": 2}


def test_an_order_is_sold_once_however_often_its_page_is_seen(
    visit: Open, aws: StandIn
) -> None:
    page, tag = visit(), new_tag()
    sale = f"void tracker.checkoutComplete({{orderId: '{tag}', value: '9.90', currency: 'EUR'}})"
    page.evaluate(sale)
    page.reload()
    page.evaluate("void start({autoPageView: false})")
    page.evaluate(sale)
    page.evaluate("void tracker.checkoutComplete({value: 1})")
    (entry,) = arrive(aws, tag)
    assert entry["value"] == 9.90
    assert page.evaluate("problems.map((problem) => problem.code)") == ["no_orderId"]


def test_known_fields_are_put_right(visit: Open, aws: StandIn) -> None:
    page, tag = visit(), new_tag()
    page.evaluate(
        f"""void tracker.track('checkout_start', {{
            orderId: 4711, price: '12.50', quantity: '3', value: 0, name: null, brand: '',
            discountPrice: NaN, category: undefined, title: '{tag}',
            urlPath: location.origin + '/cart?step=1',
            items: [{{productId: 7, price: ' 1.5 ', name: ''}}, {{productId: 'b', quantity: 1}}],
            props: {{price: '007', ok: false, none: null, nan: NaN}},
        }})"""
    )
    (entry,) = arrive(aws, tag)
    assert {k: entry[k] for k in ("orderId", "price", "quantity", "value", "urlPath")} == {
        "orderId": "4711",
        "price": 12.5,
        "quantity": 3,
        "value": 0,
        "urlPath": "/cart?step=1",
    }
    assert entry["items"] == [{"productId": "7", "price": 1.5}, {"productId": "b", "quantity": 1}]
    assert entry["props"] == {"price": "007", "ok": False}
    assert not {"name", "brand", "discountPrice", "category"} & set(entry)


def test_transform_changes_and_drops(visit: Open, aws: StandIn) -> None:
    tag = new_tag()
    page = visit(
        """{autoPageView: false, transform: (event) => {
            if (event.productId.endsWith('-drop')) return null;
            event.title = 'changed';
        }}"""
    )
    page.evaluate(view(f"{tag}-drop"))
    page.evaluate(view(tag))
    (entry,) = arrive(aws, tag)
    assert entry["title"] == "changed"


# Who is known


def test_a_visitor_is_the_same_and_his_session_ends_in_silence(visit: Open, aws: StandIn) -> None:
    page, tag = visit("{autoPageView: false, sessionTimeoutMs: 500}"), new_tag()
    page.evaluate(view(f"{tag}-0"))
    page.evaluate(view(f"{tag}-1"))
    time.sleep(0.8)
    page.evaluate(view(f"{tag}-2"))
    page.reload()
    page.evaluate("void start({autoPageView: false})")
    page.evaluate(view(f"{tag}-3"))
    entries = arrive(aws, tag, count=4)
    assert len({entry["clientId"] for entry in entries}) == 1
    sessions = [entry["sessionId"] for entry in entries]
    assert sessions[0] == sessions[1] != sessions[2] == sessions[3]


DENIED = "".join(
    f"Object.defineProperty(window, '{name}', {{get() {{ throw new DOMException('no', 'SecurityError'); }}}});"
    for name in ("localStorage", "sessionStorage")
) + "navigator.locks.request = async () => { throw new DOMException('no', 'SecurityError'); };"


def test_storage_that_is_denied_costs_no_event(browser: Browser, shop: Shopfront, aws: StandIn) -> None:
    tag = new_tag()
    page = browser.open()
    page.initially(DENIED)
    page.goto(f"{shop.url}/{tag}")
    page.evaluate("void start({})")
    page.evaluate(f"{view(tag)}, {view(tag)}")
    entries = arrive(aws, tag, count=2)
    assert len({(entry["clientId"], entry["sessionId"]) for entry in entries}) == 1
    assert page.evaluate("problems") == []
    assert page.said() == []
    page.close()


FULL = "Object.defineProperty(window, 'localStorage', {value: new Proxy({}, {set() { throw 1; }})});"


def test_storage_that_is_full_costs_no_event(browser: Browser, shop: Shopfront, aws: StandIn) -> None:
    tag = new_tag()
    page = browser.open()
    page.initially(FULL)
    page.goto(f"{shop.url}/{tag}")
    page.evaluate("void start({})")
    page.evaluate(view(tag))
    entries = arrive(aws, tag, count=2)
    assert len({entry["clientId"] for entry in entries}) == 1
    page.close()


def test_storage_that_is_cleared_costs_neither_event_nor_ids(
    visit: Open, shop: Shopfront, aws: StandIn
) -> None:
    page, tag = visit(), new_tag()
    shop.faults.append(Fault(503, {"Retry-After": "1"}))
    page.evaluate(view(f"{tag}-0"))
    wait_until(lambda: len(shop.posts(tag)) == 1)
    page.evaluate(f"localStorage.clear(), sessionStorage.clear(), {view(f'{tag}-1')}")
    entries = arrive(aws, tag, count=2)
    assert len({(entry["clientId"], entry["sessionId"]) for entry in entries}) == 1


def test_nothing_is_sent_or_stored_before_consent(visit: Open, shop: Shopfront, aws: StandIn) -> None:
    tag = new_tag()
    page = visit("{consent: 'denied'}", f"/{tag}")
    page.evaluate(view(f"{tag}-early"))
    time.sleep(0.3)
    assert not shop.posts(tag)
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.evaluate("tracker.consent('granted')")
    (entry,) = arrive(aws, tag)
    assert entry["eventName"] == "page_view"
    page.evaluate("tracker.consent('denied')")
    page.evaluate(view(f"{tag}-late"))
    time.sleep(0.3)
    assert len(shop.posts(tag)) == 1
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_a_visitor_who_says_no_is_forgotten(visit: Open, browser: Browser) -> None:
    session = browser.new_session()
    visit("{}", session=session)
    page = visit("{consent: 'denied'}", session=session)
    assert page.evaluate("localStorage.length") == 1  # he has not answered yet
    page.evaluate("localStorage.other = 1, tracker.consent('denied')")
    assert page.evaluate("Object.keys(localStorage)") == ["other"]


GPC = "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true});"


@pytest.mark.parametrize("options", ["{consent: 'anonymous'}", "{gpc: 'anonymous'}"])
def test_an_anonymous_visitor_leaves_no_trace(
    options: str, browser: Browser, shop: Shopfront, aws: StandIn
) -> None:
    tag = new_tag()
    page = browser.open()
    page.initially(GPC)
    page.goto(f"{shop.url}/{tag}")
    page.evaluate(f"void start({options})")
    page.evaluate(view(tag))
    entries = arrive(aws, tag, count=2)
    assert all(entry["clientId"].startswith("anon-") for entry in entries)
    assert not any("sourceIp" in entry or "userAgent" in entry for entry in entries)
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.close()


def test_gpc_is_ignored_where_the_shop_does_not_ask(
    browser: Browser, shop: Shopfront, aws: StandIn
) -> None:
    tag = new_tag()
    page = browser.open()
    page.initially(GPC)
    page.goto(f"{shop.url}/{tag}")
    page.evaluate("void start({})")
    (entry,) = arrive(aws, tag)
    assert not entry["clientId"].startswith("anon-")
    page.close()


def test_a_wrong_clock_costs_neither_event_nor_identity(
    browser: Browser, shop: Shopfront, key: Key, aws: StandIn
) -> None:
    tag = new_tag()
    page = browser.open()
    page.initially("const real = Date.now; Date.now = () => real() + 3 * 864e5;")
    page.goto(shop.url)
    page.evaluate(f"void start({{autoPageView: false, getToken: async () => '{token(key, sub='user-4')}'}})")
    page.evaluate(view(tag))
    (entry,) = arrive(aws, tag)
    assert entry["clockSkewed"] is True
    assert entry["userId"] == "user-4"
    page.close()
