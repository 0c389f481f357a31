"""What RFC 8259 does not allow is refused, by the body or by the line, and
its neighbours are taken; lenient parsers would take many of these documents."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ask import check_problem, count, event, new_id, post_bytes, spooled, taken
from support.daemons import Site
from support.http import JSON, RawClient

HEAD = (
    b'"eventName":"page_view","clientId":"client-0001",'
    b'"sessionId":"session-0001"'
)
GOOD = b"{" + HEAD + b"}"
NDJSON = "application/x-ndjson"


@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    with Site(build) as site:
        site.ingest.start()
        yield site


def title(value: bytes) -> bytes:
    """A good event, were it not for this value."""
    return b"{" + HEAD + b',"title":' + value + b"}"


def price(value: bytes) -> bytes:
    return b"{" + HEAD + b',"price":' + value + b"}"


def with_tail(tail: bytes) -> bytes:
    return b"{" + HEAD + tail


def deep(depth: int) -> bytes:
    return title(b"[" * (depth - 1) + b"]" * (depth - 1))


NOT_JSON = {
    # Structure
    "nothing but space": b" \t ",
    "only a brace": b"{",
    "only a bracket": b"]",
    "no end": GOOD[:-1],
    "ended by a bracket": GOOD[:-1] + b"]",
    "one brace too many": GOOD + b"}",
    "no value": with_tail(b',"title":}'),
    "no colon": with_tail(b',"title"}'),
    "a comma for a colon": with_tail(b',"title","a"}'),
    "two colons": with_tail(b',"title"::"a"}'),
    "a comma at the end": with_tail(b",}"),
    "two commas": with_tail(b',,"title":"a"}'),
    "a comma first": b"{," + HEAD + b"}",
    "no comma": with_tail(b'"title":"a"}'),
    "a semicolon": with_tail(b';"title":"a"}'),
    "a bare name": with_tail(b',title:"a"}'),
    "a number for a name": with_tail(b',1:"a"}'),
    "null for a name": with_tail(b',null:"a"}'),
    "single quotes": with_tail(b",'title':'a'}"),
    "a name twice": with_tail(b',"title":"a","title":"b"}'),
    "the id twice": with_tail(b',"clientId":"client-0002"}'),
    "a name twice within": with_tail(b',"props":{"a":1,"a":2}}'),
    "an array without an end": title(b"[1"),
    "an array with a comma at its end": title(b"[1,]"),
    "an array with a comma first": title(b"[,1]"),
    "an array with two commas": title(b"[1,,2]"),
    "an array ended by a brace": title(b"[1}"),
    "an array with a colon": title(b'["a":1]'),
    "an array without a comma": title(b"[1 2]"),
    "33 levels": deep(33),
    "10000 levels": title(b"[" * 10000),
    "10000 objects": title(b'{"a":' * 10000),
    # Before and behind
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "a word behind": GOOD + b" x",
    "a comma behind": GOOD + b",",
    "a NUL behind": GOOD + b"\0",
    "a second object": GOOD + b'{"b":',
    "a second good object": GOOD + GOOD,
    "a comment behind": GOOD + b"//",
    "a comment within": with_tail(b"/**/}"),
    "a hash comment": with_tail(b"#\n}"),
    "a form feed for space": with_tail(b"\x0c}"),
    "a no-break space": with_tail(b"\xc2\xa0}"),
    "a NUL for space": with_tail(b"\0}"),
    "UTF-16": GOOD.decode().encode("utf-16-be"),
    "JSONP": b"f(" + GOOD + b")",
    # Words
    "True": title(b"True"),
    "tru": title(b"tru"),
    "truee": title(b"truee"),
    "nul": title(b"nul"),
    "undefined": title(b"undefined"),
    "NaN": price(b"NaN"),
    "Infinity": price(b"Infinity"),
    "-Infinity": price(b"-Infinity"),
    # Numbers
    "007": price(b"007"),
    "-01": price(b"-01"),
    "2.": price(b"2."),
    "2.e3": price(b"2.e3"),
    ".5": price(b".5"),
    "-": price(b"-"),
    "-.5": price(b"-.5"),
    "+1": price(b"+1"),
    "--1": price(b"--1"),
    "1e": price(b"1e"),
    "1e+": price(b"1e+"),
    "1e1.5": price(b"1e1.5"),
    "1.2.3": price(b"1.2.3"),
    "1_000": price(b"1_000"),
    "1 000": price(b"1 000"),
    "0x1F": price(b"0x1F"),
    "1f": price(b"1f"),
    "a full-width digit": price("１".encode()),
    # Strings
    "a raw newline": title(b'"a\nb"'),
    "a raw carriage return": title(b'"a\rb"'),
    "a raw tab": title(b'"a\tb"'),
    "a raw NUL": title(b'"a\0b"'),
    "a raw 0x1f": title(b'"a\x1fb"'),
    "a raw tab in a name": with_tail(b',"ti\ttle":"a"}'),
    "no closing quote": title(b'"a'),
    "no opening quote": title(b'a"'),
    "an escaped closing quote": title(b'"a\\"'),
    "a backslash at the end": with_tail(b',"title":"a\\'),
    "\\a": title(b'"\\a"'),
    "\\x41": title(b'"\\x41"'),
    "\\'": title(b'"\\\'"'),
    "\\0": title(b'"\\0"'),
    "\\U0041": title(b'"\\U0041"'),
    "\\u": title(b'"\\u"'),
    "\\u00": title(b'"\\u00"'),
    "\\u00A": title(b'"\\u00A"'),
    "\\u00zz": title(b'"\\u00zz"'),
    "\\u+041": title(b'"\\u+041"'),
    "an escaped newline": title(b'"a\\\nb"'),
    "an escaped emoji": title('"\\😀"'.encode()),
    "half a pair, half an escape": title(b'"\\ud83d\\u00"'),
    "a bad escape in a name": with_tail(b',"ti\\qtle":"a"}'),
}  # fmt: skip

NOT_UTF8 = {
    "a lone continuation": b"\x80",
    "Latin-1": b"caf\xe9",
    "two bytes, cut": b"\xc3",
    "two bytes, second bad": b"\xc3\x28",
    "three bytes, cut": b"\xe2\x82",
    "three bytes, third bad": b"\xe2\x82\x28",
    "four bytes, cut": b"\xf0\x9f\x98",
    "four bytes, second bad": b"\xf0\x28\x8c\xbc",
    "overlong slash": b"\xc0\xaf",
    "overlong in three": b"\xe0\x80\xaf",
    "overlong in four": b"\xf0\x80\x80\xaf",
    "overlong NUL": b"\xc0\x80",
    "largest overlong of two": b"\xc1\xbf",
    "largest overlong of three": b"\xe0\x9f\xbf",
    "largest overlong of four": b"\xf0\x8f\xbf\xbf",
    "a raw high surrogate": b"\xed\xa0\x80",
    "a raw low surrogate": b"\xed\xbf\xbf",
    "past U+10FFFF": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "0xfe": b"\xfe",
    "0xff": b"\xff",
}

DOCUMENTS = {name: (document, "invalid_json") for name, document in NOT_JSON.items()}
DOCUMENTS |= {
    f"{name} in a {place}": (document, "invalid_utf8")
    for name, text in NOT_UTF8.items()
    for place, document in (
        ("value", title(b'"a' + text + b'"')),
        ("name", with_tail(b',"a' + text + b'":1}')),
    )
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_is_not_json_is_refused(shop: Site, name: str) -> None:
    document, code = DOCUMENTS[name]
    before = count(shop)
    with RawClient(shop.ingest.port) as client:
        client.send(post_bytes(document) + post_bytes())
        problem = check_problem(client.read(), 400, code)
        assert [item["code"] for item in problem.get("errors", [])] == [code]
        taken(client.read())
        assert client.is_open(0.01)
    assert count(shop) == before + 1


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_line_that_is_not_json_leaves_its_neighbours(shop: Site, name: str) -> None:
    document, code = DOCUMENTS[name]
    lines = [line for line in document.split(b"\n") if line.strip(b" \t\r")]
    if b"\n" in document:
        code = "invalid_json"
    body = b"\n".join([GOOD, document, GOOD])
    before = count(shop)
    with RawClient(shop.ingest.port) as client:
        client.send(post_bytes(body, Content_Type=NDJSON))
        receipt = taken(client.read(), 2)
        assert client.is_open(0.01)
    rejected = [(item["index"], item["code"]) for item in receipt["rejected"]]
    assert rejected == [(1 + at, code) for at, _ in enumerate(lines)]
    assert len(spooled(shop, receipt)) == 2
    assert count(shop) == before + 2


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_array_with_a_broken_element_is_refused_as_a_whole(
    shop: Site, name: str
) -> None:
    document, code = DOCUMENTS[name]
    before = count(shop)
    answer = shop.ingest.post(b"[" + GOOD + b"," + document + b"," + GOOD + b"]")
    problem = check_problem(answer, 400, code)
    assert "errors" not in problem
    assert count(shop) == before


ARRAYS = {
    "no end": b"[" + GOOD,
    "a comma at the end": b"[" + GOOD + b",]",
    "a comma first": b"[," + GOOD + b"]",
    "no comma": b"[" + GOOD + GOOD + b"]",
    "a brace for an end": b"[" + GOOD + b"}",
    "something behind": b"[" + GOOD + b"]x",
    "a second array": b"[" + GOOD + b"][" + GOOD + b"]",
    "a NUL behind": b"[" + GOOD + b"]\0",
    "lines": GOOD + b"\n" + GOOD,
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_a_broken_array_is_refused_as_a_whole(shop: Site, name: str) -> None:
    before = count(shop)
    check_problem(shop.ingest.post(ARRAYS[name]), 400, "invalid_json")
    assert count(shop) == before


def members(number: int) -> bytes:
    """So many in all, of which but three are null and so of no account."""
    more = b"".join(b',"a%d":null' % at for at in range(number - 3))
    return b"{" + HEAD + more + b"}"


def test_an_object_has_at_most_64_members(shop: Site) -> None:
    before = count(shop)
    taken(shop.ingest.post(members(64)))
    problem = check_problem(shop.ingest.post(members(65)), 400, "invalid_event")
    assert [item["code"] for item in problem["errors"]] == ["too_long"]
    three = [GOOD, members(65), GOOD]
    for body, kind in (
        (b"\n".join(three), NDJSON),
        (b"[" + b",".join(three) + b"]", JSON),
    ):
        receipt = taken(shop.ingest.post(body, {"Content-Type": kind}), 2)
        assert [item["code"] for item in receipt["rejected"]] == ["too_long"]
    inner = b"".join(b'"a%d":null,' % at for at in range(65))
    body = with_tail(b',"props":{' + inner + b'"b":1}}')
    problem = check_problem(shop.ingest.post(body), 400, "invalid_event")
    assert [item["code"] for item in problem["errors"]] == ["too_long"]
    assert count(shop) == before + 5


def test_32_levels_are_json(shop: Site) -> None:
    """Title is to be a string, which is another matter."""
    problem = check_problem(shop.ingest.post(deep(32)), 400, "invalid_event")
    assert [item["code"] for item in problem["errors"]] == ["wrong_type"]


def test_white_space_is_where_it_may_be(shop: Site) -> None:
    space = b" \t\r\n"
    parts = [b"{", b'"props"', b":", b"{", b'"a"', b":", b"1", b"}", b","]
    document = space + space.join(parts) + space + HEAD + space + b"}" + space
    receipt = taken(shop.ingest.post(document))
    assert b'"props":{"a":1},' in spooled(shop, receipt)[0].line


def test_a_raw_newline_never_makes_two_lines_of_one_event(shop: Site) -> None:
    """The way to forge a spool line, were it taken."""
    forged = new_id()
    inner = b'","eventId":"' + forged.encode() + b'"}'
    check_problem(shop.ingest.post(title(b'"a\n{' + inner)), 400, "invalid_json")
    receipt = taken(shop.ingest.post(event(title="a\n" + inner.decode())))
    entry = spooled(shop, receipt)[0]
    assert entry.obj["title"] == "a\n" + inner.decode()
    assert forged not in receipt["eventIds"]
