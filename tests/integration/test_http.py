"""HTTP/1.1 to the letter: what is well-formed is served in order, what is not
gets one refusal, the end of its connection, and leaves nothing behind."""

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.ask import check_problem, count, event, post_bytes, refused, taken
from support.daemons import MakeSite, Site
from support.http import RawClient, request, request_bytes
from support.malformed import (
    BAD,
    BAD_CHUNKS,
    BODY,
    CHUNK,
    CHUNKED,
    GET,
    HOST,
    LENGTH,
    START,
    TOO_MUCH,
    fields,
)


@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    with Site(build) as site:
        site.ingest.start()
        yield site


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_request_is_refused_once_and_closed(shop: Site, name: str) -> None:
    before = count(shop)
    refused(shop.ingest.port, BAD[name], 400, "bad_request")
    assert count(shop) == before


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_a_malformed_chunked_body_is_refused_once(shop: Site, name: str) -> None:
    before = count(shop)
    sent = START + CHUNKED + b"\r\n" + BAD_CHUNKS[name]
    refused(shop.ingest.port, sent, 400, "bad_request")
    assert count(shop) == before


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_is_too_much_is_refused_by_its_own_status(shop: Site, name: str) -> None:
    before = count(shop)
    sent, status, code = TOO_MUCH[name]
    refused(shop.ingest.port, sent, status, code)
    assert count(shop) == before


def test_what_fills_the_bounds_is_served(shop: Site) -> None:
    with RawClient(shop.ingest.port) as client:
        client.send(GET + HOST + fields(63) + b"\r\n")
        assert client.read().status == 200
        path = b"/healthz?" + b"a" * (2048 - 9)
        client.send(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        assert client.read().status == 200
        start = GET + HOST + b"X: "
        client.send(start + b"a" * (16384 - len(start) - 4) + b"\r\n\r\n")
        assert client.read().status == 200


@pytest.mark.parametrize(
    "host", ["shop.example:8080", "[2001:db8::1]", "[::1]:80", "127.0.0.1", "a_b.x"]
)
def test_hosts_that_are_well_formed(shop: Site, host: str) -> None:
    answer = request(shop.ingest.port, "GET", "/healthz", headers={"Host": host})
    assert answer.status == 200


def test_a_hundred_requests_in_one_segment_are_answered_in_order(shop: Site) -> None:
    before = count(shop)
    sent = [post_bytes(X_Request_Id=f"id-{at}") for at in range(100)]
    sent[50] = request_bytes("GET", "/healthz", headers={"X-Request-Id": "id-50"})
    sent[51] = request_bytes("GET", "/nothing", headers={"X-Request-Id": "id-51"})
    with RawClient(shop.ingest.port) as client:
        client.send(b"".join(sent))
        answers = [client.read() for _ in sent]
    assert [a.headers["x-request-id"] for a in answers] == [
        f"id-{at}" for at in range(100)
    ]
    statuses = {at: a.status for at, a in enumerate(answers) if a.status != 202}
    assert statuses == {50: 200, 51: 404}
    assert count(shop) == before + 98


@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_may_be_split_at_every_byte(shop: Site, chunked: bool) -> None:
    if chunked:
        sent = START + CHUNKED + b"\r\n" + CHUNK + b"0;a=b\r\nX-Sum: 1\r\n\r\n"
    else:
        sent = START + LENGTH + b"\r\n" + BODY
    with RawClient(shop.ingest.port) as client:
        for at in range(1, len(sent)):
            client.send(sent[:at])
            client.send(sent[at:])
            taken(client.read())
        client.send(sent, slice_of=1)
        taken(client.read())
        assert client.is_open()


def test_continue_is_told_once_the_head_is_good(shop: Site) -> None:
    head = START + LENGTH + b"Expect: 100-Continue\r\n\r\n"
    with RawClient(shop.ingest.port) as client:
        client.send(head)
        assert client.read().status == 100
        client.send(BODY)
        taken(client.read())
        client.send(head + BODY)  # who does not wait need not be told
        taken(client.read())
    with RawClient(shop.ingest.port) as client:
        client.send(head.replace(b"/events", b"/nothing"))
        check_problem(client.read(), 404, "not_found")
        assert client.read_end().rest == b""


def test_head_has_the_fields_of_get_and_no_body(shop: Site) -> None:
    with RawClient(shop.ingest.port) as client:
        client.send(GET + HOST + b"\r\n")
        got = client.read()
        client.send(b"HEAD /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
        head = client.read(head_only=True)
        client.send(b"HEAD /nothing HTTP/1.1\r\n" + HOST + b"\r\n")
        missing = client.read(head_only=True)
        assert client.is_open()
    assert head.status == got.status == 200
    assert missing.status == 404
    assert head.headers.keys() == got.headers.keys()
    assert head.headers["content-length"] == got.headers["content-length"]


def test_http_1_0_closes_unless_asked_not_to(shop: Site) -> None:
    with RawClient(shop.ingest.port) as client:
        client.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = client.read()
        assert (answer.status, answer.headers["connection"]) == (200, "keep-alive")
        client.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        answer = client.read()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert client.read_end().rest == b""


@pytest.mark.parametrize(
    "sent",
    [post_bytes(Connection="close"), GET + HOST + b"Connection: close\r\n\r\n"],
    ids=["POST", "GET"],
)
def test_connection_close_is_honoured(shop: Site, sent: bytes) -> None:
    with RawClient(shop.ingest.port) as client:
        client.send(sent + post_bytes())
        answer = client.read()
        assert answer.status < 300
        assert answer.headers["connection"] == "close"
        assert client.read_end().rest == b""


def test_a_client_that_has_shut_its_end_gets_its_answer(shop: Site) -> None:
    with RawClient(shop.ingest.port) as client:
        client.send(post_bytes())
        client.finish()
        taken(client.read())
        assert client.read_end().rest == b""


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "allow"),
    [
        ("GET", "/nothing", 404, "not_found", None),
        ("POST", "/events/", 404, "not_found", None),
        ("GET", "/readyz", 404, "not_found", None),  # the admin address has it
        ("GET", "/events", 405, "method_not_allowed", "POST, OPTIONS"),
        ("PUT", "/events", 405, "method_not_allowed", "POST, OPTIONS"),
        ("DELETE", "/healthz", 405, "method_not_allowed", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_refusal_without_a_body_keeps_the_connection(
    shop: Site, method: str, path: str, status: int, code: str, allow: str | None
) -> None:
    with RawClient(shop.ingest.port) as client:
        client.send(request_bytes(method, path, headers={"Content-Length": "0"}))
        answer = client.read()
        check_problem(answer, status, code)
        assert answer.headers.get("allow") == allow
    with RawClient(shop.ingest.port) as client:
        client.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        check_problem(client.read(), status, code)
        client.send(post_bytes())
        taken(client.read())


def test_a_post_says_how_long_it_is_and_what_it_is(shop: Site) -> None:
    port = shop.ingest.port
    with RawClient(port) as client:
        client.send(START + b"\r\n")
        check_problem(client.read(), 411, "length_required")
    wrong = [post_bytes(Content_Type=kind) for kind in ("text/html", "x", "json")]
    wrong += [post_bytes(Content_Encoding=c) for c in ("br", "gzip, gzip", "x")]
    wrong.append(request_bytes("POST", "/events", BODY))
    for sent in wrong:
        refused_and_kept(port, sent, 415, "unsupported_media_type")


def refused_and_kept(port: int, sent: bytes, status: int, code: str) -> None:
    """A refusal by the head alone: its body is skipped, whenever it comes, and
    the next request is served."""
    with RawClient(port) as client:
        client.send(sent + post_bytes())
        check_problem(client.read(), status, code)
        assert client.read().status == 202
        head, _, body = sent.partition(b"\r\n\r\n")
        client.send(head + b"\r\n\r\n")
        check_problem(client.read(), status, code)
        for byte in body + post_bytes():
            client.send(bytes([byte]))
        assert client.read().status == 202


def test_a_body_that_may_not_come_ends_the_connection(shop: Site) -> None:
    """Asked for by 100-continue, too long, or in chunks."""
    body = b"x" * 262_145
    for sent in (
        post_bytes(Content_Type="x", Expect="100-continue").partition(BODY)[0],
        request_bytes("POST", "/events", body, {"Content-Type": "x"})[:500],
        START + b"Content-Type: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    ):
        with RawClient(shop.ingest.port) as client:
            client.send(sent)
            answer = client.read()
            check_problem(answer, 415, "unsupported_media_type")
            assert answer.headers["connection"] == "close"


def test_a_small_request_in_pieces_is_served_whatever_others_hold(
    make_site: MakeSite,
) -> None:
    """All that waits for its end shares 32 MiB; who needs little gets it."""
    site = make_site()
    site.ingest.start()
    large = START + b"Content-Length: 262144\r\n\r\n" + b" " * 250000
    with ExitStack() as stack:
        for _ in range(200):
            client = stack.enter_context(RawClient(site.ingest.port))
            with contextlib.suppress(ConnectionError):
                client.send(large)
        small = stack.enter_context(RawClient(site.ingest.port))
        for _ in range(3):
            small.send(START + LENGTH + b"\r\n" + BODY, slice_of=100, pause=0.005)
            taken(small.read())


@pytest.mark.parametrize("given", ["a", "0-9.Z_z", "a" * 64])
def test_a_well_formed_request_id_is_kept(shop: Site, given: str) -> None:
    answer = shop.ingest.post(event(), {"X-Request-Id": given})
    assert taken(answer)["requestId"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", 'a"b', "ä", "a/b", "a,b"])
def test_another_request_id_is_replaced(shop: Site, given: str) -> None:
    answer = shop.ingest.post(event(), {"X-Request-Id": given})
    assert len(taken(answer)["requestId"]) == 36
