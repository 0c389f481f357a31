"""docs/openapi.yaml is valid, complete, and what the daemon really answers."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from support.ask import event
from support.daemons import MakeSite, Site
from support.http import Response, request

ROOT = Path(__file__).resolve().parents[2]
API = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
PROBLEMS = (ROOT / "ingest" / "problem.h").read_text()
ROUTES = (ROOT / "ingest" / "router.c").read_text()


def conforms(answer: Response, path: str, method: str = "post") -> Any:
    """The answer's body, which is as the API says of its status and type."""
    told = API["paths"][path][method]["responses"][str(answer.status)]
    if "$ref" in told:
        told = API["components"]["responses"][told["$ref"].rpartition("/")[2]]
    kind = answer.headers["content-type"].partition(";")[0]
    schema = {**told["content"][kind]["schema"], "components": API["components"]}
    body = answer.json()
    Draft202012Validator(schema).validate(body)
    for name in told.get("headers", {}):
        assert name.lower() in answer.headers
    return body


def test_the_file_is_openapi() -> None:
    validate(API)


def test_it_names_every_code_of_a_refusal() -> None:
    codes = re.findall(r'X\(\w+, \d+,\s*(?:\\\s*)?"(\w+)"', PROBLEMS)
    assert len(codes) > 20
    told = API["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert set(told) == set(codes)


def test_it_names_every_route() -> None:
    rows = re.findall(
        r'\{EXCHANGE_\w+,\s*REQUEST_(\w+),\s*"(/[^"]*)"', ROUTES, re.MULTILINE
    )
    assert ("POST", "/events") in rows
    missing = [
        (method, path)
        for method, path in rows
        if method.lower() not in API["paths"].get(path, {})
    ]
    assert not missing


@pytest.fixture(scope="module")
def shop(build: Path) -> Any:
    with Site(build, {"cors": {"origins": "https://shop.example"}}) as site:
        site.ingest.start()
        yield site


def test_events_that_are_taken(shop: Site) -> None:
    answer = shop.ingest.post([event(), {**event(), "eventName": "no_such"}])
    assert answer.status == 202
    assert conforms(answer, "/events")["rejected"]


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (400, {}, b"{}"),
        (401, {"Authorization": "Bearer no.to.ken"}, b"{}"),
        (403, {"Origin": "https://elsewhere.example"}, b"{}"),
        (413, {}, b" " * 300_000),
        (415, {"Content-Type": "image/png"}, b"{}"),
    ],
)
def test_events_that_are_refused(
    shop: Site, status: int, headers: dict[str, str], body: bytes
) -> None:
    headers = {"Content-Type": "application/json", **headers}
    answer = request(shop.ingest.port, "POST", "/events", body, headers)
    assert answer.status == status
    conforms(answer, "/events")


@pytest.mark.parametrize("path", ["/live", "/refused", "/entries"])
def test_what_the_ops_page_asks_for(shop: Site, path: str) -> None:
    shop.ingest.post([event(), {**event(), "eventName": "no_such"}])
    answer = request(shop.ingest.admin_port, "GET", path, headers={"Host": "localhost"})
    assert answer.status == 200
    conforms(answer, path, "get")


def test_an_event_that_has_no_room(make_site: MakeSite) -> None:
    site = make_site({"spool": {"min_free": "16384GiB"}})
    site.ingest.start()
    answer = site.ingest.post(event())
    assert answer.status == 503
    conforms(answer, "/events")
