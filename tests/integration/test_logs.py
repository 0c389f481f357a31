"""POST /logs: the shop's own API, over a Unix socket."""

import gzip
import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ask import check_problem, new_id
from support.daemons import MakeSite, Site
from support.http import RawClient, Response, request_bytes
from support.npm import install
from support.spool import read_spool
from support.wait import wait_until

Entry = dict[str, Any]
CRUD: Entry = {"logCategory": "crud", "action": "order.create"}
JSON = "application/json"


@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    with Site(build) as site:
        site.ingest.start()
        yield site


def socket_of(site: Site) -> str:
    return str(site.config["listen"]["internal"]).removeprefix("unix:")


def post(site: Site, body: Any, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Type": JSON}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    with RawClient(socket_of(site)) as client:
        client.send(request_bytes("POST", "/logs", raw, fields))
        return client.read()


def stored(site: Site, answer: Response) -> list[Entry]:
    assert answer.status == 202, answer
    assert answer.json()["identity"] == "api"
    by_id = {e.event_id: e.obj for e in read_spool(site.spool)}
    return [by_id[event_id] for event_id in answer.json()["eventIds"]]


def test_the_callers_own_words_are_kept(shop: Site) -> None:
    sent = CRUD | {
        "outcome": "success", "userId": "u-1", "userLoginState": "authenticated",
        "path": "/api/orders", "method": "POST", "statusCode": 201,
        "latencyMs": 12.50, "userAgent": "curl \"8\"", "sourceIp": "203.0.113.7",
        "requestId": "req-7", "orderId": "o-1", "productId": "p-1",
    }  # fmt: skip
    [entry] = stored(shop, post(shop, sent))
    for name, value in sent.items():
        assert entry[name] == value
    assert entry["identitySource"] == "api"
    assert "eventTimestamp" in entry


def test_what_the_caller_does_not_say_is_not_made_up(shop: Site) -> None:
    answer = post(shop, CRUD, X_Request_Id="mine")
    [entry] = stored(shop, answer)
    assert entry["requestId"] == "mine"
    assert set(entry) == {
        "_crc", "ts", "eventId", "logCategory", "action", "eventTimestamp",
        "identitySource", "requestId",
    }  # fmt: skip
    [entry] = stored(shop, post(shop, CRUD | {"identitySource": "session"}))
    assert entry["identitySource"] == "session"


PERSON: Entry = {"sourceIp": "203.0.113.7", "userAgent": "curl"}


@pytest.mark.parametrize(
    ("source_ip", "sent", "kept"),
    [
        ("full", "203.0.113.7", "203.0.113.7"),
        ("full", "not an address", "not an address"),
        ("network", "203.0.113.7", "203.0.113.0"),
        ("network", "[2001:db8:1:2::5]:443", "2001:db8:1::"),
        ("network", "not an address", None),
        ("network", "", None),
        ("none", "203.0.113.7", None),
    ],
)
def test_privacy_holds_for_the_api_too(
    make_site: MakeSite, source_ip: str, sent: str, kept: str | None
) -> None:
    site = make_site({"privacy": {"source_ip": source_ip, "user_agent": "none"}})
    site.ingest.start()
    [entry] = stored(site, post(site, CRUD | PERSON | {"sourceIp": sent}))
    assert entry.get("sourceIp") == kept
    assert "userAgent" not in entry


@pytest.mark.parametrize("last", [False, True])
def test_an_anonymous_client_of_the_api_has_no_address(shop: Site, last: bool) -> None:
    client = {"clientId": "anon-0001"}
    sent = CRUD | (PERSON | client if last else client | PERSON)
    [entry] = stored(shop, post(shop, sent))
    assert entry["clientId"] == "anon-0001"
    assert not entry.keys() & PERSON.keys()
    [entry] = stored(shop, post(shop, CRUD | PERSON | {"clientId": "client-1"}))
    assert PERSON.items() <= entry.items()


def test_business_entries_obey_the_catalog_without_a_browser(shop: Site) -> None:
    view = {"logCategory": "business", "eventName": "product_view"}
    [entry] = stored(shop, post(shop, view | {"productId": "p-1"}))
    assert "clientId" not in entry
    problem = check_problem(post(shop, view), 400, "invalid_event")
    assert [e["pointer"] for e in problem["errors"]] == ["/productId"]


@pytest.mark.parametrize(
    ("entry", "code", "pointer"),
    [
        ({"action": "x"}, "missing_field", "/logCategory"),
        ({"logCategory": "crud"}, "missing_field", "/action"),
        ({"logCategory": "business"}, "missing_field", "/eventName"),
        (CRUD | {"logCategory": "clickspool"}, "bad_format", "/logCategory"),
        (CRUD | {"logCategory": 7}, "wrong_type", "/logCategory"),
        (CRUD | {"action": "No Spaces"}, "bad_format", "/action"),
        (CRUD | {"action": "a" * 65}, "bad_format", "/action"),
        (CRUD | {"action": ""}, "bad_format", "/action"),
        (CRUD | {"outcome": "maybe"}, "bad_format", "/outcome"),
        (CRUD | {"statusCode": "200"}, "wrong_type", "/statusCode"),
        (CRUD | {"statusCode": 99}, "out_of_range", "/statusCode"),
        (CRUD | {"latencyMs": -1}, "out_of_range", "/latencyMs"),
        (CRUD | {"userId": "u" * 129}, "too_long", "/userId"),
        (CRUD | {"_aws": {}}, "unknown_field", "/_aws"),
        (CRUD | {"ts": 1}, "unknown_field", "/ts"),
        (CRUD | {"colour": "red"}, "unknown_field", "/colour"),
        (CRUD | {"eventId": "x"}, "bad_format", "/eventId"),
    ],
)
def test_a_bad_entry_is_told(
    shop: Site, entry: Entry, code: str, pointer: str
) -> None:
    problem = check_problem(post(shop, entry), 400, "invalid_event")
    assert [(e["code"], e["pointer"]) for e in problem["errors"]] == [(code, pointer)]


def test_arrays_lines_gzip_and_retries(shop: Site) -> None:
    known = CRUD | {"eventId": new_id()}
    answer = post(shop, [known, {"logCategory": "auth"}, CRUD])
    assert (answer.json()["accepted"], len(answer.json()["rejected"])) == (2, 1)
    lines = "\n".join(json.dumps(entry) for entry in (known, CRUD)).encode()
    answer = post(
        shop, gzip.compress(lines), Content_Type="application/x-ndjson",
        Content_Encoding="gzip",
    )  # fmt: skip
    assert (answer.json()["accepted"], answer.json()["duplicates"]) == (1, 1)


def test_the_socket_is_for_its_group_and_logs_are_not_public(shop: Site) -> None:
    told = Path(socket_of(shop)).stat()
    assert stat.S_ISSOCK(told.st_mode)
    assert stat.S_IMODE(told.st_mode) == 0o660
    with RawClient(shop.ingest.port) as client:
        client.send(request_bytes("POST", "/logs", b"{}", {"Content-Type": JSON}))
        assert client.read().status == 404
    with RawClient(socket_of(shop)) as client:
        client.send(request_bytes("POST", "/events", b"{}", {"Content-Type": JSON}))
        assert client.read().status == 404


def test_a_browsers_event_cannot_say_who_it_is(shop: Site) -> None:
    event = CRUD | {"eventName": "page_view", "clientId": "c" * 8, "sessionId": "s" * 8}
    answer = shop.ingest.post(event)
    assert answer.status == 400


def test_without_the_socket_browsers_are_served(make_site: MakeSite) -> None:
    site = make_site()
    site.configure({"listen": {"internal": f"unix:{site.folder}/none/log.sock"}})
    site.ingest.start()
    assert "listen_failed for=internal" in site.ingest.stderr()


EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples"
SERVER = """
const express = require('express');
const clickspool = require(process.argv[1]);
const app = express();
app.use(clickspool({ socket: process.argv[2], user: (req) => req.get('x-user') }));
app.post('/api/orders/:id', (req, res) => res.status(201).json({ id: 1 }));
app.delete('/api/orders/:id', (req, res) => res.status(404).end());
app.post('/login', (req, res) => res.status(401).end());
app.get('/boom', () => { throw new Error('boom'); });
app.listen(Number(process.argv[3]), '127.0.0.1', () => console.log('ready'));
"""


@pytest.fixture(scope="module")
def express(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Express in it, of the version that is pinned."""
    folder = tmp_path_factory.mktemp("express")
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_text((EXAMPLE / name).read_text())
    install(folder)
    return folder


@pytest.mark.timeout(300)
def test_the_express_example(make_site: MakeSite, express: Path) -> None:
    import http.client

    from support.daemons import free_port

    source = (EXAMPLE / "express-clickspool.js").read_text()
    assert len(source.splitlines()) <= 60
    site, port = make_site(), free_port()
    site.ingest.start()
    program = express / "server.js"
    program.write_text(SERVER.replace("process.argv[", "process.argv[1 + "))
    with subprocess.Popen(
        ["node", program, EXAMPLE / "express-clickspool.js", socket_of(site), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as node:
        try:
            assert node.stdout and node.stdout.readline() == b"ready\n"

            def ask(method: str, path: str) -> int:
                connection = http.client.HTTPConnection("127.0.0.1", port)
                connection.request(method, path, headers={"X-User": "u-9"})
                status = connection.getresponse().status
                connection.close()
                return status

            site.ingest.kill()  # entries wait for it, with ids of their own
            assert ask("POST", "/api/orders/7?secret=1") == 201
            assert ask("DELETE", "/api/orders/7") == 404
            assert ask("POST", "/login") == 401
            assert ask("GET", "/boom") == 500
            site.ingest.start()
            wait_until(lambda: len(read_spool(site.spool)) >= 3, timeout=30)
        finally:
            node.terminate()
    told = {
        (e.obj["logCategory"], e.obj["action"], e.obj["outcome"], e.obj["statusCode"])
        for e in read_spool(site.spool)
    }
    assert told == {
        ("crud", "create", "success", 201),
        ("crud", "delete", "failure", 404),
        ("auth", "login", "failure", 401),
    }
    for entry in read_spool(site.spool):
        assert entry.obj["userId"] == "u-9"
        assert entry.obj["path"] in ("/api/orders/7", "/login")
        assert entry.obj["latencyMs"] >= 0
        assert entry.obj["requestId"]
