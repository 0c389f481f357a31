"""boto3 against the stand-in, and the calls that tests make most."""

import json
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from .http import request_bytes
from .standin import ACCESS_KEY, REGION, SECRET_KEY, StandIn

LOG_GROUP, LOG_STREAM = "/clickspool/test", "web-1"
PLACE = {"logGroupName": LOG_GROUP, "logStreamName": LOG_STREAM}
PUT_FIELDS = {
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "Logs_20140328.PutLogEvents",
}

Events = list[dict[str, Any]]
MakeCloud = Callable[..., tuple[StandIn, Any]]  # see the fixture make_cloud


def logs_client(url: str, read_timeout: float = 10.0, **changes: Any) -> Any:
    """A client of CloudWatch Logs that tries once and validates nothing
    itself; @changes go to boto3."""
    config = Config(
        retries={"total_max_attempts": 1},
        parameter_validation=False,
        connect_timeout=5,
        read_timeout=read_timeout,
    )
    settings: dict[str, Any] = {
        "region_name": REGION,
        "endpoint_url": url,
        "aws_access_key_id": ACCESS_KEY,
        "aws_secret_access_key": SECRET_KEY,
        "config": config,
    }
    return boto3.client("logs", **(settings | changes))


def now_ms() -> int:
    return int(time.time() * 1000)


def events(*messages: str, at: int | None = None) -> Events:
    """Log events of one time, now if not told otherwise."""
    stamp = now_ms() if at is None else at
    return [{"timestamp": stamp, "message": message} for message in messages]


def put(logs: Any, batch: Events, **members: Any) -> dict[str, Any]:
    answer = logs.put_log_events(**PLACE, logEvents=batch, **members)
    assert isinstance(answer, dict)
    return answer


def unsigned_put(message: str) -> bytes:
    """The bytes of a PutLogEvents for a stand-in that does not verify."""
    body = json.dumps(PLACE | {"logEvents": events(message)}).encode()
    return request_bytes("POST", "/", body, PUT_FIELDS)


def refusal(call: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[str, str]:
    """Code and text of the error that a call must meet."""
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def read_all(logs: Any, **members: Any) -> list[str]:
    """Every message of the stream, page by page until the token repeats."""
    messages: list[str] = []
    token: dict[str, str] = {}
    for _ in range(1000):
        page = logs.get_log_events(**PLACE, startFromHead=True, **members, **token)
        messages += [event["message"] for event in page["events"]]
        if page["nextForwardToken"] == token.get("nextToken"):
            return messages
        token = {"nextToken": page["nextForwardToken"]}
    raise AssertionError("no end")
