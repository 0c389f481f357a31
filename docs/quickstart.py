"""What quickstart.sh cannot say in shell.

    quickstart.py port 8080              a free port of 127.0.0.1, from 8080 on
    quickstart.py send 8080 FILE         post events; FILE gets the ids taken
    quickstart.py read URL [FILE]        what CloudWatch Logs at URL holds now;
                                         with FILE, wait for its ids, and fail
                                         unless each is there exactly once
"""

import http.client
import json
import random
import socket
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GROUP, REGION = "/clickspool/events", "ap-southeast-1"
WAIT = 60.0  # seconds until a delivery counts as missing

Event = dict[str, Any]

PRODUCTS = [
    {"productId": "sku-1001", "name": "Linen shirt", "price": 49.90},
    {"productId": "sku-2002", "name": "Canvas shoes", "price": 65},
    {"productId": "sku-3003", "name": "Straw hat", "price": 19.5},
]


def free_port(first: int) -> int:
    for port in range(first, first + 200):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit(f"No port from {first} on is free.")


def visit(visitor: int) -> Iterator[Event]:
    """A visitor who buys: one event of each kind."""
    who = {"clientId": f"client-{visitor:04}", "sessionId": f"session-{visitor:04}"}
    product = random.choice(PRODUCTS)
    item, order = product | {"quantity": 1}, f"order-{visitor}"
    yield {"eventName": "page_view", **who, "urlPath": "/", "title": "Shop"}
    yield {"eventName": "product_view", **who, **product}
    yield {"eventName": "add_to_cart", **who, **item}
    yield {"eventName": "checkout_start", **who, "items": [item]}
    yield {
        "eventName": "checkout_complete", **who, "items": [item],
        "orderId": order, "value": product["price"], "currency": "EUR",
    }  # fmt: skip


class Shop:
    """Posts events, tells what came of it, and keeps the receipts."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.taken: list[str] = []

    def post(self, body: str, kind: str = "application/json") -> tuple[int, Event]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", "/events", body, {"Content-Type": kind})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        connection.close()
        return answer.status, content

    def take(self, body: str, accepted: int, kind: str = "application/json") -> None:
        """Post what must be taken: a 202 is a receipt."""
        status, answer = self.post(body, kind)
        if status != 202 or answer["accepted"] != accepted:
            raise SystemExit(f"{accepted} events met {status}: {answer}")
        self.taken += answer["eventIds"]


def say(what: str, status: int) -> None:
    print(f"    {status}  {what}")


def send(port: int, receipts: Path) -> None:
    shop = Shop(port)
    for visitor in range(10):
        for event in visit(visitor):
            shop.take(json.dumps(event), 1)
    say("50 events, each in a post of its own", 202)

    batch = [event for visitor in range(10, 30) for event in visit(visitor)]
    shop.take(json.dumps(batch), len(batch))
    say(f"{len(batch)} in one post, as an array", 202)

    lines = [json.dumps(event) for visitor in range(30, 40) for event in visit(visitor)]
    shop.take("\n".join(lines), len(lines), "application/x-ndjson")
    say(f"{len(lines)} in one post, a line each (NDJSON)", 202)

    again = json.dumps(batch[0] | {"eventId": str(uuid.uuid4())})
    shop.take(again, 1)
    status, answer = shop.post(again)
    if status != 202 or (answer["accepted"], answer["duplicates"]) != (0, 1):
        raise SystemExit(f"The retry was not recognised: {status}: {answer}")
    say("one event, and its retry: accepted once", status)

    status, answer = shop.post(json.dumps(batch[1] | {"productId": None}))
    if status != 400:
        raise SystemExit(f"A product_view of no product met {status}: {answer}")
    why = ", ".join(f"{e['code']} {e['pointer']}" for e in answer["errors"])
    say(f"a product_view of no product: {why}", status)

    receipts.write_text(json.dumps(shop.taken))
    print(f"  Accepted: {len(shop.taken)} events.")


def messages(url: str) -> list[str]:
    """What is in CloudWatch Logs."""
    import boto3  # only this command needs it

    logs = boto3.client(
        "logs",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="quickstart",
        aws_secret_access_key="quickstart",
    )
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP)
        return [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []  # shipper makes the group with its first batch


def arrived(url: str, ids: set[str]) -> list[str]:
    """What is there once all of @ids are, or once that takes too long."""
    deadline = time.monotonic() + WAIT
    while True:
        found = messages(url)
        missing = ids - {json.loads(message)["eventId"] for message in found}
        if not missing or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def read(url: str, receipts: Path | None) -> None:
    taken: list[str] = json.loads(receipts.read_text()) if receipts else []
    found = arrived(url, set(taken))
    events: list[Event] = [json.loads(message) for message in found]
    for name, count in Counter(event["eventName"] for event in events).items():
        print(f"    {count:4}  {name}")
    if found:
        print(f"  The last one, as it arrived:\n    {found[-1]}")
    if receipts is None:
        return

    held = Counter(event["eventId"] for event in events)
    twice = sum(1 for count in held.values() if count > 1)
    missing, foreign = set(taken) - set(held), set(held) - set(taken)
    print(f"  By eventId: {len(held)} of {len(taken)} accepted events arrived,")
    print(f"  {len(missing)} missing, {twice} twice, {len(foreign)} never accepted.")
    if missing or twice or foreign or len(taken) != len(set(taken)):
        raise SystemExit("That is not exactly once.")


def main(command: str, *args: str) -> None:
    if command == "port":
        print(free_port(int(args[0])))
    elif command == "send":
        send(int(args[0]), Path(args[1]))
    elif command == "read":
        read(args[0], Path(args[1]) if len(args) > 1 else None)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:] or ["help"])
