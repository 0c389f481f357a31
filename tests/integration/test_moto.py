"""Both daemons against moto, which others wrote: each event is read back
through boto3 exactly once."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from support.client import PLACE, logs_client, read_all
from support.daemons import MakeSite
from support.moto import moto_server
from support.shop import post_all
from support.spool import checkpoint, read_spool

EVENTS = 3_000


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a moto server."""
    with moto_server(tmp_path_factory.mktemp("moto") / "moto.log") as url:
        yield url


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
