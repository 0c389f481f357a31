"""The demo shop's server: who may change a picture, and what files it shows."""

import http.client
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.daemons import free_port
from support.issuer import Issuer
from support.tokens import CLIENT, ISSUER, Key, access_token, token
from support.wait import wait_until

SERVER = Path(__file__).resolve().parents[2] / "docs" / "demo" / "server.mjs"
KEY = "products/straw-hat/1.png"
IMAGE = "/api/products/straw-hat/image"
STAFF = {"cognito:groups": ["admin"]}


def settings(issuer: Issuer, folder: Path) -> dict[str, Any]:
    page = {
        "endpoint": "http://127.0.0.1:1/events",
        "cognito": {"url": "http://127.0.0.1:2/", "clientId": CLIENT},
    }
    return {
        "page": page,
        "issuer": ISSUER,
        "jwksUrl": issuer.url,
        "imageBase": "http://127.0.0.1:2/pictures",
        "logSocket": str(folder / "log.sock"),
    }


@pytest.fixture(scope="module")
def key() -> Key:
    return Key()


@pytest.fixture(scope="module")
def port(key: Key, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("demo")
    (folder / "site").mkdir()
    (folder / "site" / "index.html").write_text("the shop")
    (folder / "shop.json").write_text("")
    log = folder / "log"
    with Issuer(key) as issuer:
        wanted = str(free_port())
        command = ["node", SERVER, folder / "site", folder / "shop.json", wanted]
        with log.open("w") as output:
            process = subprocess.Popen(command, stdout=output)
        try:
            wait_until(lambda: "listening" in log.read_text())
            listening = int(log.read_text().rpartition(":")[2])
            assert ask(listening, "GET", "/")[0] == 503, "nobody told it anything yet"
            (folder / "shop.json").write_text(json.dumps(settings(issuer, folder)))
            yield listening
        finally:
            process.terminate()
            process.wait(10)


def ask(
    port: int, method: str, path: str, body: Any = None, bearer: str | None = None
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    connection.request(method, path, body and json.dumps(body), headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    is_json = answer.headers["Content-Type"] == "application/json"
    return answer.status, json.loads(content) if is_json else content


def test_staff_changes_a_picture(port: int, key: Key) -> None:
    status, product = ask(port, "POST", IMAGE, {"key": KEY}, token(key, **STAFF))
    assert (status, product["image"]) == (201, f"http://127.0.0.1:2/pictures/{KEY}")
    products = ask(port, "GET", "/api/products")[1]
    assert [one["productId"] for one in products if "image" in one] == ["straw-hat"]


def test_nobody_else_does(port: int, key: Key) -> None:
    other = Key(key.kid, which=1)
    for bearer, expected in (
        (None, 403),
        (token(key), 403),
        (token(key, **{"cognito:groups": "admin"}), 403),
        ("rubbish", 401),
        (token(other, **STAFF), 401),
        (token(Key(), **STAFF), 401),
        (token(key, **STAFF, exp=1), 401),
        (token(key, **STAFF, iss="https://elsewhere"), 401),
        (token(key, **STAFF, aud="another-app"), 401),
        (access_token(key, **STAFF), 401),
    ):
        assert ask(port, "POST", IMAGE, {"key": KEY}, bearer)[0] == expected, bearer


@pytest.mark.parametrize(
    "name",
    [
        None,
        7,
        [KEY],
        f"{KEY}?",
        "products/linen-shirt/1.png",
        "products/straw-hat/../x.png",
    ],
)
def test_a_key_is_looked_at(port: int, key: Key, name: Any) -> None:
    assert ask(port, "POST", IMAGE, {"key": name}, token(key, **STAFF))[0] == 400


def test_the_server_knows_what_an_order_costs(port: int) -> None:
    items = [
        {"productId": "canvas-shoes", "quantity": 2, "price": 1},
        {"productId": "beeswax-candle", "quantity": 1},
    ]
    status, order = ask(port, "POST", "/api/orders", {"items": items})
    assert (status, order["value"]) == (201, 132.4)
    boat = {"productId": "boat", "quantity": 1}
    for bad in ([], [boat], [items[0] | {"quantity": -1}]):
        assert ask(port, "POST", "/api/orders", {"items": bad})[0] == 400


def test_pages_and_no_files_from_elsewhere(port: int) -> None:
    for page in ("/", "/cart", "/product/straw-hat"):
        assert ask(port, "GET", page) == (200, b"the shop")
    for path in ("/../shop.json", "/%2e%2e/shop.json", "/x/..%2f..%2fshop.json"):
        assert ask(port, "GET", path)[0] == 404
