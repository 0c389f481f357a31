"""The stand-in tested itself: what it lets pass would be no test of others."""

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.client import (
    LOG_GROUP,
    PLACE,
    PUT_FIELDS,
    Events,
    MakeCloud,
    events,
    logs_client,
    now_ms,
    put,
    read_all,
    refusal,
    unsigned_put,
)
from support.http import RawClient, request_bytes
from support.packing import MAX_BATCH, MAX_EVENTS, MAX_SPAN_MS
from support.service import DAY_MS, HOUR_MS, RETENTIONS
from support.signatures import Key
from support.standin import ACCESS_KEY, SECRET_KEY, StandIn


def at_times(*stamps: int) -> Events:
    return [{"timestamp": stamp, "message": "m"} for stamp in stamps]


# Batches


def test_a_batch_is_stored_as_it_was_sent(stream: StandIn, logs: Any) -> None:
    texts = ['{"a":"\\u0000 \\ud83d\\ude00"}', "€ 😀 \x7f\u2028", "9007199254740993"]
    answer = put(logs, events(*texts, at=1 + now_ms()))

    assert stream.messages() == texts
    assert read_all(logs) == texts
    assert answer["nextSequenceToken"]
    assert "rejectedLogEventsInfo" not in answer
    assert answer["ResponseMetadata"]["RequestId"]
    (call,) = stream.puts()
    assert call.message_bytes == sum(len(text.encode()) for text in texts)
    assert (call.status, call.taken, call.lost) == (200, True, False)


def test_a_batch_has_1_to_10_000_events(stream: StandIn, logs: Any) -> None:
    put(logs, events(*["x"] * MAX_EVENTS))
    for count in (0, MAX_EVENTS + 1):
        code, text = refusal(put, logs, events(*["x"] * count))
        assert code == "InvalidParameterException"
        assert text.startswith("1 validation error detected: Value '")
    assert stream.stored_count() == MAX_EVENTS


def test_a_batch_has_1_048_576_bytes_counting_26_an_event(
    stream: StandIn, logs: Any
) -> None:
    two = MAX_BATCH - 2 * 26
    put(logs, events("€" * 1000, "x" * (two - 3000)))
    code, text = refusal(put, logs, events("€" * 1000, "x" * (two - 2999)))
    assert code == "InvalidParameterException"
    assert text == "Upload too large: 1048577 bytes exceeds limit of 1048576"
    assert stream.stored_count() == 2


def test_an_event_has_1_048_576_bytes_counting_its_26(
    stream: StandIn, logs: Any
) -> None:
    put(logs, events("x" * 1_048_550))
    code, text = refusal(put, logs, events("x" * 1_048_551))
    assert code == "InvalidParameterException"
    assert text == "Log event too large: 1048577 bytes exceeds limit of 1048576"
    assert stream.stored_count() == 1


def test_an_event_limit_of_256_kib_can_be_had(make_cloud: MakeCloud) -> None:
    _, logs = make_cloud(max_event=262_144)
    put(logs, events("x" * 262_118))
    _, text = refusal(put, logs, events("x" * 262_119))
    assert text == "Log event too large: 262145 bytes exceeds limit of 262144"


def test_events_are_in_chronological_order(stream: StandIn, logs: Any) -> None:
    now = now_ms()
    put(logs, at_times(now, now, now + 1))
    code, text = refusal(put, logs, at_times(now, now + 1, now))
    assert (code, text) == (
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    )


def test_a_batch_spans_24_hours(stream: StandIn, logs: Any) -> None:
    now = now_ms()
    put(logs, at_times(now - MAX_SPAN_MS, now))
    code, text = refusal(put, logs, at_times(now - MAX_SPAN_MS - 1, now))
    assert code == "InvalidParameterException"
    assert text.endswith("request cannot span more than 24 hours.")


def test_what_is_rejected_does_not_count_for_the_span(
    stream: StandIn, logs: Any
) -> None:
    now = now_ms()
    answer = put(logs, at_times(now - 20 * DAY_MS, now - DAY_MS + 5000, now))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert stream.stored_count() == 2


@pytest.mark.parametrize("message", ["", None])
def test_a_message_is_not_empty(stream: StandIn, logs: Any, message: Any) -> None:
    batch = [{"timestamp": now_ms(), "message": message}]
    code, text = refusal(put, logs, batch)
    assert code == "InvalidParameterException"
    assert "at 'logEvents.1.member.message' failed to satisfy" in text


def test_a_negative_timestamp_is_refused(stream: StandIn, logs: Any) -> None:
    assert refusal(put, logs, at_times(-1))[0] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("before", "after", "index"),
    [
        (-14 * DAY_MS + 5000, -14 * DAY_MS - 5000, {"tooOldLogEventEndIndex": 1}),
        (2 * HOUR_MS - 5000, 2 * HOUR_MS + 5000, {"tooNewLogEventStartIndex": 0}),
    ],
)
def test_an_event_is_rejected_past_its_limit_only(
    stream: StandIn, logs: Any, before: int, after: int, index: dict[str, int]
) -> None:
    assert "rejectedLogEventsInfo" not in put(logs, at_times(now_ms() + before))
    assert put(logs, at_times(now_ms() + after))["rejectedLogEventsInfo"] == index
    assert stream.stored_count() == 1


def test_old_ends_are_exclusive_and_the_new_start_inclusive(
    stream: StandIn, logs: Any
) -> None:
    logs.put_retention_policy(logGroupName=LOG_GROUP, retentionInDays=7)
    now = now_ms()
    ages = [-20 * DAY_MS, -15 * DAY_MS, -8 * DAY_MS, -HOUR_MS, 0, 3 * HOUR_MS]
    answer = put(logs, at_times(*(now + age for age in ages)))
    assert answer["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 2,
        "expiredLogEventEndIndex": 3,
        "tooNewLogEventStartIndex": 5,
    }
    assert [event.timestamp - now for event in stream.delivered()] == ages[3:5]
    rejected = [event.timestamp - now for event in stream.puts()[0].rejected]
    assert rejected == ages[:3] + ages[5:]


def test_ages_are_judged_by_the_servers_clock(make_cloud: MakeCloud) -> None:
    _, logs = make_cloud(clock_offset=15 * 86400, verify=False)
    answer = put(logs, events("a"))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}


@pytest.mark.parametrize(
    "item",
    [
        {"timestamp": "1767323045000", "message": "a"},
        {"timestamp": 1767323045000.5, "message": "a"},
        {"timestamp": True, "message": "a"},
        {"timestamp": 1767323045000, "message": {"a": 1}},
        {"timestamp": 1767323045000, "message": "\ud800"},
        "a",
    ],
)
def test_a_wrong_type_is_a_serialization_error(
    make_cloud: MakeCloud, item: Any
) -> None:
    cloud, _ = make_cloud(verify=False)
    body = json.dumps(PLACE | {"logEvents": [item]}).encode()
    assert raw_call(cloud, body) == (400, "SerializationException")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"a":', b'{"a":"\xff"}', b'{"a":NaN}', b"[" * 100_000]
)
def test_a_body_that_is_no_json_object_is_refused(
    make_cloud: MakeCloud, body: bytes
) -> None:
    cloud, _ = make_cloud(verify=False)
    assert raw_call(cloud, body) == (400, "SerializationException")


def raw_call(
    cloud: StandIn,
    body: bytes,
    method: str = "POST",
    path: str = "/",
    **headers: str,
) -> tuple[int, str | None]:
    """Status and error type of an unsigned call."""
    fields = dict(PUT_FIELDS)
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    with RawClient(cloud.port) as client:
        client.send(request_bytes(method, path, body, fields))
        answer = client.read()
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert answer.headers["x-amzn-requestid"]
    assert answer.headers["date"].endswith(" GMT")
    return answer.status, answer.json().get("__type")


# Groups and streams


def test_what_does_not_exist_is_not_found(cloud: StandIn, logs: Any) -> None:
    group = ("ResourceNotFoundException", "The specified log group does not exist.")
    stream = ("ResourceNotFoundException", "The specified log stream does not exist.")

    assert refusal(put, logs, events("a")) == group
    assert refusal(logs.create_log_stream, **PLACE) == group
    assert refusal(logs.describe_log_streams, logGroupName=LOG_GROUP) == group
    logs.create_log_group(logGroupName=LOG_GROUP)
    assert refusal(put, logs, events("a")) == stream
    assert refusal(logs.get_log_events, **PLACE) == stream
    logs.create_log_stream(**PLACE)
    put(logs, events("a"))
    assert cloud.messages() == ["a"]
    assert {call.status for call in cloud.calls()} == {200, 400}


def test_what_exists_is_not_created_again(stream: StandIn, logs: Any) -> None:
    assert refusal(logs.create_log_group, logGroupName=LOG_GROUP) == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    assert refusal(logs.create_log_stream, **PLACE) == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )


@pytest.mark.parametrize("name", ["", "a" * 513, "a b", "a:b", "aws/x", "ä"])
def test_a_bad_group_name_is_refused(logs: Any, name: str) -> None:
    code, _ = refusal(logs.create_log_group, logGroupName=name)
    assert code == "InvalidParameterException"


@pytest.mark.parametrize("name", ["", "a" * 513, "a:b", "a*b"])
def test_a_bad_stream_name_is_refused(stream: StandIn, logs: Any, name: str) -> None:
    code, _ = refusal(
        logs.create_log_stream, logGroupName=LOG_GROUP, logStreamName=name
    )
    assert code == "InvalidParameterException"


def test_names_of_512_characters_are_taken(cloud: StandIn, logs: Any) -> None:
    group, name = "." * 512, "ä ?" * 170 + "ab"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=name)
    (row,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert row["logStreamName"] == name


def test_retention_takes_its_own_numbers_only(stream: StandIn, logs: Any) -> None:
    for days in RETENTIONS:
        logs.put_retention_policy(logGroupName=LOG_GROUP, retentionInDays=days)
        (group,) = logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]
        assert group["retentionInDays"] == days
    for days in (0, 2, 3654):
        code, _ = refusal(
            logs.put_retention_policy, logGroupName=LOG_GROUP, retentionInDays=days
        )
        assert code == "InvalidParameterException"


def test_listings_have_pages_of_at_most_50(cloud: StandIn, logs: Any) -> None:
    cloud.create(LOG_GROUP, *(f"s{number:03}" for number in range(120)))
    names: list[str] = []
    sizes: list[int] = []
    token: dict[str, str] = {}
    for _ in range(3):
        page = logs.describe_log_streams(logGroupName=LOG_GROUP, **token)
        names += [row["logStreamName"] for row in page["logStreams"]]
        sizes.append(len(page["logStreams"]))
        token = {"nextToken": page.get("nextToken", "")}
    assert sizes == [50, 50, 20]
    assert token == {"nextToken": ""}
    assert names == [f"s{number:03}" for number in range(120)]

    def describe(**members: Any) -> Any:
        return logs.describe_log_streams(logGroupName=LOG_GROUP, **members)

    assert refusal(describe, limit=51)[0] == "InvalidParameterException"
    assert refusal(describe, nextToken="x") == (
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    )
    both = {"logStreamNamePrefix": "s", "orderBy": "LastEventTime"}
    assert refusal(describe, **both)[0] == "InvalidParameterException"
    rows = describe(logStreamNamePrefix="s01", descending=True)["logStreams"]
    assert [row["logStreamName"] for row in rows] == [
        f"s{number:03}" for number in range(19, 9, -1)
    ]


def test_streams_tell_their_times(stream: StandIn, logs: Any) -> None:
    now = now_ms()
    put(logs, at_times(now - 5, now))
    (row,) = logs.describe_log_streams(logGroupName=LOG_GROUP)["logStreams"]
    assert row["firstEventTimestamp"] == now - 5
    assert row["lastEventTimestamp"] == now
    assert row["lastIngestionTime"] >= now
    assert row["storedBytes"] == 0


# Reading back


def test_a_range_includes_its_start_and_not_its_end(stream: StandIn, logs: Any) -> None:
    now = now_ms()
    batch = [{"timestamp": now + n, "message": f"m{n}"} for n in range(4)]
    put(logs, batch)
    assert read_all(logs, startTime=now + 1, endTime=now + 3) == ["m1", "m2"]
    found = logs.filter_log_events(
        logGroupName=LOG_GROUP, startTime=now + 1, endTime=now + 3
    )["events"]
    assert [event["message"] for event in found] == ["m1", "m2"]


def test_a_full_batch_is_read_in_several_pages(make_cloud: MakeCloud) -> None:
    _, logs = make_cloud(empty_pages=0)
    texts = [f"{number:06}" + "x" * 94 for number in range(8000)]
    put(logs, events(*texts))
    page = logs.get_log_events(**PLACE, startFromHead=True)
    size = sum(len(event["message"]) for event in page["events"])
    assert 0 < len(page["events"]) < 8000
    assert size <= 1_048_576
    assert read_all(logs) == texts


def test_a_page_has_10_000_events(make_cloud: MakeCloud) -> None:
    _, logs = make_cloud(empty_pages=0)
    for _ in range(2):
        put(logs, events(*"x" * MAX_EVENTS))
    page = logs.get_log_events(**PLACE, startFromHead=True)
    assert len(page["events"]) == 10_000
    for limit in (0, 10_001):
        code, _ = refusal(logs.get_log_events, **PLACE, limit=limit)
        assert code == "InvalidParameterException"


def test_pages_may_be_empty_before_the_end(make_cloud: MakeCloud) -> None:
    _, logs = make_cloud(empty_pages=3)
    texts = [str(number) for number in range(20)]
    put(logs, events(*texts))
    sizes: list[int] = []
    token: dict[str, str] = {}
    for _ in range(20):
        page = logs.get_log_events(**PLACE, startFromHead=True, limit=5, **token)
        sizes.append(len(page["events"]))
        if page["nextForwardToken"] == token.get("nextToken"):
            break
        token = {"nextToken": page["nextForwardToken"]}
    assert sizes == [5, 5, 0, 5, 5, 0]
    assert read_all(logs, limit=3) == texts


def test_the_newest_come_first_unless_asked_otherwise(make_cloud: MakeCloud) -> None:
    _, logs = make_cloud(empty_pages=0)
    put(logs, events(*"abcde"))
    page = logs.get_log_events(**PLACE, limit=2)
    assert [event["message"] for event in page["events"]] == ["d", "e"]
    back = logs.get_log_events(**PLACE, limit=2, nextToken=page["nextBackwardToken"])
    assert [event["message"] for event in back["events"]] == ["b", "c"]
    code, _ = refusal(logs.get_log_events, **PLACE, nextToken="f/1")
    assert code == "InvalidParameterException"


def test_new_events_are_shown_late(make_cloud: MakeCloud) -> None:
    cloud, logs = make_cloud(visible_after=0.4)
    put(logs, events("a"))
    assert cloud.messages() == ["a"]
    assert read_all(logs) == []
    assert logs.filter_log_events(logGroupName=LOG_GROUP)["events"] == []
    time.sleep(0.5)
    assert read_all(logs) == ["a"]


def test_lateness_may_differ_from_event_to_event(make_cloud: MakeCloud) -> None:
    _, logs = make_cloud(visible_after=(0.0, 1.0), seed=3)
    put(logs, events(*"x" * 500))
    seen = {len(read_all(logs))}
    time.sleep(0.5)
    seen.add(len(read_all(logs)))
    time.sleep(0.6)
    seen.add(len(read_all(logs)))
    assert len(seen) == 3
    assert max(seen) == 500


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ('{ $.eventId = "b" }', ["b"]),
        ('{ $.eventId = "a" || $.eventId = "c" }', ["a", "c"]),
        ('{ $.eventId = "a" && $.n.m = 2 }', []),
        ("{ $.n.m = 2 }", ["b"]),
        ('?"\\"a\\"" ?"\\"c\\""', ["a", "c"]),
        ("eventId -plain", ["a", "b", "c"]),
        ("plain", ["plain"]),
        ("", ["a", "b", "c", "plain"]),
    ],
)
def test_filters_find_what_they_name(
    stream: StandIn, logs: Any, pattern: str, found: list[str]
) -> None:
    for number, name in enumerate("abc", 1):
        message = json.dumps({"eventId": name, "n": {"m": number}})
        put(logs, events(message))
    put(logs, events("plain text"))
    got: list[str] = []
    token: dict[str, str] = {}
    for _ in range(20):
        page = logs.filter_log_events(
            logGroupName=LOG_GROUP, filterPattern=pattern, limit=1, **token
        )
        for event in page["events"]:
            text = event["message"]
            got.append(json.loads(text)["eventId"] if text[0] == "{" else "plain")
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert got == found


def test_a_filter_is_bounded_and_understood(stream: StandIn, logs: Any) -> None:
    for pattern in ("x" * 1025, "{ $.a = }", '"open'):
        code, _ = refusal(
            logs.filter_log_events, logGroupName=LOG_GROUP, filterPattern=pattern
        )
        assert code == "InvalidParameterException"


# Signatures


def test_a_wrong_secret_is_refused(stream: StandIn) -> None:
    logs = logs_client(stream.url, aws_secret_access_key=SECRET_KEY + "x")
    code, text = refusal(put, logs, events("a"))
    assert code == "InvalidSignatureException"
    assert text.startswith("The request signature we calculated does not match")
    assert stream.stored_count() == 0


def test_an_unknown_key_is_refused(stream: StandIn) -> None:
    logs = logs_client(stream.url, aws_access_key_id="AKIDELSE")
    assert refusal(put, logs, events("a"))[0] == "UnrecognizedClientException"


def test_a_session_token_is_checked_where_one_belongs(make_cloud: MakeCloud) -> None:
    cloud, without = make_cloud(keys={ACCESS_KEY: Key(SECRET_KEY, "a/token+==")})
    right = logs_client(cloud.url, aws_session_token="a/token+==")
    wrong = logs_client(cloud.url, aws_session_token="another")
    put(right, events("a"))
    for logs in (without, wrong):
        assert refusal(put, logs, events("b"))[0] == "UnrecognizedClientException"
    assert cloud.messages() == ["a"]


def test_another_region_is_refused(stream: StandIn) -> None:
    logs = logs_client(stream.url, region_name="eu-west-1")
    assert refusal(put, logs, events("a"))[0] == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("offset", "text"),
    [(310, "Signature expired: "), (-310, "Signature not yet current: ")],
)
def test_a_clock_more_than_5_minutes_off_is_refused(
    make_cloud: MakeCloud, offset: int, text: str
) -> None:
    cloud, logs = make_cloud(clock_offset=offset)
    code, message = refusal(put, logs, events("a"))
    assert (code, message[: len(text)]) == ("InvalidSignatureException", text)
    assert message.endswith(" 5 min.)")
    cloud.options.clock_offset = 290 if offset > 0 else -290
    put(logs, events("a"))


def another_second(stamp: str) -> str:
    """Of the same minute."""
    return stamp[:-2] + ("1Z" if stamp[-2] == "0" else "0Z")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b" ", {}),
        (b"", {"X-Amz-Date": another_second}),
        (b"", {"X-Amz-More": "unsigned"}),
        (b"", {"X-Amz-Target": "Logs_20140328.CreateLogStream"}),
        (b"", {"Host": "elsewhere"}),
    ],
)
def test_what_is_changed_after_signing_is_refused(
    stream: StandIn, body: bytes, headers: dict[str, Any]
) -> None:
    logs = logs_client(stream.url)

    def spoil(request: Any, **_: Any) -> None:
        request.body += body
        request.headers["Content-Length"] = str(len(request.body))
        for name, value in headers.items():
            signed = request.headers.get(name)
            if isinstance(signed, bytes):
                signed = signed.decode()
            request.headers[name] = value(signed) if callable(value) else value

    logs.meta.events.register("before-send.*", spoil)
    code, _ = refusal(put, logs, events("a"))
    assert code == "InvalidSignatureException"
    assert stream.stored_count() == 0


def test_a_call_without_signature_is_refused(stream: StandIn) -> None:
    assert raw_call(stream, b"{}") == (403, "MissingAuthenticationToken")
    answer = raw_call(stream, b"{}", Authorization="AWS4-HMAC-SHA256 Credential=x")
    assert answer == (400, "IncompleteSignature")


# The transport


def test_only_the_right_path_type_and_target_are_served(make_cloud: MakeCloud) -> None:
    cloud, _ = make_cloud(verify=False)
    unknown = (404, "UnknownOperationException")
    assert raw_call(cloud, b"{}", method="GET") == unknown
    assert raw_call(cloud, b"{}", path="/x") == unknown
    assert raw_call(cloud, b"{}", Content_Type="application/json") == unknown
    assert raw_call(cloud, b"{}", X_Amz_Target="Logs_20140328.Nothing") == unknown
    assert raw_call(cloud, b"{}", X_Amz_Target="PutLogEvents") == unknown


def test_malformed_http_is_refused_and_closed(make_cloud: MakeCloud) -> None:
    cloud, _ = make_cloud(verify=False)
    good = request_bytes("POST", "/", b"{}")
    for bad in (
        good.replace(b"HTTP/1.1", b"HTTP/1.0"),
        good.replace(b"Host:", b"Hos t:"),
        good.replace(b"Host: shop.example\r\n", b""),
        good.replace(b"Content-Length: 2", b"Content-Length: +2"),
        good.replace(
            b"Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length"
        ),
        good.replace(b"Content-Length: 2", b"Content-Length: 2\r\nContent-Length: 2"),
    ):
        with RawClient(cloud.port) as client:
            client.send(bad)
            answer = client.read()
            assert answer.status == 400, bad
            assert answer.json()["__type"] == "MalformedHttpRequestException"
            assert client.read_end().rest == b""


def test_a_connection_is_kept_until_it_is_idle(make_cloud: MakeCloud) -> None:
    cloud, _ = make_cloud(verify=False, idle_timeout=0.5)
    call = unsigned_put("a")
    with RawClient(cloud.port) as client:
        client.send(call + call)
        assert [client.read().status, client.read().status] == [200, 200]
        assert client.is_open(0.2)
        client.sock.settimeout(5)
        assert not client.read_end().reset
    assert len({call.connection for call in cloud.puts()}) == 1


def test_expect_continue_is_answered(make_cloud: MakeCloud) -> None:
    cloud, _ = make_cloud(verify=False)
    fields = {"Expect": "100-continue", "Content-Length": "2"}
    with RawClient(cloud.port) as client:
        client.send(request_bytes("POST", "/", b"", fields))
        assert client.read().status == 100
        client.send(b"{}")
        assert client.read().status == 404


def compressed(cloud: StandIn, encode: Callable[[bytes], bytes] = gzip.compress) -> Any:
    """A client that compresses its bodies, and signs what it sends."""
    logs = logs_client(cloud.url)

    def compress(request: Any, **_: Any) -> None:
        request.data = encode(request.body)
        request.headers["Content-Encoding"] = "gzip"

    logs.meta.events.register_first("request-created.*", compress)
    return logs


def test_gzip_is_understood(stream: StandIn) -> None:
    put(compressed(stream), events("x" * 10_000))
    assert stream.messages() == ["x" * 10_000]
    (call,) = stream.puts()
    assert call.encoding == "gzip"
    assert call.message_bytes == 10_000 > 10 * call.body_bytes


def test_limits_hold_for_the_inflated_batch(stream: StandIn) -> None:
    logs = compressed(stream)
    put(logs, events("x" * 1_048_550))
    assert refusal(put, logs, events("x" * 1_048_551))[1].startswith("Log event too")


@pytest.mark.parametrize(
    "encode",
    [
        lambda body: body,
        lambda body: gzip.compress(body)[:-1],
        lambda body: gzip.compress(body) + b"x",
    ],
)
def test_bad_gzip_is_refused(stream: StandIn, encode: Callable[[bytes], bytes]) -> None:
    code, _ = refusal(put, compressed(stream, encode), events("a"))
    assert code == "MalformedHttpRequestException"


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("malformed", 400, "MalformedHttpRequestException"),
        ("serialization", 400, "SerializationException"),
        ("unsupported", 415, "UnsupportedMediaTypeException"),
    ],
)
def test_gzip_can_be_switched_off(
    make_cloud: MakeCloud, how: str, status: int, code: str
) -> None:
    cloud, logs = make_cloud(gzip=how)
    assert refusal(put, compressed(cloud), events("a"))[0] == code
    put(logs, events("plain"))
    assert [call.status for call in cloud.puts()] == [status, 200]
    assert cloud.messages() == ["plain"]


# Sequence tokens


def test_the_old_way_wants_each_token_once(make_cloud: MakeCloud) -> None:
    cloud, logs = make_cloud(tokens=True)
    first = put(logs, events("a"))["nextSequenceToken"]
    second = put(logs, events("b"), sequenceToken=first)["nextSequenceToken"]

    for token in ({}, {"sequenceToken": first}):
        with pytest.raises(ClientError) as caught:
            put(logs, events("c"), **token)
        answer = caught.value.response
        assert answer["Error"]["Code"] == "InvalidSequenceTokenException"
        assert answer["Error"]["Message"] == (
            "The given sequenceToken is invalid. The next expected sequenceToken"
            f" is: {second}"
        )
        assert answer["expectedSequenceToken"] == second
    assert cloud.messages() == ["a", "b"]


def test_a_fresh_stream_wants_no_token(make_cloud: MakeCloud) -> None:
    _, logs = make_cloud(tokens=True)
    with pytest.raises(ClientError) as caught:
        put(logs, events("a"), sequenceToken="1")
    answer = caught.value.response
    assert answer["Error"]["Message"].endswith("sequenceToken is: null")
    assert "expectedSequenceToken" not in answer


def test_the_old_way_knows_a_batch_again(make_cloud: MakeCloud) -> None:
    cloud, logs = make_cloud(tokens=True)
    batch = events("a")
    token = put(logs, batch)["nextSequenceToken"]
    with pytest.raises(ClientError) as caught:
        put(logs, batch)
    answer = caught.value.response
    assert answer["Error"]["Code"] == "DataAlreadyAcceptedException"
    assert answer["expectedSequenceToken"] == token
    assert answer["Error"]["Message"] == (
        "The given batch of log events has already been accepted. The next batch"
        f" can be sent with sequenceToken: {token}"
    )
    put(logs, batch, sequenceToken=token)
    assert cloud.messages() == ["a", "a"]


def test_the_new_way_ignores_tokens_and_may_give_none(make_cloud: MakeCloud) -> None:
    cloud, logs = make_cloud(next_token=False)
    assert "nextSequenceToken" not in put(logs, events("a"), sequenceToken="wrong")
    assert cloud.messages() == ["a"]
