"""What a page tracks, through both daemons into moto's CloudWatch: once each,
however the page ends and whatever ails ingest."""

import itertools
import time
import uuid
from collections.abc import Iterator

import pytest
from support.browser import Browser
from support.browsing import (
    Cloud,
    Open,
    arrive,
    browser,
    front,
    key,
    new_tag,
    quoted,
    shop,
    site,
    strict,
    view,
    visit,
)
from support.daemons import Site
from support.moto import MotoLogs, moto_server
from support.shopfront import Fault, Shopfront
from support.tokens import Key, token
from support.wait import wait_until

TRIGGERS = {
    "click": "document.body.addEventListener('click', () => TRACK); document.body.click();",
    "pagehide": "addEventListener('pagehide', () => TRACK);",
    "hidden": "addEventListener('visibilitychange', () => document.hidden && TRACK);",
}
ENDS = {
    "navigate": "location.href = '/other'",
    "reload": "location.reload()",
    "close": "window.close()",
}
MODES = [
    f"{who} {where}" for who in ("guest", "user") for where in ("on the shop's origin", "across")
]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with moto_server(tmp_path_factory.mktemp("moto") / "log") as url:
        yield MotoLogs(url)


def options(mode: str, site: Site, key: Key) -> str:
    told = ["autoPageView: false"]
    if "across" in mode:
        told.append(f"endpoint: 'http://127.0.0.1:{site.ingest.port}/events'")
    if "user" in mode:
        told.append(f"getToken: async () => {quoted(token(key, sub='user-1'))}")
    return "{" + ", ".join(told) + "}"


@pytest.mark.parametrize("mode", MODES)
def test_an_event_outlives_its_page(
    mode: str, site: Site, key: Key, visit: Open, aws: Cloud
) -> None:
    opener = visit(None, "/other")
    tags: list[str] = []
    for (trigger, code), (end, leave) in itertools.product(TRIGGERS.items(), ENDS.items()):
        tags.append(f"{trigger}-{end}-{uuid.uuid4()}")
        opener.evaluate(f"void (window.shop = open('/?{trigger}-{end}'))")
        wait_until(lambda: opener.evaluate("'start' in shop"))
        opener.evaluate(f"void shop.start({options(mode, site, key)})")
        time.sleep(0.1)  # the token is there, and the preflight is not
        script = f"{code.replace('TRACK', view(tags[-1]))} {leave}"
        opener.evaluate(f"void shop.eval({quoted(script)})")
        time.sleep(0.3)
        opener.evaluate("shop.close()")
    entries = arrive(aws, *tags, timeout=20)
    states = {entry["userLoginState"] for entry in entries}
    assert states == ({"authenticated"} if "user" in mode else {"guest"})


# A page's thread is free again before anything is answered.
DURING = """(async () => {
    const began = performance.now();
    for (const tag of TAGS) tracker.productView({productId: tag});
    await new Promise((next) => setTimeout(next));
    return [performance.now() - began, tracker.stats().sent];
})()"""


@pytest.mark.parametrize("trouble", ["stopped", "slow", "503", "401"])
def test_what_ails_ingest_is_not_the_pages_trouble(
    trouble: str, site: Site, key: Key, browser: Browser, shop: Shopfront, aws: Cloud
) -> None:
    bad, tags = token(key, exp=1), [new_tag() for _ in range(20)]
    page = browser.open()
    page.initially(
        """window.thrown = [];
        for (const name of ['error', 'unhandledrejection'])
            addEventListener(name, (event) => thrown.push(`${event.reason ?? event.message}`));"""
    )
    page.goto(shop.url)
    given = f", getToken: async () => '{bad}'" if trouble == "401" else ""
    page.evaluate(f"void start({{autoPageView: false{given}}})")
    if trouble == "stopped":
        assert site.ingest.stop() == 0
    shop.slowness = 3.0 if trouble == "slow" else 0.0
    shop.always = Fault(503, {"Retry-After": "1"}) if trouble == "503" else None

    took, sent = page.evaluate(DURING.replace("TAGS", str(tags)))
    assert sent == 0
    assert took < 1500
    wait_until(lambda: all(shop.posts(tag) for tag in tags))

    if trouble == "stopped":
        site.ingest.start()
    shop.slowness, shop.always = 0.0, None
    page.evaluate("tracker.flush()")
    arrive(aws, *tags, timeout=20)
    wait_until(lambda: page.evaluate("tracker.stats().sent") == len(tags))
    assert page.evaluate("thrown") == []
    page.close()


# What costs a request more than it is


def across(shop: Shopfront) -> str:
    """The same proxy, under a name that is another origin."""
    return shop.url.replace("127.0.0.1", "localhost") + "/events"


def test_a_guest_asks_no_preflight_and_a_user_one(
    visit: Open, shop: Shopfront, key: Key, aws: Cloud
) -> None:
    guests, users = ([new_tag() for _ in range(count)] for count in (3, 5))
    page = visit(f"{{autoPageView: false, endpoint: '{across(shop)}'}}")
    for tag in guests:
        page.evaluate(view(tag))
        arrive(aws, tag)
    assert shop.seen("OPTIONS") == []
    (types,) = {post.headers["content-type"] for tag in guests for post in shop.posts(tag)}
    assert types == "text/plain;charset=UTF-8"

    page = visit(
        f"{{autoPageView: false, endpoint: '{across(shop)}', getToken: () => '{token(key)}'}}"
    )
    for tag in users:
        page.evaluate(view(tag))
        arrive(aws, tag)
    assert len(shop.seen("OPTIONS")) == 1
    assert {post.path for tag in users for post in shop.posts(tag)} == {"/events"}


def test_no_cookie_goes_with_an_event(visit: Open, shop: Shopfront, aws: Cloud) -> None:
    page, tag = visit(), new_tag()
    page.evaluate("document.cookie = 'session=secret'")
    page.evaluate(view(tag))
    arrive(aws, tag)
    (post,) = shop.posts(tag)
    assert "cookie" not in post.headers
