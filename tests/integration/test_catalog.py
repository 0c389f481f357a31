"""A catalog of the shop's own; the example is the one of docs/catalog.md."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.ask import check_problem, event, spooled, taken
from support.daemons import MakeSite, Site

DOC = Path(__file__).resolve().parents[2] / "docs" / "catalog.md"
BIKE = "019a8f0e-7c1d-7000-8000-0123456789ab"


def examples() -> list[Any]:
    """The documents of the page: the catalog, a good event, a bad one."""
    blocks = re.findall(r"```json\n(.*?)```", DOC.read_text(), re.DOTALL)
    return [json.loads(block) for block in blocks]


def with_catalog(site: Site, catalog: Any) -> Site:
    path = site.folder / "events.json"
    text = catalog if isinstance(catalog, str) else json.dumps(catalog)
    path.write_text(text)
    site.configure({"events": {"catalog": path}})
    return site


@pytest.fixture
def shop(make_site: MakeSite) -> Site:
    site = with_catalog(make_site(), examples()[0])
    site.ingest.start()
    return site


def rent(**fields: Any) -> dict[str, Any]:
    usual = event(eventName="rent", urlPath=None, currency="EUR")
    return usual | {"bikes": [{"bikeId": BIKE, "size": "M"}]} | fields


def test_the_page_keeps_its_word(shop: Site) -> None:
    _, good, bad = examples()
    [entry] = spooled(shop, taken(shop.ingest.post(good)))
    assert entry.obj["bikes"] == good["bikes"]
    problem = check_problem(shop.ingest.post(bad), 400, "invalid_event")
    [error] = problem["errors"]
    assert (error["pointer"], error["code"]) == ("/bikes/0/size", "bad_format")


@pytest.mark.parametrize(
    ("sent", "pointer", "code"),
    [
        (event(eventName="product_view"), "/eventName", "unknown_event"),
        (event(urlPath=None), "/urlPath", "missing_field"),
        (event(urlPath="/" * 1025), "/urlPath", "too_long"),
        (event(insured=True), "/insured", "unknown_field"),
        (event(title="a"), "/title", "unknown_field"),
        (rent(bikes=None), "/bikes", "missing_field"),
        (rent(insured="yes"), "/insured", "wrong_type"),
        (rent(voucher="short"), "/voucher", "out_of_range"),
        (rent(voucher="a" * 13), "/voucher", "too_long"),
        (rent(days=0), "/days", "out_of_range"),
        (rent(days=1.0), "/days", "wrong_type"),
        (rent(bikeId="a bike"), "/bikeId", "bad_format"),
        (rent(**{"from": "tomorrow"}), "/from", "bad_format"),
        (rent(bikes=[{"voucher": "abcdef"}]), "/bikes/0/voucher", "unknown_field"),
        (rent(bikes=[{}] * 11), "/bikes", "too_long"),
        (rent(props={f"p{at}": at for at in range(6)}), "/props", "too_long"),
    ],
)
def test_its_rules_hold(shop: Site, sent: Any, pointer: str, code: str) -> None:
    problem = check_problem(shop.ingest.post(sent), 400, "invalid_event")
    [error] = problem["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)


FIELD = {"a": {"type": "string"}}
FAULTS: list[tuple[Any, str]] = [
    ("{", "this is no JSON"),
    ("[]", "this is no object"),
    ({"fields": {}}, 'give two objects, "fields" and "events"'),
    ({"fields": {}, "events": {}, "more": 1}, 'unknown key "more"'),
    ({"fields": {"a": {}}, "events": {}}, '"a": "type" is missing'),
    ({"fields": {"a": {"type": "text"}}, "events": {}}, '"type" is "text"'),
    ({"fields": {"a": {"type": "string", "max": 1, "maximum": 2}}, "events": {}},
     'unknown key "maximum"'),
    ({"fields": {"a": {"type": "string", "max_length": -1}}, "events": {}},
     '"max_length" is not a whole number'),
    ({"fields": {"a": {"type": "number", "min": "1"}}, "events": {}},
     '"min" is not a number'),
    ({"fields": {"a": {"type": "number", "enum": ["a"]}}, "events": {}},
     '"enum" is a list of strings, for a string'),
    ({"fields": {"a": {"type": "number", "format": "id"}}, "events": {}},
     '"format" is for strings'),
    ({"fields": {"a": {"type": "objects"}}, "events": {}}, '"fields" goes with'),
    ({"fields": {"_a": {"type": "string"}}, "events": {}}, "the program's own"),
    ({"fields": {"eventId": {"type": "string"}}, "events": {}}, "the program's own"),
    ({"fields": {"a b": {"type": "string"}}, "events": {}}, "is no name"),
    ({"fields": FIELD, "events": {"e": {"required": ["b"]}}}, 'names "b"'),
    ({"fields": {"a": {"type": "string", "events": ["f"]}}, "events": {"e": {}}},
     'names "f", which is none'),
    ({"fields": {f"f{at}": {"type": "string"} for at in range(65)}, "events": {}},
     "there can be 64 fields"),
    ('{"fields":{"a":{"type":"string"},"a":{"type":"string"}},"events":{}}',
     "stands there twice"),
    ('{"fields":{},"events":{"e":{},"e":{}}}', "stands there twice"),
]  # fmt: skip


@pytest.mark.parametrize(("catalog", "told"), FAULTS, ids=range(len(FAULTS)))
def test_a_wrong_file_is_told_by_place_and_reason(
    make_site: MakeSite, catalog: Any, told: str
) -> None:
    site = with_catalog(make_site(), catalog)
    done = site.run("ingest/clickspool-ingest", "--check")
    assert done.returncode == 78
    [line] = [text for text in done.stderr.splitlines() if "[events] catalog" in text]
    assert re.match(r"\S+clickspool\.conf:\d+: \[events\] catalog: /", line)
    assert told in line


def test_a_missing_file_is_told(make_site: MakeSite) -> None:
    site = make_site({"events": {"catalog": "/nonexistent/events.json"}})
    done = site.run("ingest/clickspool-ingest", "--check")
    assert done.returncode == 78
    assert "/nonexistent/events.json cannot be read: No such file" in done.stderr


def test_a_reload_takes_a_good_catalog_and_refuses_a_bad_one(shop: Site) -> None:
    catalog = examples()[0]
    catalog["events"]["return"] = {}
    check_problem(shop.ingest.post(event(eventName="return")), 400, "invalid_event")
    with_catalog(shop, catalog)
    shop.ingest.hang_up()
    taken(shop.ingest.post(event(eventName="return")))
    with_catalog(shop, "{")
    shop.ingest.hang_up()
    taken(shop.ingest.post(event(eventName="return")))
    assert "event=reload_refused" in shop.ingest.stderr()
