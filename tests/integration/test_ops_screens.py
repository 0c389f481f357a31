"""The ops page as a browser shows it, under traffic.

The screenshots are in the test's own folder, or where $CLICKSPOOL_SCREENSHOTS
says, for people to look at.
"""

import os
import struct
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.ask import event, taken
from support.chromium import Chromium
from support.daemons import Site
from support.opspage import (
    HOSTILE,
    browser,
    count,
    open_page,
    press_on,
    shop,
    text,
    traffic,
    visit,
)
from support.wait import wait_until

pytestmark = pytest.mark.browser

# Texts whose contrast with what is behind them is less than WCAG's 4.5.
FAINT = """(() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((n) => n / 255).map((n) =>
      n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = [];
  while (words.nextNode()) {
    const node = words.currentNode.parentElement;
    if (!words.currentNode.data.trim() || node.closest('noscript, svg')) continue;
    const two = [getComputedStyle(node).color, behind(node)].map(light);
    const ratio = (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
    if (ratio < 4.5) faint.push(`${node.tagName} ${node.textContent} ${ratio}`);
  }
  return faint;
})()"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
def test_it_shows_what_goes_on(
    browser: Chromium, shop: Site, tmp_path: Path, width: int, dark: bool
) -> None:
    with traffic(shop):
        page = open_page(browser, shop, width, dark)
        page.wait("document.querySelectorAll('#funnel tbody tr').length >= 5")
        page.wait("document.querySelectorAll('#entries tbody').length >= 20")
        page.wait("document.querySelectorAll('#live-chart path.stroke').length >= 3")
        page.wait("document.querySelector('#tiles dd').textContent > '1'")
        kept = Path(os.environ.get("CLICKSPOOL_SCREENSHOTS", tmp_path))
        name = f"ops-{width}-{'dark' if dark else 'light'}.png"
        png = page.screenshot(kept / name)

    assert struct.unpack(">I", png[16:20])[0] == width
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(FAINT) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(background.split("(")[1].split(",")[0]) < 64) is dark
    assert text(page, "#reasons tbody th") == "unknown_event"
    assert not page.complaints
    here = f"127.0.0.1:{shop.ingest.admin_port}"
    assert {urlsplit(url).netloc for url in page.requests} == {here}


def test_what_a_client_sends_is_never_markup(browser: Chromium, shop: Site) -> None:
    for number in range(6):
        shop.ingest.post(visit(number))
    page = open_page(browser, shop)
    page.wait("document.querySelectorAll('#refusals tbody').length == 2")
    page.wait("document.querySelectorAll('#entries button[aria-expanded]').length")
    press_on(page, "#entries button[aria-expanded]")
    assert HOSTILE[:40] in text(page, "#refusals")
    assert "onerror" in text(page, "#entries pre")
    assert count(page, "main img, main script, main [onerror]") == 0
    assert page.evaluate("window.pwned === undefined")
    # Not even a mistake in the script could make it any.
    tried = "(() => { try { document.body.innerHTML = 'x' } catch { return 1 } })()"
    assert page.evaluate(tried) == 1


def test_it_is_read_by_keyboard(browser: Chromium, shop: Site) -> None:
    shop.ingest.post(visit(3))
    page = open_page(browser, shop)
    page.wait("document.querySelectorAll('#entries tbody').length == 4")
    seen = []
    for _ in range(60):
        page.press("Tab")
        seen.append(
            page.evaluate(
                "(() => { const on = document.activeElement; return on.id ||"
                " on.name || on.textContent.trim().slice(0, 20) })()"
            )
        )
    assert seen[:2] == ["Skip to the figures", "pause"]
    for name in ("As a table: Events a", "event", "client", "n", "Look", "JSON"):
        assert name in seen
    press_on(page, "#pause")
    assert page.evaluate("document.getElementById('pause').ariaPressed") == "true"


def test_a_screen_reader_has_names_for_all_of_it(browser: Chromium, shop: Site) -> None:
    shop.ingest.post(visit(5))
    page = open_page(browser, shop)
    page.wait("document.querySelectorAll('#entries tbody').length >= 2")
    page.send("Accessibility.enable")
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    named: dict[str, list[str]] = {}
    for node in nodes:
        if node["ignored"]:
            continue
        role = node["role"]["value"]
        named.setdefault(role, []).append(node.get("name", {}).get("value", ""))
        if role == "image":
            assert node["description"]["value"].endswith(".")
    for role in ("button", "textbox", "checkbox", "table", "image", "link", "heading"):
        assert named[role] and all(named[role]), (role, named[role])
    assert len(named["image"]) == 3
    assert len(named["heading"]) >= 10
    assert count(page, "h1") == 1
    page.evaluate("document.querySelector('#live-chart details').open = true")
    page.wait("document.querySelectorAll('#live-chart tbody tr').length > 1")


def test_filters_and_what_is_open_last(browser: Chromium, shop: Site) -> None:
    for number in (1, 2, 3):
        shop.ingest.post(visit(number))
    page = open_page(browser, shop)
    page.wait("document.querySelectorAll('#entries tbody').length == 9")
    press_on(page, "#entries button[title='Only this client']")
    page.wait("document.querySelectorAll('#entries tbody').length == 4")
    press_on(page, "#entries button[aria-expanded]")
    opened = text(page, "#entries pre")
    taken(shop.ingest.post(event(clientId="client-00003", urlPath="/new")))
    page.wait("document.querySelectorAll('#entries tbody').length == 5")
    visible = "document.querySelector('#entries tr:not([hidden]) pre').textContent"
    assert page.evaluate(visible) == opened
    assert page.evaluate("document.activeElement.ariaExpanded") == "true"


def test_it_says_when_ingest_is_gone(browser: Chromium, shop: Site) -> None:
    page = open_page(browser, shop)
    page.wait("document.querySelectorAll('#checks li').length > 3")
    shop.ingest.stop()
    page.wait("document.getElementById('health').textContent.includes('No answer')")
    shop.ingest.start()
    page.wait("!document.getElementById('health').textContent.includes('No answer')")
    wait_until(lambda: count(page, "#checks li") > 3)
