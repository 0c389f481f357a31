"""What the tests of the ops page share: a site under traffic, and Chromium
looking at it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .ask import event
from .chromium import Chromium, Page
from .daemons import Site

HOSTILE = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>"
STEPS = ["page_view", "product_view", "add_to_cart", "checkout_start"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def shop(site: Site) -> Site:
    site.ingest.start()
    site.shipper.start()
    return site


def visit(number: int) -> list[dict[str, object]]:
    """What a session sends: some steps, and now and then what is refused."""
    ids = {"clientId": f"client-{number:05}", "sessionId": f"session-{number:05}"}
    fields = ids | {"productId": "sku-7", "title": HOSTILE}
    steps = STEPS[: 1 + number % len(STEPS)]
    events = [event(eventName=step, **fields) for step in steps]
    if number % 5 == 0:
        events.append(event(eventName=HOSTILE, urlPath=f"/{HOSTILE}?q=1", **ids))
    return events


@contextmanager
def traffic(site: Site) -> Iterator[None]:
    over = threading.Event()

    def run() -> None:
        number = 0
        while not over.wait(0.02):
            site.ingest.post(visit(number))
            number += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def open_page(
    browser: Chromium, site: Site, width: int = 1280, dark: bool = False
) -> Page:
    return browser.open(f"http://127.0.0.1:{site.ingest.admin_port}/", width, dark)


def count(page: Page, selector: str) -> int:
    return int(page.evaluate(f"document.querySelectorAll({selector!r}).length"))


def text(page: Page, selector: str) -> str:
    return str(page.evaluate(f"document.querySelector({selector!r}).textContent"))


def press_on(page: Page, selector: str) -> None:
    page.evaluate(f"document.querySelector({selector!r}).focus()")
    page.press("Enter")
