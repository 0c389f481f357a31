"""What is spooled is what was sent: each accepted value byte for byte, beside
what the server knows better."""

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.ask import Event, check_problem, event, new_id, spooled, taken
from support.daemons import MakeSite, Site
from support.spool import Entry

VALUES = [
    "9007199254740993", "1e400", "-1e-400", "-0", "-0.0", "1E5", "1e+05", "0.10", "1.0",
    "123456789012345678901234567890", "true", "false", '""', '"a"',
    r'"\"\\\/\b\f\n\r\t"', r'"\u0001\u001F\u00e4\uD83D\uDE00\u2028"', '"ä€😀"',
    '"\u2028\u2029\u202e\ufeff"', '"\U0010ffff"', '"\x7f"', '"  a   b  "',
    r'"{\"a\": [1, 2]}"',
]  # fmt: skip
DAY = 24 * 3600 * 1000
REPLACED = [
    "userId", "userLoginState", "identitySource", "path", "method", "statusCode",
    "latencyMs", "userAgent", "sourceIp", "requestId",
]  # fmt: skip
RESERVED = ["_aws", "_crc", "_", "_segment", "ts", "logCategory", "clockSkewed"]


@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    with Site(build) as site:
        site.ingest.start()
        yield site


def text_of(members: str) -> bytes:
    """An event with these members, as text, behind the usual ones."""
    usual = {name: value for name, value in event().items() if name != "urlPath"}
    good = json.dumps(usual, separators=(",", ":"))
    return f"{good[:-1]},{members}}}".encode()


def take_one(site: Site, body: bytes | Event, headers: Any = None) -> Entry:
    [entry] = spooled(site, taken(site.ingest.post(body, headers)))
    return entry


@pytest.mark.parametrize("value", VALUES)
def test_values_of_props_are_kept_to_the_byte(shop: Site, value: str) -> None:
    line = take_one(shop, text_of(f' "props" : {{ "p" : {value} , "q":1 }} ')).line
    assert f',"props":{{"p":{value},"q":1}},'.encode() in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", "0.10"), ("price", "1E5"), ("price", "-0"), ("price", "1000000000"),
        ("price", "1e-400"), ("value", "0.1000000000000000055511151231257827"),
        ("discountPrice", "999999999.999999999999"), ("quantity", "1000000"),
        ("currency", '"EUR"'), ("orderId", '"' + "😀" * 128 + '"'),
        ("productId", '"' + r"\uD83D\uDE00" * 128 + '"'), ("name", '"' + "ä" * 256 + '"'),
        ("category", r'"\u0041\/"'), ("brand", '""'), ("title", '"' + "a" * 2048 + '"'),
        ("title", '"' + "\U0010ffff" * 2048 + '"'), ("urlPath", r'"\/a?b=c#d"'),
        ("urlPath", r'"\u002Fa"'), ("urlPath", '"/' + "é" * 2047 + '"'),
        ("referrer", '"https://a.example/?q= x "'),
    ],
)  # fmt: skip
def test_values_of_fields_are_kept_to_the_byte(
    shop: Site, name: str, value: str
) -> None:
    line = take_one(shop, text_of(f'\t"{name}"\n:\r {value} ')).line
    assert f',"{name}":{value},'.encode() in line


def test_white_space_outside_strings_goes_and_inside_stays(shop: Site) -> None:
    body = (
        b' {\r\n "eventName" : "checkout_start" ,\t"clientId":"client-0001",'
        b'"sessionId" :"session-0001", "items" : [ { "name" : " a  \\" b " , '
        b'"price" : 1 } , {} ] , "title":" \\\\" , "props" : { } } \n'
    )
    line = take_one(shop, body).line
    assert b',"items":[{"name":" a  \\" b ","price":1},{}],' in line
    assert b',"title":" \\\\",' in line
    assert b',"props":{},' in line


def test_a_line_is_one_line_and_begins_as_promised(shop: Site) -> None:
    entry = take_one(shop, event(title="a\nb\r\n\u2028c"))
    assert b"\n" not in entry.line
    assert re.match(rb'\{"_crc":"[0-9a-f]{8}","ts":\d{13},"eventId":"', entry.line)
    assert b'"title":"a\\nb\\r\\n\\u2028c"' in entry.line


def test_null_is_absent_and_is_not_spooled(shop: Site) -> None:
    nothing = dict.fromkeys(["price", "props", "items", "colour", "userId", "_aws"])
    entry = take_one(shop, event(**nothing))
    assert not set(nothing) - {"userId"} & set(entry.obj)
    assert b"null" not in entry.line
    props: dict[str, Any] = {f"p{at}": at for at in range(20)}
    entry = take_one(shop, event(props=props | {"none": None, "not-even-a-name": None}))
    assert entry.obj["props"] == props
    cart = [{"name": None, "orderId": None, "price": 1}]
    entry = take_one(shop, event(eventName="checkout_start", items=cart))
    assert entry.obj["items"] == [{"price": 1}]


@pytest.mark.parametrize("value", [1, "a", [], {"a": 1}, True])
def test_the_servers_own_values_win(shop: Site, value: Any) -> None:
    sent = event(**dict.fromkeys(REPLACED, value))
    headers = {"User-Agent": "tests/1 ä\t😀".encode().decode("latin-1")}
    entry = take_one(shop, sent, headers)
    obj = entry.obj
    assert obj["userLoginState"] == "guest"
    assert obj["identitySource"] == "client"
    assert obj["logCategory"] == "business"
    assert (obj["path"], obj["method"], obj["statusCode"]) == ("/events", "POST", 202)
    assert type(obj["latencyMs"]) is int and 0 <= obj["latencyMs"] < 60000
    assert obj["sourceIp"] == "127.0.0.1"
    assert obj["userAgent"].startswith("tests/1 ä")
    assert "userId" not in obj
    for name in REPLACED:
        assert entry.line.count(f'"{name}":'.encode()) <= 1


@pytest.mark.parametrize("keep", [False, True])
def test_reserved_names_never_come_from_a_client(
    make_site: MakeSite, keep: bool
) -> None:
    site = make_site({"events": {"unknown_fields": "keep" if keep else "refuse"}})
    site.ingest.start()
    for name in RESERVED:
        answer = site.ingest.post(event(**{name: 1}))
        problem = check_problem(answer, 400, "invalid_event")
        assert problem["errors"][0]["code"] == "unknown_field", name
    for spelling in (r"\u005faws", r"_aw\u0073", r"logCategor\u0079"):
        answer = site.ingest.post(text_of(f'"{spelling}":1'))
        check_problem(answer, 400, "invalid_event")


def test_unknown_fields_are_kept_where_told_and_bounded(make_site: MakeSite) -> None:
    site = make_site({"events": {"unknown_fields": "keep"}})
    site.ingest.start()
    value = '{"a":[1,{"_aws":1e400}],"b":" "}'
    line = take_one(site, text_of(f'"colour": {value} ')).line
    assert f',"colour":{value},'.encode() in line
    for bad, code in [
        ('"a b":1', "bad_format"), (r'"\u0061":1', "bad_format"),
        (r'"a":"\u0000"', "bad_format"), (r'"a":{"\ud800":1}', "bad_format"),
        ('"a":"' + "x" * 100000 + '"', "too_long"),
    ]:  # fmt: skip
        problem = check_problem(site.ingest.post(text_of(bad)), 400, "invalid_event")
        assert problem["errors"][0]["code"] == code, bad[:20]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (1767323045678, "2026-01-02T03:04:05.678Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600Z"),
        ("2026-01-02t03:04:05.678999z", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02T11:04:05.678+08:00", "2026-01-02T03:04:05.678Z"),
        ("2026-01-01T23:04:05.678-04:00", "2026-01-02T03:04:05.678Z"),
    ],
)
def test_a_far_time_is_kept_in_one_form_and_marked(
    shop: Site, sent: Any, kept: str
) -> None:
    obj = take_one(shop, event(eventTimestamp=sent)).obj
    assert obj["eventTimestamp"] == kept
    assert obj["clockSkewed"] is True


@pytest.mark.parametrize("offset", [None, 0, 3600 * 1000 - DAY, DAY - 3600 * 1000])
def test_a_near_time_is_not_marked(shop: Site, offset: int | None) -> None:
    before = int(time.time() * 1000)
    sent = event() if offset is None else event(eventTimestamp=before + offset)
    entry = take_one(shop, sent)
    assert "clockSkewed" not in entry.obj
    stamp = datetime.fromisoformat(entry.obj["eventTimestamp"]).timestamp()
    assert 0 <= round(stamp * 1000) - before - (offset or 0) < 60000
    assert before <= entry.ts < before + 60000


def test_anonymous_clients_leave_neither_address_nor_agent(shop: Site) -> None:
    batch = [event(clientId="anon-0001"), event(clientId="Anon-0001")]
    answer = shop.ingest.post(batch, {"User-Agent": "tests"})
    anonymous, other = spooled(shop, taken(answer, 2))
    assert not {"sourceIp", "userAgent"} & set(anonymous.obj)
    assert other.obj["sourceIp"] == "127.0.0.1"
    assert other.obj["userAgent"] == "tests"


@pytest.mark.parametrize(
    ("source_ip", "v4", "v6"),
    [
        ("full", "203.0.113.77", "2001:db8:1:2:3:4:5:6"),
        ("network", "203.0.113.0", "2001:db8:1::"),
        ("none", None, None),
    ],
)
def test_privacy(
    make_site: MakeSite, source_ip: str, v4: str | None, v6: str | None
) -> None:
    site = make_site({"privacy": {"source_ip": source_ip, "user_agent": "none"}})
    site.ingest.start()
    for sent, kept in [("203.0.113.77", v4), ("2001:db8:1:2:3:4:5:6", v6)]:
        one = event(eventId=new_id())
        obj = take_one(site, one, {"X-Forwarded-For": sent, "User-Agent": "t"}).obj
        assert obj.get("sourceIp") == kept
        assert "userAgent" not in obj
