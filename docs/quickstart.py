"""What quickstart.sh cannot say in shell.

    quickstart.py port 8080              a free port of 127.0.0.1, from 8080 on
    quickstart.py send 8080 FILE         post events; FILE gets the ids taken
    quickstart.py read URL [FILE...]     what CloudWatch Logs at URL holds now;
                                         with files, wait for their ids, and
                                         fail unless each is there exactly once
"""

import http.client
import json
import random
import socket
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
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

    receipts.write_text(json.dumps({"taken": shop.taken}))
    print(f"  Accepted: {len(shop.taken)} events.")


def client(service: str, url: str) -> Any:
    import boto3  # only what talks to AWS needs it

    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="quickstart",
        aws_secret_access_key="quickstart",
    )


def messages(url: str) -> list[str]:
    """What is in CloudWatch Logs."""
    logs = client("logs", url)
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP)
        return [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []  # shipper makes the group with its first batch


def arrived(url: str, is_all: Callable[[list[Event]], bool]) -> list[Event]:
    """What is there once that is all, or once it takes too long."""
    deadline = time.monotonic() + WAIT
    while True:
        found = [json.loads(message) for message in messages(url)]
        if is_all(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def say_kinds(kinds: Counter[str]) -> None:
    for kind, count in kinds.items():
        print(f"    {count:4}  {kind}")


def ids_of(entries: list[Event]) -> Counter[str]:
    return Counter(entry["eventId"] for entry in entries if "eventId" in entry)


def read(url: str, receipts: list[Path]) -> None:
    taken: list[str] = []
    for file in receipts:
        taken += json.loads(file.read_text())["taken"]
    found = arrived(url, lambda entries: set(taken) <= set(ids_of(entries)))
    business = [entry for entry in found if entry["logCategory"] == "business"]
    others = [entry for entry in found if entry["logCategory"] != "business"]
    say_kinds(Counter(entry["eventName"] for entry in business))
    say_kinds(Counter(f"{e['logCategory']} {e.get('action', '')}" for e in others))
    if business:
        last = json.dumps(business[-1], separators=(",", ":"))
        print(f"  The last event, as it arrived:\n    {last}")
    if not receipts:
        return

    held, events = ids_of(found), set(ids_of(business))
    arrivals = set(taken) & events
    twice = sum(1 for count in held.values() if count > 1)
    missing, foreign = set(taken) - events, events - set(taken)
    print(f"  By eventId: {len(arrivals)} of {len(taken)} accepted events arrived,")
    print(f"  {len(missing)} missing, {twice} twice, {len(foreign)} never accepted.")
    if missing or twice or foreign or len(taken) != len(set(taken)):
        raise SystemExit("That is not exactly once.")


def main(command: str, *args: str) -> None:
    if command == "port":
        print(free_port(int(args[0])))
    elif command == "send":
        send(int(args[0]), Path(args[1]))
    elif command == "read":
        read(args[0], [Path(arg) for arg in args[1:]])
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:] or ["help"])
