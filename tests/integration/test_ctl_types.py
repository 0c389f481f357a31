"""clickspoolctl types: what a shop's TypeScript knows of the catalog's events,
judged by a compiler that is pinned in tests/types."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.http import Response
from support.npm import install

OK, USAGE, CONFIG = 0, 2, 78
ROOT = Path(__file__).resolve().parents[2]
IDS = 'clientId: "client-0001", sessionId: "session-0001"'
TSC = ["--strict", "--noEmit", "--exactOptionalPropertyTypes", "--target", "es2020"]
BIKES = re.search(
    r"```json\n(\{\n  \"fields\".*?)\n```",
    (ROOT / "docs" / "catalog.md").read_text(),
    re.DOTALL,
)
assert BIKES


@pytest.fixture(scope="session")
def tsc() -> Path:
    return install(ROOT / "tests" / "types") / "tsc"


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


def types(site: Site, *args: str, code: int = OK) -> str:
    done = site.ctl("types", *args)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout if code == OK else done.stderr


def compiles(tsc: Path, site: Site, made: str, use: str) -> str:
    """The compiler's complaints."""
    (site.folder / "events.ts").write_text(made)
    program = site.folder / "use.ts"
    program.write_text(
        "import type { ShopEvent, EventFields, EventName } from './events';\n"
        "declare function track<N extends EventName>"
        "(name: N, fields: EventFields[N]): void;\n"
        "declare function post(event: ShopEvent): void;\n" + use
    )
    done = subprocess.run(
        [tsc, *TSC, program], capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == (not done.stdout)
    return done.stdout


GOOD = f"""
track('page_view', {{}});
track('add_to_cart', {{ productId: 'sku-1', price: 9.5, quantity: 2,
  items: [{{ productId: 'sku-1', quantity: 1 }}], props: {{ size: 'L', gift: true }} }});
post({{ eventName: 'product_view', {IDS}, productId: 'sku-1' }});
post({{ eventName: 'page_view', {IDS}, eventTimestamp: 1, urlPath: '/' }});
const one: ShopEvent<'checkout_start'> = {{ eventName: 'checkout_start', {IDS} }};
export function read(event: ShopEvent): string {{
  return event.eventName === 'add_to_cart' ? event.productId : one.eventName;
}}
"""
BAD = [
    "track('page_vew', {});",
    "track('product_view', {});",
    "track('page_view', { urlPath: 1 });",
    "track('page_view', { colour: 'red' });",
    "track('page_view', { items: [] });",
    "track('checkout_start', { items: [{ orderId: '1' }] });",
    "track('page_view', { props: { size: ['L'] } });",
    "post({ eventName: 'page_view', clientId: 'client-0001' });",
]


@pytest.mark.timeout(180)
def test_the_built_in_catalog_compiles_strictly(tsc: Path, site: Site) -> None:
    made = types(site)
    assert compiles(tsc, site, made, GOOD) == ""
    told = compiles(tsc, site, made, "\n".join(BAD))
    at = {int(row) for row in re.findall(r"use\.ts\((\d+),\d+\): error", told)}
    assert at == {4 + n for n in range(len(BAD))}


ODD = {
    "fields": {
        "is-new": {"type": "boolean"},
        "1st": {"type": "integer", "min": -5},
        "how": {"type": "string", "enum": ["a\"b", "c\\d", "*/", "\u2028\n"]},
        "default": {"type": "string", "format": "id", "min_length": 2},
        "lines": {"type": "objects", "fields": ["is-new", "how"], "max_length": 3},
    },
    "events": {"a-b": {"required": ["1st"]}, "a_b": {}, "2nd.x": {}, "class": {}},
}


@pytest.mark.timeout(180)
def test_any_catalog_compiles(tsc: Path, site: Site) -> None:
    assert BIKES
    (site.folder / "bikes.json").write_text(BIKES.group(1))
    (site.folder / "odd.json").write_text(json.dumps(ODD))
    site.configure({"events": {"catalog": site.folder / "bikes.json"}})
    rent = "track('rent', { currency: 'EUR', bikes: [{ size: %s }] });"
    made = types(site)
    assert compiles(tsc, site, made, rent % "'M'") == ""
    assert "is not assignable" in compiles(tsc, site, made, rent % "'XS'")
    use = """
    track('a-b', { '1st': 1, 'is-new': true, how: 'a"b', lines: [{ how: '*/' }] });
    track('2nd.x', {}); track('class', { default: 'x' }); track('a_b', {});
    """
    assert compiles(tsc, site, types(site, f"{site.folder}/odd.json"), use) == ""


def test_json_is_a_catalog_that_means_the_same(site: Site) -> None:
    assert BIKES
    catalogs: list[dict[str, Any]] = [json.loads(BIKES.group(1)), ODD]
    for number, catalog in enumerate(catalogs):
        first = site.folder / f"first-{number}.json"
        first.write_text(json.dumps(catalog))
        told = types(site, "--json", str(first))
        again = json.loads(told)
        assert list(again["fields"]) == list(catalog["fields"])
        for name, field in catalog["fields"].items():
            assert field.items() <= again["fields"][name].items()
        second = site.folder / f"second-{number}.json"
        second.write_text(told)
        assert types(site, "--json", str(second)) == told
        assert types(site, str(second)) == types(site, str(first))


def test_ingest_agrees_with_the_types(site: Site) -> None:
    """What is required of an event by its type is what ingest requires."""
    site.ingest.start()
    catalog = json.loads(types(site, "--json"))
    for name, event in catalog["events"].items():
        body = {"eventName": name, "clientId": "client-01", "sessionId": "session-1"}
        answer: Response = site.ingest.post(body)
        assert answer.status == (400 if event["required"] else 202)
        for field in event["required"]:
            body[field] = "x"
        assert site.ingest.post(body).status == 202


def test_a_bad_catalog_is_told(site: Site) -> None:
    (site.folder / "bad.json").write_text('{"fields":{"a":{}},"events":{}}')
    told = types(site, f"{site.folder}/bad.json", code=CONFIG)
    assert "bad.json" in told and '"type" is missing' in told
    types(site, "/nonexistent", code=CONFIG)
    types(site, "one", "two", code=USAGE)
