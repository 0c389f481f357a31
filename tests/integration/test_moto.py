"""Both daemons against moto, which others wrote: each event is read back
through boto3 exactly once."""

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.client import PLACE, logs_client, read_all
from support.daemons import MakeSite, free_port
from support.shop import post_all
from support.spool import checkpoint, read_spool

START_TIMEOUT = 60.0
EVENTS = 3_000


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of a moto server."""
    port = free_port()
    program = Path(sys.executable).parent / "moto_server"
    process = subprocess.Popen(
        [os.fspath(program), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            assert process.poll() is None, "moto_server ended"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "moto_server does not listen"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def has_stream(logs: Any) -> bool:
    groups = logs.describe_log_groups()["logGroups"]
    name = {"logGroupName": PLACE["logGroupName"]}
    return bool(groups and logs.describe_log_streams(**name)["logStreams"])


def wait_read(logs: Any, count: int, timeout: float = 60.0) -> list[str]:
    """All messages, once there are so many or time is over."""
    deadline = time.monotonic() + timeout
    messages: list[str] = []
    while len(messages) < count and time.monotonic() < deadline:
        time.sleep(0.2)
        if has_stream(logs):
            messages = read_all(logs)
    return messages


@pytest.mark.timeout(180)
def test_each_event_is_in_moto_exactly_once(make_site: MakeSite, moto: str) -> None:
    site = make_site({"aws": {"endpoint_url": moto}, "shipper": {"retention_days": 7}})
    site.ingest.start()
    site.shipper.start()
    accepted = post_all(site, EVENTS // 2)
    site.shipper.restart()
    accepted |= post_all(site, EVENTS - len(accepted))

    logs = logs_client(moto)
    messages = wait_read(logs, EVENTS)
    assert site.ingest.stop() == site.shipper.stop() == 0
    ids = Counter(json.loads(message)["eventId"] for message in messages)
    assert ids == dict.fromkeys(accepted, 1)
    assert [message.encode() for message in messages] == [
        entry.line for entry in read_spool(site.spool)
    ]
    position = checkpoint(site.spool)
    assert position and position["counts"]["delivered"] == EVENTS
    (group,) = logs.describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == (
        PLACE["logGroupName"],
        7,
    )
