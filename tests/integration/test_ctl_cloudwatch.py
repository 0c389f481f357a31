"""clickspoolctl cloudwatch, and audit --cloudwatch: what CloudWatch has of us,
counted by eventId."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from support import handmade
from support.client import LOG_GROUP, LOG_STREAM, events, now_ms, put
from support.craft import checkpoint, event_id
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.json_service import JsonService
from support.moto import moto_server
from support.shop import Load, post_all
from support.standin import StandIn

OK, FINDINGS, USAGE, UNREACHABLE, CONFIG = 0, 1, 2, 3, 78
HOUR = 3_600_000


def run(site: Site, *args: str, code: int = OK) -> str:
    done = site.ctl(*args)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def look(site: Site, *args: str, code: int = OK) -> dict[str, Any]:
    text = run(site, "cloudwatch", "--json", *args, code=code)
    told: dict[str, Any] = json.loads(text)
    return told


def message(number: int) -> str:
    return json.dumps({"eventName": "page_view", "eventId": event_id(number)})


# cloudwatch


def test_the_group_and_its_streams_are_told(
    site: Site, stream: StandIn, logs: Any
) -> None:
    stream.create(LOG_GROUP + "-other", "web-1")
    for number in range(60):  # a page is 50
        names = {"logGroupName": LOG_GROUP, "logStreamName": f"web-1-{number:02}"}
        stream.service.create_log_stream(names)
    stream.service.create_log_stream(
        {"logGroupName": LOG_GROUP, "logStreamName": "other"}
    )
    stream.service.put_retention_policy(
        {"logGroupName": LOG_GROUP, "retentionInDays": 30}
    )
    put(logs, events(message(1)))
    told = look(site)
    assert told["group"] == LOG_GROUP
    assert (told["exists"], told["retentionDays"]) == (True, 30)
    assert len(told["streams"]) == 61  # those that begin with log_stream
    first = told["streams"][0]
    assert first["stream"] == LOG_STREAM
    assert first["lastEvent"] and first["lastIngestion"]
    assert told["streams"][1]["lastIngestion"] is None
    assert "count" not in told
    assert [row["stream"] for row in look(site, "--stream", "oth")["streams"]] == [
        "other"
    ]
    text = run(site, "cloudwatch")
    assert "30 days" in text and LOG_STREAM in text


def test_a_group_that_is_not_there_is_a_finding(site: Site) -> None:
    assert look(site, code=FINDINGS)["exists"] is False
    assert "no such group" in run(site, "cloudwatch", "--count", code=FINDINGS)


def test_events_are_counted_by_event_id(site: Site, stream: StandIn, logs: Any) -> None:
    now = now_ms()
    put(logs, events(message(9), at=now - 2 * HOUR))
    put(logs, events(*map(message, range(5)), at=now - HOUR // 2))
    count = look(site, "--count")["count"]
    assert (count["events"], count["eventIds"], count["repeated"]) == (5, 5, 0)
    put(logs, events(message(3), "no JSON", message(3), message(4), at=now - 1000))
    count = look(site, "--count", code=FINDINGS)["count"]
    assert (count["events"], count["eventIds"]) == (9, 5)
    assert (count["repeated"], count["withoutId"]) == (2, 1)
    count = look(site, "--count", "--since", "3h", code=FINDINGS)["count"]
    assert count["events"] == 10
    window = ("--since", "3h", "--until", "1h")
    assert look(site, "--count", *window)["count"]["events"] == 1


def test_every_page_is_counted(site: Site, stream: StandIn, logs: Any) -> None:
    """Pages end at 1 MiB, and every third is empty."""
    at = now_ms() - 1000
    for start in range(0, 3000, 500):
        rows = [
            json.dumps({"eventId": event_id(number), "pad": "x" * 1500})
            for number in range(start, start + 500)
        ]
        put(logs, events(*rows, at=at))
    count = look(site, "--count")["count"]
    assert (count["eventIds"], count["repeated"]) == (3000, 0)
    assert len(stream.calls("FilterLogEvents")) > 5


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        (Fault("throttle", at={1, 2}, operation="FilterLogEvents"), 3),
        (Fault("http_503", at={1, 2, 3}, operation="FilterLogEvents"), 4),
        (Fault("reset_after", at={1}, operation="FilterLogEvents"), 2),
        (Fault("skew", at={1}, operation="FilterLogEvents", seconds=600), 2),
    ],
)
def test_what_passes_is_tried_again(
    site: Site, stream: StandIn, logs: Any, fault: Fault, calls: int
) -> None:
    put(logs, events(message(1)))
    if fault.kind == "skew":
        stream.options.verify = False
    stream.play(fault)
    assert look(site, "--count")["count"]["events"] == 1
    assert len(stream.calls("FilterLogEvents")) == calls


def test_what_stays_is_told_with_its_code(site: Site, stream: StandIn) -> None:
    stream.play(Fault("access_denied", operation="DescribeLogGroups"))
    done = site.ctl("cloudwatch")
    assert done.returncode == UNREACHABLE
    assert "AccessDeniedException" in done.stderr
    assert "logs:DescribeLogGroups" in done.stderr
    assert len(stream.calls()) == 1
    stream.play(Fault("http_500", operation="*"))
    done = site.ctl("cloudwatch")
    assert (done.returncode, done.stdout) == (UNREACHABLE, "")
    assert len(stream.calls()) == 1 + 4


def test_nobody_there_and_no_credentials_are_exit_3(
    site: Site, stream: StandIn
) -> None:
    stream.stop()
    done = site.ctl("cloudwatch")
    assert done.returncode == UNREACHABLE
    assert done.stderr.count("\n") == 1
    site.env = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    began = time.monotonic()
    done = site.ctl("cloudwatch")
    assert done.returncode == UNREACHABLE
    assert "NoCredentials" in done.stderr
    assert time.monotonic() - began < 5
    stream.start()


def test_a_credential_process_is_waited_for(
    site: Site, stream: StandIn, tmp_path: Path
) -> None:
    keys = {
        "Version": 1,
        "AccessKeyId": site.environment()["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": site.environment()["AWS_SECRET_ACCESS_KEY"],
    }
    script = tmp_path / "keys"
    script.write_text(f"#!/bin/sh\nsleep 1\ncat <<'E'\n{json.dumps(keys)}\nE\n")
    script.chmod(0o755)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {script}\n")
    site.env = {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_CONFIG_FILE": os.fspath(tmp_path / "config"),
    }
    assert look(site)["exists"] is True


@pytest.mark.parametrize(
    "args",
    [
        ("cloudwatch", "operand"),
        ("cloudwatch", "--since", "yesterday"),
        ("cloudwatch", "--since", "1h", "--until", "2h"),
    ],
)
def test_a_wrong_command_line_is_exit_2(site: Site, args: tuple[str, ...]) -> None:
    assert site.ctl(*args).returncode == USAGE


def test_no_spool_is_needed(site: Site, stream: StandIn, tmp_path: Path) -> None:
    site.configure({"spool": {"dir": tmp_path / "none"}})
    assert look(site)["exists"] is True
    site.configure({"aws": {"endpoint_url": "ftp://example"}})
    run(site, "cloudwatch", code=CONFIG)


# audit --cloudwatch


def audit(site: Site, code: int = OK) -> dict[str, Any]:
    """What it says of CloudWatch, and the kinds of its findings."""
    told = json.loads(run(site, "audit", "--cloudwatch", "--json", code=code))
    cloud: dict[str, Any] = told["cloudwatch"]
    parts = ("once", "missing", "moreThanOnce")
    assert cloud["expected"] == sum(cloud[part] for part in parts)
    return cloud | {"findings": [row["finding"] for row in told["findings"]]}


def ship(site: Site, cloud: StandIn, count: int) -> None:
    """So many entries are delivered, or dead, and the checkpoint says so."""
    site.ingest.start()
    site.shipper.start()
    post_all(site, count)
    cloud.wait(lambda: json.loads(run(site, "audit", "--json"))["pending"] == 0)


def test_what_was_delivered_is_there_once(site: Site, stream: StandIn) -> None:
    site.configure({"spool": {"segment_size": "64KiB", "min_free": "1MiB"}})
    ship(site, stream, 1500)
    site.ingest.restart()
    ship_more = post_all(site, 20)
    stream.wait_stored(1500 + len(ship_more))
    stream.wait(lambda: json.loads(run(site, "audit", "--json"))["pending"] == 0)
    cloud = audit(site)
    assert (cloud["expected"], cloud["once"]) == (1520, 1520)
    assert (cloud["others"], cloud["dead"], cloud["expired"]) == (0, 0, 0)
    text = run(site, "audit", "--cloudwatch")
    assert "there once, of 1520 delivered entries" in text
    assert "cloudwatch" not in run(site, "audit")
    assert '"cloudwatch"' not in run(site, "audit", "--json")


def test_what_is_missing_or_there_twice_is_found(
    site: Site, stream: StandIn, logs: Any
) -> None:
    ship(site, stream, 300)
    stored = stream.service.groups[LOG_GROUP].streams[LOG_STREAM].events
    lost = stored[7]
    del stored[7]
    again = stored[100]
    put(logs, events(again.message, at=again.timestamp))
    put(logs, events("somebody else's", at=again.timestamp))
    cloud = audit(site, code=FINDINGS)
    assert (cloud["once"], cloud["missing"], cloud["moreThanOnce"]) == (298, 1, 1)
    assert cloud["others"] == 1
    assert cloud["findings"] == ["missing_in_cloudwatch", "repeated_in_cloudwatch"]
    text = run(site, "audit", "--cloudwatch", code=FINDINGS)
    assert json.loads(lost.message)["eventId"] in text
    assert json.loads(again.message)["eventId"] in text


def test_what_shows_late_is_waited_for(site: Site, make_cloud: Any) -> None:
    late, _ = make_cloud(visible_after=2.5)
    site.configure({"shipper": {"resolve_wait": "5s"}})
    site.aws(late)
    ship(site, late, 50)
    assert audit(site)["once"] == 50


def test_dead_and_pending_entries_are_not_looked_for(
    site: Site, stream: StandIn
) -> None:
    stream.play(Fault("rejected", at={1}, too_old=3))
    ship(site, stream, 40)
    assert site.shipper.stop() == 0
    post_all(site, 5)
    cloud = audit(site)
    assert (cloud["expected"], cloud["once"], cloud["dead"]) == (37, 37, 3)


def test_heartbeats_and_what_has_expired_are_not_looked_for(
    site: Site, stream: StandIn, logs: Any
) -> None:
    now = now_ms()
    old, fresh = now - 26 * HOUR, now - HOUR
    beat = handmade.line(
        fresh, f'"eventId":"{event_id(8)}","logCategory":"clickspool"'
    )
    lines = [handmade.entry(old, 1), handmade.entry(fresh, 2), beat]
    spool = handmade.HandMade(site.spool)
    spool.segment(lines, ts=old)
    checkpoint(site.spool, 1, spool.ends[0], delivered=3)
    put(logs, events(lines[1].decode().rstrip("\n"), at=fresh))
    cloud = audit(site, code=FINDINGS)
    assert (cloud["once"], cloud["missing"]) == (1, 1)
    stream.service.put_retention_policy(
        {"logGroupName": LOG_GROUP, "retentionInDays": 1}
    )
    cloud = audit(site)
    assert (cloud["once"], cloud["missing"], cloud["expired"]) == (1, 0, 1)


def test_an_empty_spool_expects_nothing(site: Site, stream: StandIn) -> None:
    assert audit(site)["expected"] == 0


def test_without_the_group_all_is_missing(site: Site) -> None:
    spool = handmade.HandMade(site.spool)
    spool.segment([handmade.entry(now_ms(), 1)], ts=now_ms())
    checkpoint(site.spool, 1, spool.ends[0], delivered=1)
    assert audit(site, code=FINDINGS)["missing"] == 1


def test_an_audit_that_may_not_ask_is_exit_3(site: Site, stream: StandIn) -> None:
    ship(site, stream, 5)
    stream.play(Fault("access_denied", operation="FilterLogEvents"))
    done = site.ctl("audit", "--cloudwatch")
    assert (done.returncode, done.stdout) == (UNREACHABLE, "")
    assert "logs:FilterLogEvents" in done.stderr


# Against moto, which others wrote


@pytest.mark.timeout(180)
def test_moto_is_counted_like_the_stand_in(make_site: MakeSite, tmp_path: Path) -> None:
    with moto_server(tmp_path / "moto.log") as url:
        site = make_site({"aws": {"endpoint_url": url}})
        site.ingest.start()
        site.shipper.start()
        post_all(site, 700)
        deadline = time.monotonic() + 60
        while json.loads(run(site, "audit", "--json"))["pending"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert audit(site)["once"] == 700
        told = look(site, "--count")
        assert told["streams"][0]["stream"] == LOG_STREAM
        assert told["count"]["eventIds"] == 700


def test_no_token_is_told_with_an_error(site: Site) -> None:
    """AWS may answer a wrong signature with the request as it was signed."""
    said = "The signature does not match.\n\nx-amz-security-token:SECRET-TOKEN\n"
    error = {"__type": "InvalidSignatureException", "message": said}
    with JsonService(lambda operation, body: (400, error)) as service:
        site.configure({"aws": {"endpoint_url": service.url}})
        done = site.ctl("cloudwatch")
    assert done.returncode == UNREACHABLE
    assert "The signature does not match." in done.stderr
    assert "SECRET-TOKEN" not in done.stderr


def test_kills_leave_nothing_missing_or_twice(
    make_site: MakeSite, stream: StandIn
) -> None:
    site = make_site({"shipper": {"linger": "0s"}})
    site.aws(stream)
    stream.play(Fault("reset_after", every=5), Fault("http_503", every=7))
    site.ingest.start()
    site.shipper.start()
    load = Load(site, 1)
    load.start()
    for _ in range(5):
        time.sleep(0.3)
        site.shipper.kill()
        site.shipper.start()
    load.finish()
    stream.play()
    stream.wait(lambda: json.loads(run(site, "audit", "--json"))["pending"] == 0, 60)
    cloud = audit(site)
    assert cloud["once"] >= len(load.acknowledged) > 0
    assert (cloud["missing"], cloud["moreThanOnce"]) == (0, 0)


ODD: list[Any] = [
    {},
    {"logGroups": 7, "logStreams": "x", "events": {"a": 1}, "nextToken": 5},
    {"logGroups": [1, None, {}], "logStreams": [[], {}], "events": [None, 3, {}]},
    {
        "logGroups": [{"logGroupName": LOG_GROUP, "creationTime": 2**53}],
        "logStreams": [{"logStreamName": 7, "lastIngestionTime": -1}],
        "events": [{"message": 7}, {"message": "", "timestamp": 1e300}],
        "queryId": 7,
    },
    {"queryId": "q", "status": "Complete", "results": [[{"field": 1}], 7, [None]]},
    {"queryId": "q", "status": 7},
    {"nextToken": "for ever", "queryId": "q", "status": "Complete"},
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_an_odd_answer_is_survived(site: Site, odd: dict[str, Any]) -> None:
    spool = handmade.HandMade(site.spool)
    spool.segment([handmade.entry(now_ms(), 1)], ts=now_ms())
    checkpoint(site.spool, 1, spool.ends[0], delivered=1)
    told = {"logGroups": [{"logGroupName": LOG_GROUP}]} | odd
    for answer in (odd, told):
        with JsonService(lambda operation, body, to=answer: (200, to)) as service:
            site.configure({"aws": {"endpoint_url": service.url}})
            for args in (
                ("cloudwatch", "--count"),
                ("audit", "--cloudwatch"),
                ("trace", event_id(1)),
                ("insights", "funnel"),
            ):
                assert site.ctl(*args).returncode in (OK, FINDINGS, UNREACHABLE)
