"""The ops page on a bad day, judged by axe-core, and left open for long."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.ask import event
from support.browser import DRIVER
from support.chromium import Chromium, Page
from support.daemons import MakeSite, Site
from support.npm import install
from support.opspage import browser, count, open_page, shop, text, visit
from support.wait import wait_until

pytestmark = pytest.mark.browser

WAITING = "[...document.querySelectorAll('#tiles > div')].find((tile) => /Waiting/.test(tile.textContent))"


@pytest.fixture(scope="module")
def axe() -> str:
    install(DRIVER)
    return (DRIVER / "node_modules" / "axe-core" / "axe.min.js").read_text()


def violations(page: Page, axe: str) -> list[Any]:
    page.evaluate(f"{axe}; 1")
    told = page.evaluate(
        "axe.run().then(({violations}) => JSON.stringify(violations.map("
        "({id, nodes}) => [id, nodes.map(({html}) => html)])))"
    )
    found: list[Any] = json.loads(told)
    return found


def keep(page: Page, tmp_path: Path, name: str) -> None:
    kept = Path(os.environ.get("CLICKSPOOL_SCREENSHOTS", tmp_path))
    page.screenshot(kept / f"ops-{name}.png")


def listed(page: Page) -> None:
    page.wait("document.querySelectorAll('#checks li').length > 3")
    page.wait("document.querySelectorAll('#entries tbody').length > 0")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
@pytest.mark.parametrize("busy", [False, True], ids=["empty", "busy"])
def test_axe_finds_nothing(
    browser: Chromium, shop: Site, axe: str, tmp_path: Path, busy: bool, width: int, dark: bool
) -> None:
    for number in range(8 if busy else 0):
        shop.ingest.post(visit(number))
    page = open_page(browser, shop, width, dark)
    listed(page)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    if busy:
        page.evaluate("document.querySelector('#entries button[aria-expanded]').click()")
    assert violations(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    keep(page, tmp_path, f"{'busy' if busy else 'empty'}-{width}-{'dark' if dark else 'light'}")
    assert not page.complaints


def test_a_shipper_that_went_silent_is_shown_so(
    browser: Chromium, shop: Site, axe: str, tmp_path: Path
) -> None:
    """What it told last is no longer so."""
    shop.ingest.post(visit(3))
    status = shop.spool / "shipper.status.json"
    wait_until(status.exists)
    assert shop.shipper.stop() == 0
    told = json.loads(status.read_text())
    status.write_text(json.dumps(told | {"updatedAt": "2026-01-01T00:00:00.000Z"}))
    page = open_page(browser, shop)
    listed(page)
    page.wait(f"/silent for \\d+ days/.test({WAITING}.textContent)")
    assert page.evaluate(f"{WAITING}.querySelector('dd').className") == "warn"
    assert "silent since" in text(page, "#delivery .warn")
    assert violations(page, axe) == []
    keep(page, tmp_path, "silent")


def test_a_full_spool_is_shown_so(
    browser: Chromium, make_site: MakeSite, axe: str, tmp_path: Path
) -> None:
    site = make_site({"spool": {"max_unshipped": "1MiB"}})
    site.ingest.start()
    many = [event(title="x" * 2000)] * 100
    wait_until(lambda: site.ingest.post(many).status == 503)
    page = open_page(browser, site)
    listed(page)
    page.wait("document.getElementById('health').textContent.includes('Takes no events')")
    assert page.evaluate("document.title") == "✕ clickspool"
    assert page.evaluate(f"{WAITING}.querySelector('dd').className") == "fail"
    assert "spool:room" in text(page, "#health")
    assert text(page, "#delivery .fail")
    assert violations(page, axe) == []
    keep(page, tmp_path, "full")


def test_refusals_after_a_restart_are_not_those_before_it(browser: Chromium, shop: Site) -> None:
    """They are counted anew, and the page may not have looked meanwhile."""
    shop.ingest.post(visit(5))
    page = open_page(browser, shop)
    page.wait("document.querySelector('#refusals [data-label=Code]')?.textContent === 'unknown_event'")
    page.evaluate("document.getElementById('pause').click()")
    shop.ingest.restart()
    shop.ingest.post(b"{")
    page.evaluate("document.getElementById('pause').click()")
    page.wait("document.querySelector('#refusals [data-label=Code]')?.textContent === 'invalid_json'")
    assert count(page, "#refusals tbody") == 1


def test_it_may_stay_open_for_days(browser: Chromium, shop: Site) -> None:
    """Nothing gathers in the page, over refreshes and a restart of ingest."""
    refresh = "Promise.all([lookAtFigures(), lookAtLists(), lookAtMetrics()])"

    def look_for_long() -> dict[str, int]:
        for _ in range(10):
            shop.ingest.post([event() for _ in range(30)] + [{"eventName": "no"}] * 200)
            page.evaluate(f"{refresh}.then(() => {refresh}).then(() => 1)")
            page.evaluate("document.querySelector('#entries button[aria-expanded]').click()")
        assert (count(page, "#entries tbody"), count(page, "#refusals tbody")) == (20, 200)
        page.send("HeapProfiler.collectGarbage")
        counters: dict[str, int] = page.send("Memory.getDOMCounters")
        return counters

    page = open_page(browser, shop)
    listed(page)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    look_for_long()
    before = look_for_long()
    shop.ingest.restart()
    look_for_long()
    after = look_for_long()
    assert after["jsEventListeners"] < before["jsEventListeners"] + 50
    assert after["nodes"] < before["nodes"] + 1000
