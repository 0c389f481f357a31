"""A shop's traffic, and what must have become of it."""

import http.client
import json
import random
import threading
import time
import uuid
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from .daemons import Site
from .http import RawClient, Response, post_events, request, request_bytes
from .journal import Call
from .spool import dead_letters, read_spool
from .standin import StandIn

NDJSON = {"Content-Type": "application/x-ndjson"}


def event(**fields: Any) -> dict[str, Any]:
    return {
        "eventName": "product_view",
        "clientId": "client-0001",
        "sessionId": "session-0001",
        "productId": "sku-1",
        "eventId": str(uuid.uuid4()),
    } | fields


def batch(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [event(**fields) for _ in range(count)]


def ids(events: Iterable[dict[str, Any]]) -> list[str]:
    return [item["eventId"] for item in events]


def post_lines(site: Site, events: list[dict[str, Any]]) -> Response:
    body = "\n".join(json.dumps(item) for item in events).encode()
    return request(site.ingest.port, "POST", "/events", body, NDJSON)


def post_all(site: Site, count: int, per_request: int = 500, **fields: Any) -> set[str]:
    """Post @count events; the ids, each acknowledged."""
    taken: set[str] = set()
    while len(taken) < count:
        events = batch(min(per_request, count - len(taken)), **fields)
        answer = post_lines(site, events)
        assert answer.status == 202, answer
        taken.update(ids(events))
    return taken


def post_logs(site: Site, category: str, count: int, **fields: Any) -> set[str]:
    """Entries of a category, as the shop's API sends them; their ids."""
    entries = [
        {"logCategory": category, "action": "test", **fields} for _ in range(count)
    ]
    head = {"Content-Type": "application/json"}
    with RawClient(str(site.folder / "log.sock")) as client:
        client.send(request_bytes("POST", "/logs", json.dumps(entries).encode(), head))
        answer = client.read()
    assert answer.status == 202, answer
    return set(answer.json()["eventIds"])


def delivered(cloud: StandIn) -> Counter[str]:
    return Counter(json.loads(text)["eventId"] for text in cloud.messages())


def call_ids(call: Call) -> set[str]:
    return {json.loads(item.message)["eventId"] for item in call.stored}


def dead(site: Site) -> Counter[str]:
    return Counter(row.entry["eventId"] for row in dead_letters(site.spool))


def wait_for_all(site: Site, cloud: StandIn, count: int, timeout: float = 90) -> None:
    """Until @count different entries are delivered or dead."""

    def arrived() -> bool:
        if cloud.stored_count() + len(dead_letters(site.spool)) < count:
            return False
        return len(set(delivered(cloud)) | set(dead(site))) >= count

    cloud.wait(arrived, timeout)


def check_lines(site: Site, cloud: StandIn) -> None:
    """Each message is a whole line of the spool, to the byte."""
    lines = {entry.line for entry in read_spool(site.spool)}
    for text in cloud.messages():
        raw = text.encode()
        assert raw in lines, raw
        assert int(raw[9:17], 16) == zlib.crc32(raw[19:])


class Load(threading.Thread):
    """Posts events until told to stop; what was not answered is sent again
    with the same ids.  @pause: seconds after each request."""

    def __init__(self, site: Site, seed: int, pause: float = 0.0) -> None:
        super().__init__(daemon=True)
        self.site, self.random, self.pause = site, random.Random(seed), pause
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(self.pause):
            events = batch(self.random.choice([1, 1, 1, 20]))
            self.sent.update(ids(events))
            for _ in range(200):
                try:
                    answer = post_events(self.site.ingest.port, events)
                except (OSError, http.client.HTTPException):
                    time.sleep(0.02)
                    continue
                if answer.status == 202:
                    self.acknowledged.update(ids(events))
                    break
                assert answer.status == 503, answer
                time.sleep(0.02)

    def finish(self) -> None:
        self.ended.set()
        self.join(30)
        assert not self.is_alive()
