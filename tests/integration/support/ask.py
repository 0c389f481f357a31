"""What the tests of ingest's HTTP side ask, and how it must answer."""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from .daemons import Site
from .http import JSON, RawClient, Response, request_bytes
from .spool import Entry, read_spool

Event = dict[str, Any]

_PROBLEM = {"type", "title", "status", "code", "detail", "requestId"}
_ITEM = {"index", "pointer", "code", "detail"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def event(**fields: Any) -> Event:
    return {
        "eventName": "page_view",
        "clientId": "client-0001",
        "sessionId": "session-0001",
        "urlPath": "/",
    } | fields


def new_id() -> str:
    return str(uuid.uuid4())


def post_bytes(body: bytes | None = None, **headers: str) -> bytes:
    """A good POST /events, or one with this body; names of @headers have `_`
    for `-`."""
    fields = {"Content-Type": JSON}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    whole = json.dumps(event()).encode() if body is None else body
    return request_bytes("POST", "/events", whole, fields)


def check_problem(answer: Response, status: int, code: str) -> dict[str, Any]:
    """@answer has the form of a refusal; its members."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code, problem
    assert set(problem) - {"errors"} == _PROBLEM
    assert problem["status"] == status
    assert problem["title"] and problem["detail"]
    assert _REQUEST_ID.fullmatch(problem["requestId"])
    assert answer.headers["x-request-id"] == problem["requestId"]
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    for item in problem.get("errors", []):
        assert set(item) == _ITEM, item
    return problem


def refused(port: int, sent: bytes, status: int, code: str) -> dict[str, Any]:
    """@sent gets one refusal and the end of the connection; a good request
    pipelined behind it gets nothing."""
    with RawClient(port) as client:
        client.send(sent + post_bytes())
        answer = client.read()
        problem = check_problem(answer, status, code)
        assert answer.headers["connection"] == "close"
        assert client.read_end().rest == b""
    return problem


def taken(answer: Response, accepted: int = 1, duplicates: int = 0) -> dict[str, Any]:
    """@answer is a receipt for so many; its members."""
    assert answer.status == 202, answer
    assert answer.headers["content-type"] == JSON
    receipt: dict[str, Any] = answer.json()
    names = ["requestId", "accepted", "duplicates", "identity", "eventIds", "rejected"]
    assert list(receipt) == names
    assert receipt["requestId"] == answer.headers["x-request-id"]
    assert (receipt["accepted"], receipt["duplicates"]) == (accepted, duplicates)
    assert receipt["identity"] == "client"
    assert len(receipt["eventIds"]) == accepted + duplicates
    for item in receipt["rejected"]:
        assert set(item) == _ITEM, item
    return receipt


def spooled(site: Site, receipt: Mapping[str, Any]) -> list[Entry]:
    """The entries of a receipt, in its order, each of them once."""
    by_id: dict[str, list[Entry]] = {}
    for entry in read_spool(site.spool):
        by_id.setdefault(entry.event_id, []).append(entry)
    found = [by_id[event_id] for event_id in receipt["eventIds"]]
    assert all(len(entries) == 1 for entries in found)
    return [entries[0] for entries in found]


def count(site: Site) -> int:
    return len(read_spool(site.spool))
