"""A bad event is refused with its reason, and its neighbours are taken."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ask import check_problem, count, event, new_id, spooled, taken
from support.daemons import Site
from support.http import Response

NDJSON = {"Content-Type": "application/x-ndjson"}
ITEM = {
    "productId": "p", "name": "n", "category": "c", "brand": "b", "price": 1.5,
    "discountPrice": 0, "value": 1e9, "currency": "EUR", "quantity": 1000000,
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    with Site(build) as site:
        site.ingest.start()
        yield site


def lines(*items: Any) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def errors(answer: Response) -> list[tuple[int, str, str]]:
    """Of a refusal or of a receipt."""
    body = answer.json()
    items = body["rejected"] if answer.status == 202 else body["errors"]
    return [(item["index"], item["pointer"], item["code"]) for item in items]


def test_a_bad_item_does_not_spoil_its_neighbours(shop: Site) -> None:
    items = [event(), 1, event(price=-1), event(), event(eventName="x"), [], event()]
    answer = shop.ingest.post(items)
    receipt = taken(answer, 3)
    assert errors(answer) == [
        (1, "", "wrong_type"),
        (2, "/price", "out_of_range"),
        (4, "/eventName", "unknown_event"),
        (5, "", "wrong_type"),
    ]
    assert all(item["detail"].startswith("Give ") for item in receipt["rejected"])
    assert len(spooled(shop, receipt)) == 3


def test_a_bad_line_does_not_spoil_its_neighbours(shop: Site) -> None:
    body = lines(event()) + b'{"a":\n\xff\n[]\n' + lines(event()) + b"{"
    answer = shop.ingest.post(body, NDJSON)
    taken(answer, 2)
    assert errors(answer) == [
        (1, "", "invalid_json"),
        (2, "", "invalid_utf8"),
        (3, "", "wrong_type"),
        (5, "", "invalid_json"),
    ]


def test_where_none_is_taken_it_is_400(shop: Site) -> None:
    before = count(shop)
    answer = shop.ingest.post([event(price="1"), event(quantity=0)])
    check_problem(answer, 400, "invalid_event")
    assert errors(answer) == [
        (0, "/price", "wrong_type"),
        (1, "/quantity", "out_of_range"),
    ]
    answer = shop.ingest.post(b"{\n[\n", NDJSON)
    check_problem(answer, 400, "invalid_event")
    assert [code for _, _, code in errors(answer)] == ["invalid_json"] * 2
    assert count(shop) == before


@pytest.mark.parametrize(
    ("body", "fields", "code"),
    [
        (b"[]", {}, "empty_batch"),
        (b" [ ] ", {}, "empty_batch"),
        (b"", NDJSON, "empty_batch"),
        (b"\n\r\n \n", NDJSON, "empty_batch"),
        (json.dumps([event()] * 501).encode(), {}, "batch_too_long"),
        (lines(*[event()] * 501), NDJSON, "batch_too_long"),
        (b"", {}, "invalid_json"),
        (b" ", {}, "invalid_json"),
    ],
)
def test_a_batch_holds_1_to_500(
    shop: Site, body: bytes, fields: dict[str, str], code: str
) -> None:
    before = count(shop)
    check_problem(shop.ingest.post(body, fields), 400, code)
    assert count(shop) == before


@pytest.mark.parametrize(
    ("spoiled", "pointer", "code"),
    [
        ({"eventName": "page_viewed"}, "/eventName", "unknown_event"),
        ({"eventName": "PAGE_VIEW"}, "/eventName", "unknown_event"),
        ({"eventName": None}, "/eventName", "missing_field"),
        ({"eventName": 1}, "/eventName", "wrong_type"),
        ({"clientId": None}, "/clientId", "missing_field"),
        ({"clientId": "a" * 7}, "/clientId", "bad_format"),
        ({"clientId": "a" * 65}, "/clientId", "bad_format"),
        ({"clientId": "client 0001"}, "/clientId", "bad_format"),
        ({"clientId": ["client-0001"]}, "/clientId", "wrong_type"),
        ({"sessionId": None}, "/sessionId", "missing_field"),
        ({"sessionId": "sëssion-01"}, "/sessionId", "bad_format"),
        ({"eventId": "1"}, "/eventId", "bad_format"),
        ({"eventId": "g" + new_id()[1:]}, "/eventId", "bad_format"),
        ({"eventId": new_id().replace("-", "")}, "/eventId", "bad_format"),
        ({"eventId": 1}, "/eventId", "wrong_type"),
        ({"eventTimestamp": "yesterday"}, "/eventTimestamp", "bad_format"),
        ({"eventTimestamp": "2026-02-30T00:00:00Z"}, "/eventTimestamp", "bad_format"),
        ({"eventTimestamp": "2026-01-01T00:00:00"}, "/eventTimestamp", "bad_format"),
        ({"eventTimestamp": -1}, "/eventTimestamp", "out_of_range"),
        ({"eventTimestamp": 1e300}, "/eventTimestamp", "out_of_range"),
        ({"eventTimestamp": True}, "/eventTimestamp", "wrong_type"),
        ({"productId": "a" * 129}, "/productId", "too_long"),
        ({"productId": 1}, "/productId", "wrong_type"),
        ({"name": "a" * 257}, "/name", "too_long"),
        ({"orderId": "a" * 129}, "/orderId", "too_long"),
        ({"title": "a" * 2049}, "/title", "too_long"),
        ({"urlPath": "shop"}, "/urlPath", "bad_format"),
        ({"urlPath": ""}, "/urlPath", "bad_format"),
        ({"price": -0.01}, "/price", "out_of_range"),
        ({"price": 1000000000.01}, "/price", "out_of_range"),
        ({"price": "1"}, "/price", "wrong_type"),
        ({"value": True}, "/value", "wrong_type"),
        ({"quantity": 0}, "/quantity", "out_of_range"),
        ({"quantity": 1000001}, "/quantity", "out_of_range"),
        ({"quantity": 1.5}, "/quantity", "wrong_type"),
        ({"currency": "eur"}, "/currency", "bad_format"),
        ({"currency": "EURO"}, "/currency", "bad_format"),
        ({"eventName": "product_view"}, "/productId", "missing_field"),
        ({"eventName": "add_to_cart"}, "/productId", "missing_field"),
        ({"items": []}, "/items", "unknown_field"),  # not with page_view
        ({"colour": "red"}, "/colour", "unknown_field"),
        ({"a/b~c": 1}, "/a~1b~0c", "unknown_field"),
        ({"Price": 1}, "/Price", "unknown_field"),
        ({"props": []}, "/props", "wrong_type"),
        ({"props": {"a": {}}}, "/props/a", "wrong_type"),
        ({"props": {"a": [1]}}, "/props/a", "wrong_type"),
        ({"props": {"a-b": 1}}, "/props/a-b", "bad_format"),
        ({"props": {"": 1}}, "/props/", "bad_format"),
        ({"props": {"a" * 41: 1}}, "/props/" + "a" * 41, "bad_format"),
        ({"props": {f"p{at}": at for at in range(21)}}, "/props", "too_long"),
        ({"title": "\0"}, "/title", "bad_format"),
        ({"title": "\ud800"}, "/title", "bad_format"),
        ({"title": "\udc00\ud800"}, "/title", "bad_format"),
        ({"props": {"a": "\0"}}, "/props/a", "bad_format"),
        ({f"f{at}": at for at in range(60)}, "/f0", "unknown_field"),
    ],
)
def test_a_bad_field_is_named(
    shop: Site, spoiled: dict[str, Any], pointer: str, code: str
) -> None:
    before = count(shop)
    answer = shop.ingest.post(event(**spoiled))
    check_problem(answer, 400, "invalid_event")
    assert errors(answer) == [(0, pointer, code)]
    assert count(shop) == before


@pytest.mark.parametrize(
    ("items", "pointer", "code"),
    [
        ({}, "/items", "wrong_type"),
        ([1], "/items/0", "wrong_type"),
        ([ITEM, None], "/items/1", "wrong_type"),
        ([ITEM, {"price": -1}], "/items/1/price", "out_of_range"),
        ([{"quantity": 0}], "/items/0/quantity", "out_of_range"),
        ([{"orderId": "o"}], "/items/0/orderId", "unknown_field"),
        ([{"items": []}], "/items/0/items", "unknown_field"),
        ([ITEM] * 51, "/items", "too_long"),
    ],
)
def test_a_bad_item_of_a_cart_is_named(
    shop: Site, items: Any, pointer: str, code: str
) -> None:
    answer = shop.ingest.post(event(eventName="checkout_start", items=items))
    check_problem(answer, 400, "invalid_event")
    assert errors(answer) == [(0, pointer, code)]


@pytest.mark.parametrize("name", ["add_to_cart", "checkout_start", "checkout_complete"])
def test_a_full_cart_is_taken(shop: Site, name: str) -> None:
    good = event(eventName=name, productId="p", items=[ITEM] * 50)
    [entry] = spooled(shop, taken(shop.ingest.post(good)))
    assert entry.obj["items"] == [ITEM] * 50


def test_one_event_too_large_is_413_and_in_a_batch_its_items(shop: Site) -> None:
    # Twelve bytes a character, as escaped: within all limits but the line's.
    smiles = {"name": "😀" * 256, "category": "😀" * 256, "brand": "😀" * 256}
    large = event(eventName="checkout_start", items=[smiles] * 50)
    packed_one = gzip.compress(json.dumps(large).encode())
    fields = {"Content-Encoding": "gzip"}
    problem = check_problem(
        shop.ingest.post(packed_one, fields), 413, "event_too_large"
    )
    assert [item["code"] for item in problem["errors"]] == ["event_too_large"]
    batch = gzip.compress(json.dumps([event(), large, event()]).encode())
    answer = shop.ingest.post(batch, fields)
    assert errors(answer) == [(1, "", "event_too_large")]
    assert len(spooled(shop, taken(answer, 2))) == 2


def test_a_token_is_401_while_nobody_vouches_for_it(shop: Site) -> None:
    before = count(shop)
    for scheme in ("Bearer", "bearer"):
        answer = shop.ingest.post(event(), {"Authorization": f"{scheme} a.b.c"})
        check_problem(answer, 401, "invalid_token")
        challenge = 'Bearer error="invalid_token"'
        assert answer.headers["www-authenticate"] == challenge
    assert count(shop) == before
