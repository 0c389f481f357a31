"""clickspoolctl refused: what ingest remembers of what it refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.server import LocalServer, Quiet
from support.shop import event

OK, USAGE, UNREACHABLE = 0, 2, 3


class Admin(LocalServer):
    """An admin address that answers GET /refused as told."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        admin = self

        class Handler(Quiet):
            def do_GET(self) -> None:
                known = self.path == "/refused"
                self.send_response(admin.status if known else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(admin.body)))
                self.end_headers()
                self.wfile.write(admin.body)

        self.serve(Handler)

    def answer(self, *rows: dict[str, Any], indent: int | None = None) -> None:
        self.body = json.dumps({"refused": rows}, indent=indent).encode()


@pytest.fixture
def admin() -> Iterator[Admin]:
    with Admin() as running:
        yield running


@pytest.fixture
def asked(make_site: MakeSite, admin: Admin) -> Site:
    address = admin.url.removeprefix("http://")
    return make_site({"listen": {"admin": address}})


def refusal(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "at": f"2026-01-02T03:04:{number:02}.678Z",
        "event": "add_to_cart",
        "code": "unknown_field",
        "pointer": "/colour",
        "path": "/shoes",
        "requestId": f"request-{number}",
    } | fields


def refused(site: Site, *args: str, code: int = OK) -> str:
    done = site.ctl("refused", *args)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout if code == OK else done.stderr


def test_the_newest_is_last(asked: Site, admin: Admin) -> None:
    admin.answer(refusal(2), refusal(1), refusal(0))
    rows = refused(asked).splitlines()
    assert [row.split()[-1] for row in rows] == [f"request-{n}" for n in range(3)]
    assert rows[0].split()[:5] == [
        "2026-01-02T03:04:00.678Z",
        "unknown_field",
        "add_to_cart",
        "/colour",
        "/shoes",
    ]


def test_ingest_tells_what_it_refused(site: Site) -> None:
    site.ingest.start()
    for number in range(2):
        answer = site.ingest.post(event(**{f"colour{number}": "red"}))
        assert answer.status == 400
    first, second = refused(site).splitlines()
    assert "/colour0" in first and "/colour1" in second
    assert answer.json()["requestId"] in second


def test_json_is_one_a_line(asked: Site, admin: Admin) -> None:
    admin.answer(refusal(2, path=None), refusal(1), indent=2)
    rows = [json.loads(row) for row in refused(asked, "--json").splitlines()]
    assert rows == [refusal(1), refusal(2, path=None)]


def test_what_a_stranger_named_does_not_reach_the_terminal(
    asked: Site, admin: Admin
) -> None:
    admin.answer(refusal(1, event="\x1b[31m\u202ered\n", pointer=None, path=None))
    text = refused(asked)
    assert "\x1b" not in text and "\u202e" not in text and text.count("\n") == 1
    assert text.split()[3:5] == ["-", "-"]


def test_nothing_refused_is_nothing(asked: Site, admin: Admin) -> None:
    admin.answer()
    assert refused(asked) == ""


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"refused":{}}', b"<html>"])
def test_an_odd_answer_is_exit_3(asked: Site, admin: Admin, body: bytes) -> None:
    admin.body = body
    assert "[listen] admin" in refused(asked, code=UNREACHABLE)


def test_nobody_there_is_exit_3(asked: Site, admin: Admin) -> None:
    admin.status = 404
    assert "404" in refused(asked, code=UNREACHABLE)
    asked.configure({"listen": {"admin": "127.0.0.1:1"}})
    assert "onnect" in refused(asked, code=UNREACHABLE)
    asked.configure({"listen": {"admin": "unix:/nonexistent/socket"}})
    refused(asked, code=UNREACHABLE)
    refused(asked, "more", code=USAGE)
