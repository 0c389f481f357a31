"""The stand-in's faults, journal and program, and the packing of batches."""

import json
import subprocess
import sys
import threading
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from support.client import (
    LOG_GROUP,
    LOG_STREAM,
    PLACE,
    MakeCloud,
    events,
    logs_client,
    put,
    read_all,
    refusal,
    unsigned_put,
)
from support.faults import Fault
from support.http import Closed, RawClient
from support.packing import MAX_SPAN_MS, pack
from support.standin import StandIn

# Faults


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttle", 400, "ThrottlingException"),
        ("http_408", 408, "RequestTimeoutException"),
        ("http_429", 429, "TooManyRequestsException"),
        ("http_500", 500, "InternalFailure"),
        ("http_503", 503, "ServiceUnavailableException"),
        ("expired_token", 400, "ExpiredTokenException"),
        ("access_denied", 400, "AccessDeniedException"),
        ("operation_aborted", 400, "OperationAbortedException"),
        ("limit_exceeded", 400, "LimitExceededException"),
        ("invalid_parameter", 400, "InvalidParameterException"),
    ],
)
def test_an_error_is_answered_and_nothing_taken(
    stream: StandIn, logs: Any, kind: str, status: int, code: str
) -> None:
    stream.play(Fault(kind, at={2}))
    put(logs, events("a"))
    with pytest.raises(ClientError) as caught:
        put(logs, events("b"))
    answer = caught.value.response
    assert answer["Error"]["Code"] == code
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    put(logs, events("c"))
    assert stream.messages() == ["a", "c"]
    call = stream.puts()[1]
    assert (call.fault, call.status, call.code) == (kind, status, code)
    assert (call.taken, call.lost) == (False, False)


def test_an_error_may_be_answered_though_the_batch_was_taken(
    stream: StandIn, logs: Any
) -> None:
    stream.play(Fault("http_500", taken=True))
    refusal(put, logs, events("a"))
    assert stream.messages() == ["a"]
    assert stream.puts()[0].lost


@pytest.mark.parametrize("kind", ["http_502", "http_504", "html_503", "html_200"])
def test_a_proxy_answers_with_a_page(make_cloud: MakeCloud, kind: str) -> None:
    cloud, _ = make_cloud(verify=False)
    cloud.play(Fault(kind))
    with RawClient(cloud.port) as client:
        client.send(unsigned_put("a"))
        answer = client.read()
    assert answer.status == int(kind[-3:])
    assert answer.headers["content-type"] == "text/html"
    assert "x-amzn-requestid" not in answer.headers
    assert answer.body.startswith(b"<html>")
    assert cloud.stored_count() == 0


@pytest.mark.parametrize("taken", [False, True])
def test_an_unreadable_200_may_hide_either_fate(
    make_cloud: MakeCloud, taken: bool
) -> None:
    cloud, _ = make_cloud(verify=False)
    cloud.play(
        Fault("truncated_200", at={1}, taken=taken),
        Fault("empty_200", at={2}, taken=taken),
        Fault("short_200", at={3}, taken=taken),
    )
    with RawClient(cloud.port) as client:
        client.send(unsigned_put("a") + unsigned_put("b") + unsigned_put("c"))
        truncated, empty = client.read(), client.read()
        with pytest.raises(Closed) as short:
            client.read()
    assert truncated.status == 200
    with pytest.raises(ValueError, match="Unterminated string"):
        truncated.json()
    assert (empty.status, empty.body) == (200, b"")
    assert "x-amzn-requestid" not in empty.headers
    assert not short.value.reset
    assert short.value.rest == b'{"nextSequenceToken'[:18]
    assert cloud.messages() == ["a", "b", "c"][: 3 * taken]
    assert [call.lost for call in cloud.puts()] == [taken] * 3


@pytest.mark.parametrize("taken", [False, True])
def test_garbage_is_not_http(stream: StandIn, logs: Any, taken: bool) -> None:
    stream.play(Fault("garbage", taken=taken))
    with pytest.raises(ConnectionClosedError):
        put(logs, events("a"))
    assert stream.stored_count() == taken
    assert stream.puts()[0].status is None


@pytest.mark.parametrize(
    ("kind", "taken"),
    [("reset_before", False), ("reset_mid_body", False), ("reset_after", True)],
)
def test_a_reset_is_a_reset(make_cloud: MakeCloud, kind: str, taken: bool) -> None:
    cloud, _ = make_cloud(verify=False)
    cloud.play(Fault(kind, times=1))
    with RawClient(cloud.port) as client:
        client.send(unsigned_put("a" * 100_000))
        assert client.read_end().reset
    (call,) = cloud.puts()
    assert (call.fault, call.taken, call.lost) == (kind, taken, taken)
    assert call.status is None
    assert cloud.stored_count() == taken


@pytest.mark.parametrize(("kind", "taken"), [("never", False), ("never_after", True)])
def test_no_answer_comes_until_the_client_gives_up(
    stream: StandIn, kind: str, taken: bool
) -> None:
    logs = logs_client(stream.url, read_timeout=0.5)
    stream.play(Fault(kind))
    with pytest.raises(ReadTimeoutError):
        put(logs, events("a"))
    stream.wait(lambda: stream.puts()[0].ended is not None, 5)
    assert stream.stored_count() == taken
    assert stream.puts()[0].lost == taken


def test_a_slow_answer_comes_whole(stream: StandIn, logs: Any) -> None:
    stream.play(Fault("slow", seconds=0.5))
    began = time.monotonic()
    assert put(logs, events("a"))["nextSequenceToken"]
    assert time.monotonic() - began > 0.4
    assert not stream.puts()[0].lost


def test_a_delay_is_a_delay(stream: StandIn, logs: Any) -> None:
    stream.play(Fault("delay", seconds=0.3))
    began = time.monotonic()
    put(logs, events("a"))
    assert time.monotonic() - began > 0.3


def test_events_are_rejected_by_index_on_demand(stream: StandIn, logs: Any) -> None:
    stream.play(Fault("rejected", too_old=1, expired=2, too_new=1))
    answer = put(logs, events(*"abcdef"))
    assert answer["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 1,
        "expiredLogEventEndIndex": 2,
        "tooNewLogEventStartIndex": 5,
    }
    assert stream.messages() == ["c", "d", "e"]
    (call,) = stream.puts()
    assert [event.message for event in call.rejected] == ["a", "b", "f"]
    answer = put(logs, events("x"))
    assert answer["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 1,
        "expiredLogEventEndIndex": 1,
    }


def test_a_skewed_date_comes_with_the_refusal(stream: StandIn, logs: Any) -> None:
    stream.play(Fault("skew", seconds=600))
    with pytest.raises(ClientError) as caught:
        put(logs, events("a"))
    answer = caught.value.response
    assert answer["Error"]["Code"] == "InvalidSignatureException"
    date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
    off = parsedate_to_datetime(date).timestamp() - time.time()
    assert 590 <= off <= 610


def test_a_stream_vanishes_with_its_events(stream: StandIn, logs: Any) -> None:
    put(logs, events("a"))
    stream.play(Fault("not_found", times=1))
    assert refusal(put, logs, events("b"))[0] == "ResourceNotFoundException"
    assert refusal(put, logs, events("b"))[0] == "ResourceNotFoundException"
    logs.create_log_stream(**PLACE)
    put(logs, events("b"))
    assert read_all(logs) == ["b"]
    assert stream.messages() == ["a", "b"]


def test_hints_say_when_to_come_again(stream: StandIn, logs: Any) -> None:
    stream.play(Fault("http_503", retry_after=7, retry_after_ms=1500))
    with pytest.raises(ClientError) as caught:
        put(logs, events("a"))
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["retry-after"] == "7"
    assert headers["x-amz-retry-after"] == "1500"


def test_faults_strike_the_calls_they_name(stream: StandIn, logs: Any) -> None:
    stream.create("/other")
    stream.play(
        Fault("throttle", every=3),
        Fault("http_500", at={1, 3}, stream="host-2"),
        Fault("access_denied", contains="poison", times=2),
        Fault("operation_aborted", operation="CreateLogStream", times=1),
    )
    assert refusal(
        logs.create_log_stream, logGroupName=LOG_GROUP, logStreamName="host-2"
    )
    logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="host-2")
    second = PLACE | {"logStreamName": "host-2"}
    for number in range(6):
        place, text = PLACE, "fine"
        if number in (0, 3, 5):
            place = second
        if number in (1, 4):
            text = "poison"
        try:
            logs.put_log_events(**place, logEvents=events(text))
        except ClientError:
            continue
    assert [call.fault for call in stream.puts()] == [
        "http_500",
        "access_denied",
        "throttle",
        None,
        "access_denied",
        "throttle",
    ]


def test_chance_is_repeatable(stream: StandIn, logs: Any) -> None:
    runs: list[list[str | None]] = []
    for _ in range(2):
        before = len(stream.puts())
        stream.play(Fault("throttle", probability=0.3))
        for _ in range(30):
            try:
                put(logs, events("a"))
            except ClientError:
                continue
        runs.append([call.fault for call in stream.puts()[before:]])
    assert runs[0] == runs[1]
    assert 3 < runs[0].count("throttle") < 18


def test_a_call_that_is_itself_wrong_meets_no_fault(stream: StandIn, logs: Any) -> None:
    stream.play(Fault("throttle", at={1}))
    assert refusal(put, logs, [])[0] == "InvalidParameterException"
    assert refusal(put, logs, events("a"))[0] == "ThrottlingException"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "nonsense"},
        {"kind": "throttle", "every": 2, "at": {1}},
        {"kind": "reset_before", "taken": True},
        {"kind": "reset_mid_body", "stream": "a"},
    ],
)
def test_a_fault_that_makes_no_sense_is_an_error(fault: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"fault|exclude|before"):
        Fault(**fault)


# The journal


def test_concurrency_is_what_was_under_way_at_once(stream: StandIn) -> None:
    stream.create("/other", "host-2")
    stream.options.latency = 0.4
    places = [PLACE, PLACE, {"logGroupName": "/other", "logStreamName": "host-2"}]

    def send(place: dict[str, str]) -> None:
        logs_client(stream.url).put_log_events(**place, logEvents=events("a"))

    threads = [threading.Thread(target=send, args=(place,)) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert stream.concurrency() == 3
    assert stream.stream_concurrency() == 2
    for place in places:
        send(place)
    assert stream.concurrency() == 3


def test_a_retry_after_giving_up_is_not_concurrent(make_cloud: MakeCloud) -> None:
    cloud, _ = make_cloud(verify=False)
    cloud.play(Fault("never", every=2))
    call = unsigned_put("a")
    for number in range(40):
        with RawClient(cloud.port) as client:
            client.send(call)
            if number % 2 == 0:
                assert client.read().status == 200
            else:
                cloud.wait(lambda: cloud.puts()[-1].fault == "never")
    assert len(cloud.puts()) == 40
    assert cloud.stream_concurrency() == 1


def test_it_may_be_away_for_a_while(stream: StandIn, logs: Any) -> None:
    put(logs, events("a"))
    port = stream.port
    stream.stop()
    with pytest.raises(EndpointConnectionError):
        put(logs, events("b"))
    stream.start()
    assert stream.port == port
    put(logs, events("c"))
    assert stream.messages() == ["a", "c"]


def test_a_sink_takes_everything_unread(make_cloud: MakeCloud) -> None:
    cloud, logs = make_cloud(sink=True)
    for _ in range(3):
        put(logs, [])
    assert [call.taken for call in cloud.puts()] == [True] * 3
    assert cloud.stored_count() == 0


# Packing


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([], []),
        ([1] * 10_000, [10_000]),
        ([1] * 10_001, [10_000, 1]),
        ([1_048_550], [1]),
        ([524_262, 524_262, 1], [2, 1]),
        ([524_262, 524_263], [1, 1]),
    ],
)
def test_packing_fills_each_call(sizes: list[int], batches: list[int]) -> None:
    assert pack((1, size) for size in sizes) == batches


def test_packing_minds_time() -> None:
    day = MAX_SPAN_MS
    assert pack([(0, 1), (day, 1)]) == [2]
    assert pack([(0, 1), (day + 1, 1), (day + 2, 1)]) == [1, 2]
    assert pack([(5, 1), (4, 1), (4, 1)]) == [1, 2]


def test_packing_refuses_what_fits_nowhere() -> None:
    with pytest.raises(ValueError, match="1048551"):
        pack([(1, 1_048_551)])


# The program


def test_the_program_plays_a_script_and_sums_up(tmp_path: Path) -> None:
    script = tmp_path / "faults.json"
    script.write_text('[{"kind": "throttle", "at": [1]}]')
    command = [sys.executable, "-m", "support.standin", "--script", str(script)]
    command += ["--create", f"{LOG_GROUP}:{LOG_STREAM}"]
    here = Path(__file__).parent
    with subprocess.Popen(
        command,
        cwd=here,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().rpartition(" ")[2].strip()
            logs = logs_client(url)
            assert refusal(put, logs, events("a"))[0] == "ThrottlingException"
            put(logs, events("a"))
            logs.close()
            process.terminate()
            summary = json.loads(process.stdout.readline())
            assert process.wait(10) == 0
        finally:
            process.kill()
    assert summary["stored"] == 1
    assert summary["faults"] == {"throttle": 1}
