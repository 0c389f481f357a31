"""docs/cloudwatch: filters, alarms and dashboard, of what the daemons really
send, and as AWS's own client and moto take them."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.ask import event
from support.daemons import Site
from support.filters import compile_pattern
from support.http import RawClient, request_bytes
from support.insights import Query
from support.issuer import Issuer
from support.moto import moto_server
from support.standin import ACCESS_KEY, REGION, SECRET_KEY, StandIn
from support.tokens import CLIENT, ISSUER, Key, token
from support.wait import wait_until

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDER = DOCS / "cloudwatch"
FILTERS = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("filters/*")}
ALARMS = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("alarms/*")}
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
GROUP, NAMESPACE = "/clickspool/events", "Clickspool"
ACCOUNT = "123456789012"  # moto's
COUNTS = ("accepted", "delivered", "pending", "dead", "dropped")
Entry = dict[str, Any]


def transformation(name: str) -> Entry:
    (only,) = FILTERS[name]["metricTransformations"]
    assert isinstance(only, dict)
    return only


def metrics_made() -> set[str]:
    return {str(transformation(name)["metricName"]) for name in FILTERS}


@pytest.fixture(scope="module")
def entries(build: Path) -> list[Entry]:
    """What shipper delivers of a shop in which some things fail."""
    key = Key()
    with StandIn() as cloud, Issuer(key) as issuer, Site(build) as site:
        auth = {"issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT}
        site.configure({"shipper": {"linger": "0s", "heartbeat": "1s"}, "auth": auth})
        site.aws(cloud)
        site.ingest.start()
        site.shipper.start()
        assert site.ingest.post(event()).status == 202
        late = {"Authorization": f"Bearer {token(key, exp=1_700_000_000)}"}
        wait_until(lambda: site.ingest.post(event(), late).status == 401, timeout=20)
        told = {"logCategory": "crud", "action": "order.create", "statusCode": 500}
        body = json.dumps([told, told | {"statusCode": 200}]).encode()
        head = {"Content-Type": "application/json"}
        with RawClient(f"{site.folder}/log.sock") as api:
            api.send(request_bytes("POST", "/logs", body, head))
            assert api.read().status == 202

        def beats() -> bool:
            return any('"delivered":4' in text for text in cloud.messages())

        cloud.wait(beats, 20)
        return [json.loads(text) for text in cloud.messages()]


def found(name: str, entries: list[Entry]) -> list[Entry]:
    match = compile_pattern(FILTERS[name]["filterPattern"])
    return [entry for entry in entries if match(json.dumps(entry))]


def test_filters_find_heartbeats_and_their_counts(entries: list[Entry]) -> None:
    beats = [entry for entry in entries if entry["logCategory"] == "clickspool"]
    assert beats and len(beats) < len(entries)
    assert found("heartbeats", entries) == beats
    assert transformation("heartbeats")["metricValue"] == "1"
    for name in COUNTS:
        assert found(name, entries) == beats
        assert transformation(name)["metricValue"] == f"$.{name}"
        assert all(isinstance(beat[name], int) for beat in beats)
        assert "defaultValue" not in transformation(name)


def test_filters_find_errors_and_refused_tokens(entries: list[Entry]) -> None:
    refused = found("auth-failures", entries)
    assert [entry["outcome"] for entry in refused] == ["failure"]
    errors = found("errors", entries)
    assert {entry["logCategory"] for entry in errors} == {"auth", "crud"}
    assert len(errors) == 2


def test_filters_are_of_one_namespace_and_metrics_of_their_own() -> None:
    assert {f["logGroupName"] for f in FILTERS.values()} == {"/clickspool/events"}
    assert {transformation(n)["metricNamespace"] for n in FILTERS} == {NAMESPACE}
    assert len(metrics_made()) == len(FILTERS)
    assert all(len(f["filterPattern"]) <= 1024 for f in FILTERS.values())


def test_silence_raises_the_first_alarm() -> None:
    alarm = ALARMS["no-heartbeat"]
    assert alarm["MetricName"] == transformation("heartbeats")["metricName"]
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 900
    assert (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "Sum",
        "LessThanThreshold",
        1,
    )
    assert alarm["TreatMissingData"] == "breaching"
    others = {a["TreatMissingData"] for n, a in ALARMS.items() if n != "no-heartbeat"}
    assert "breaching" not in others


def test_alarms_look_at_metrics_that_filters_make() -> None:
    for name, alarm in ALARMS.items():
        assert alarm["AlarmName"] == f"clickspool-{name}"
        looked = [alarm] if "MetricName" in alarm else []
        for query in alarm.get("Metrics", []):
            if "MetricStat" in query:
                looked.append(query["MetricStat"]["Metric"])
        assert looked
        for metric in looked:
            assert metric["Namespace"] == NAMESPACE
            assert metric["MetricName"] in metrics_made()


def test_the_dashboard_shows_what_there_is() -> None:
    queries = {
        re.sub(r"^#.*\n", "", path.read_text()).strip()
        for path in (DOCS / "insights").glob("*.query")
    }
    shown: set[str] = set()
    for widget in DASHBOARD["widgets"]:
        assert widget["x"] + widget["width"] <= 24
        properties = widget["properties"]
        if widget["type"] == "log":
            source, _, query = properties["query"].partition(" | ")
            assert source == "SOURCE '/clickspool/events'"
            assert query in queries
            Query(query)
            continue
        for metric in properties["metrics"]:
            if isinstance(metric[0], str):
                assert metric[0] == NAMESPACE
                shown.add(metric[1])
    assert shown == metrics_made()


def test_each_file_has_its_one_command() -> None:
    rows = re.findall(
        r"^\| \[(\S+)\]\(\1\) \|.*\| `(aws [^`]+)` \|$",
        (FOLDER / "README.md").read_text(),
        re.MULTILINE,
    )
    files = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.json")}
    assert {name for name, _ in rows} == files
    assert len(rows) == len(files)
    for name, command in rows:
        assert shlex.split(command)[-1] == f"file://{name}"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Clients of a moto server, which check what they are given."""
    with moto_server(tmp_path_factory.mktemp("moto") / "moto.log") as url:

        def client(service: str) -> Any:
            return boto3.client(
                service,
                region_name=REGION,
                endpoint_url=url,
                aws_access_key_id=ACCESS_KEY,
                aws_secret_access_key=SECRET_KEY,
            )

        client("logs").create_log_group(logGroupName=GROUP)
        yield client


@pytest.mark.timeout(180)
def test_aws_takes_them(aws: Any) -> None:
    logs, cloudwatch = aws("logs"), aws("cloudwatch")
    for made in FILTERS.values():
        logs.put_metric_filter(**made)
    for alarm in ALARMS.values():
        cloudwatch.put_metric_alarm(**alarm)
    cloudwatch.put_dashboard(
        DashboardName="clickspool", DashboardBody=json.dumps(DASHBOARD)
    )
    kept = logs.describe_metric_filters(logGroupName=GROUP)
    assert {row["filterPattern"] for row in kept["metricFilters"]} == {
        made["filterPattern"] for made in FILTERS.values()
    }
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    assert {row["AlarmName"] for row in alarms} == {
        alarm["AlarmName"] for alarm in ALARMS.values()
    }
    told = cloudwatch.get_dashboard(DashboardName="clickspool")["DashboardBody"]
    assert json.loads(told) == DASHBOARD


def test_aws_takes_the_subscription_that_a_page_tells_of(aws: Any) -> None:
    text = (DOCS / "scaling.md").read_text().replace("\\\n", "")
    (command,) = re.findall(r"^aws logs put-subscription-filter (.*)$", text, re.M)
    words = shlex.split(command.replace("REGION", REGION).replace("ACCOUNT", ACCOUNT))
    given = {
        re.sub(r"-(.)", lambda match: match[1].upper(), name.removeprefix("--")): value
        for name, value in zip(words[::2], words[1::2], strict=True)
    }
    logs, firehose = aws("logs"), aws("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName=given["destinationArn"].rpartition("/")[2],
        S3DestinationConfiguration={
            "RoleARN": given["roleArn"],
            "BucketARN": "arn:aws:s3:::events",
        },
    )
    logs.put_subscription_filter(**given)
    kept = logs.describe_subscription_filters(logGroupName=GROUP)
    assert kept["subscriptionFilters"][0].items() >= given.items()
