"""Requests made from docs/openapi.yaml, good ones and spoilt ones, against the
real ingest: no answer that the file does not have, or has otherwise."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
import yaml
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)
from support.ask import event
from support.daemons import Site
from support.issuer import Issuer
from support.relay import Relay
from support.s3 import S3
from support.tokens import CLIENT, ISSUER, Key, token
from support.wait import wait_until

API = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
BUCKET = "shop-images"
LONG = bool(os.environ.get("CLICKSPOOL_LONG"))
EXAMPLES = 2000 if LONG else 100  # of each operation, on top of the edge cases


def described() -> dict[str, Any]:
    """The API, with the events that are inside of what is text to it."""
    api: dict[str, Any] = yaml.safe_load(API.read_text())
    for path in ("/events", "/logs"):
        content = api["paths"][path]["post"]["requestBody"]["content"]
        whole = content["application/json"]["schema"]
        content["application/x-ndjson"]["schema"] = whole["oneOf"][1]
        if "text/plain" in content:
            content["text/plain"]["schema"] = whole
    return api


def as_text(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.serializer("text/plain")
def in_one(_: Any, value: Any) -> bytes:
    return as_text(value)


@schemathesis.serializer("application/x-ndjson")
def in_lines(_: Any, value: Any) -> bytes:
    return b"\n".join(map(as_text, value if isinstance(value, list) else [value]))


schema = schemathesis.openapi.from_dict(described())
# What is not there answers 405; a method that nobody knows is no good HTTP.
schema.config.phases.coverage.unexpected_methods = {"DELETE", "PATCH", "PUT", "TRACE"}
schema.config.checks.negative_data_rejection.expected_statuses = ["400", "414"]
schema.config.checks.positive_data_acceptance.expected_statuses = ["2xx", "413", "415"]
schema.config.generation.allow_x00 = False


@schema.hook
def map_body(_: Any, body: Any) -> Any:
    """1.0 is an integer to JSON Schema, but not to ingest."""
    if isinstance(body, dict):
        return {name: map_body(_, value) for name, value in body.items()}
    if isinstance(body, list):
        return [map_body(_, value) for value in body]
    whole = isinstance(body, float) and body.is_integer()
    return int(body) if whole else body


@pytest.fixture(scope="module")
def key() -> Key:
    return Key()


@pytest.fixture(scope="module")
def shop(build: Path, key: Key) -> Iterator[dict[str, str]]:
    """Where each of the addresses is, by the tag of its operations."""
    config: dict[str, Any] = {
        "auth": {"client_ids": CLIENT, "issuer": ISSUER, "upload_group": ""},
        "uploads": {"bucket": BUCKET},
    }
    with Issuer(key) as issuer, S3(BUCKET) as s3, Site(build, config) as site:
        site.configure({"auth": {"jwks_url": issuer.url}})
        site.env["AWS_ENDPOINT_URL_S3"] = s3.url
        site.env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
        site.shipper.start()
        site.ingest.start()
        head = {"Authorization": f"Bearer {token(key)}"}
        wait_until(lambda: site.ingest.post(event(), head).status == 202, timeout=20)
        with Relay(site.folder / "log.sock") as relay:
            yield {
                "public": f"http://127.0.0.1:{site.ingest.port}",
                "admin": f"http://127.0.0.1:{site.ingest.admin_port}",
                "internal": relay.url,
            }


@schema.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True
)
@pytest.mark.timeout(3600 if LONG else 300)
def test_it_answers_as_documented(
    case: schemathesis.Case, shop: dict[str, str], key: Key
) -> None:
    headers = {"Authorization": f"Bearer {token(key)}"}
    skipped = []
    # null is as good as absent, and of a batch the good ones are taken.
    if case.method == "POST":
        skipped.append(negative_data_rejection)
    # What it says is not true, or is for ingest alone to make.
    if case.headers.get("Content-Encoding") == "gzip" or (
        case.path == "/uploads/complete"
    ):
        skipped.append(positive_data_acceptance)
    for tag in case.operation.tags:
        case.call_and_validate(
            base_url=shop[tag], headers=headers, excluded_checks=skipped
        )


def ask(path: str, body: dict[str, Any], shop: dict[str, str], key: Key) -> Any:
    """What a good body is answered, once it is as documented."""
    case = schema[path]["POST"].Case(body=body, media_type="application/json")
    headers = {"Authorization": f"Bearer {token(key)}"}
    answer = case.call_and_validate(base_url=shop["public"], headers=headers)
    assert answer.status_code == 201
    return answer.json()


def test_an_upload_is_answered_as_documented(shop: dict[str, str], key: Key) -> None:
    """Of which no generator makes the id."""
    image = b"\x89PNG" * 4
    wish = {"contentType": "image/png", "contentLength": len(image)}
    upload = ask("/uploads/presign", wish, shop, key)
    put = requests.put(upload["url"], image, headers=upload["headers"], timeout=10)
    assert put.status_code == 200
    done = {"uploadId": upload["uploadId"], "metadata": {"alt": "a bike"}}
    assert ask("/uploads/complete", done, shop, key)["key"] == upload["key"]
