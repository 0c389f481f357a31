"""docs/examples: rights on AWS are those that the daemons use, no more and no
less; alert rules are of metrics that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from support.daemons import Site
from support.http import request
from support.issuer import Issuer
from support.moto import moto_server
from support.standin import ACCESS_KEY, REGION, SECRET_KEY
from support.tokens import CLIENT, ISSUER, Key, token
from support.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
AWS = ROOT / "docs" / "examples" / "aws"
RULES = ROOT / "docs" / "examples" / "prometheus" / "clickspool.rules.yml"
BUCKET, ORIGIN = "shop-images", "https://shop.example"


def read(name: str) -> Any:
    return json.loads((AWS / name).read_text())


def actions(policy: Any) -> list[str]:
    """What it allows; each action once, none with a wildcard."""
    found: list[str] = []
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        assert isinstance(statement["Action"], list)
        found += statement["Action"]
    assert len(found) == len(set(found))
    assert not any("*" in action for action in found)
    return found


def source(folder: str) -> str:
    """Without its folders, such as the tool's that uses its caller's key."""
    paths = sorted((ROOT / folder).iterdir())
    return "".join(p.read_text() for p in paths if p.suffix in (".c", ".h"))


def test_shippers_policy_is_what_shipper_calls() -> None:
    text = source("shipper")
    logs = re.findall(r"Logs_20140328\.([A-Z]\w+)", text)
    secrets = re.findall(r'"secretsmanager\.([A-Z]\w+)"', text)
    assert logs and secrets
    wanted = {f"logs:{name}" for name in logs}
    wanted |= {f"secretsmanager:{name}" for name in secrets}
    assert '"HEAD"' in text  # of an object, which is the right to get it
    wanted |= {"s3:GetObject", "s3:ListBucket"}
    assert set(actions(read("shipper-policy.json"))) == wanted


def test_what_signs_uploads_may_put_them_and_nothing_else() -> None:
    policy = read("uploads-policy.json")
    assert '"PUT"' in (ROOT / "ingest" / "presign.c").read_text()
    assert actions(policy) == ["s3:PutObject"]
    assert policy["Statement"][0]["Resource"] == f"arn:aws:s3:::{BUCKET}/products/*"


def test_no_policy_is_of_everything() -> None:
    for name in ("shipper-policy.json", "uploads-policy.json"):
        for statement in read(name)["Statement"]:
            resources = statement["Resource"]
            resources = [resources] if isinstance(resources, str) else resources
            for resource in resources:
                assert not resource.endswith(":*:*")
                assert resource.count("*") <= 1


def test_cloudfront_alone_reads_the_bucket_and_by_tls() -> None:
    reads, tls = read("bucket-policy.json")["Statement"]
    assert reads["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert reads["Action"] == "s3:GetObject"
    arn = reads["Condition"]["StringEquals"]["AWS:SourceArn"]
    assert arn.startswith("arn:aws:cloudfront::")
    assert (tls["Effect"], tls["Principal"]) == ("Deny", "*")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(tls["Resource"]) == 2


def test_each_file_has_its_one_command() -> None:
    text = (AWS / "README.md").read_text()
    for path in AWS.glob("*.json"):
        assert len(re.findall(rf"`aws [^`]* file://{path.name}`", text)) == 1


def test_the_bucket_lets_a_page_send_what_presign_tells_it_to(build: Path) -> None:
    (rule,) = read("bucket-cors.json")["CORSRules"]
    key = Key()
    wish = {
        "contentType": "image/png",
        "contentLength": 4,
        "checksumSha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
    }
    with Issuer(key) as issuer, Site(build, {"uploads": {"bucket": BUCKET}}) as site:
        auth = {"issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT}
        site.configure({"auth": auth, "aws": {"endpoint_url": "http://127.0.0.1:1"}})
        site.shipper.start()
        site.ingest.start()
        head = {
            "Authorization": f"Bearer {token(key, **{'cognito:groups': ['admin']})}",
            "Content-Type": "application/json",
        }
        body = json.dumps(wish).encode()

        def ask() -> Any:
            return request(site.ingest.port, "POST", "/uploads/presign", body, head)

        wait_until(lambda: ask().status == 201, timeout=20)
        told = ask().json()
    assert rule["AllowedMethods"] == [told["method"]]
    assert {name.lower() for name in told["headers"]} == set(rule["AllowedHeaders"])


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with moto_server(tmp_path_factory.mktemp("moto") / "moto.log") as url:
        yield boto3.client(
            "s3",
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )


@pytest.mark.timeout(180)
def test_s3_takes_them(s3: Any) -> None:
    place = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    policy, cors = read("bucket-policy.json"), read("bucket-cors.json")
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration=cors)
    assert json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]) == policy
    (rule,) = s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    assert rule["AllowedOrigins"] == [ORIGIN]


# Prometheus


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    assert isinstance(group["rules"], list)
    return group["rules"]


@pytest.fixture(scope="module")
def names(build: Path) -> set[str]:
    """Of all samples that both daemons have."""
    with Site(build, {"aws": {"endpoint_url": "http://127.0.0.1:1"}}) as site:
        site.ingest.start()
        site.shipper.start()

        def text() -> str:
            head = {"Host": "localhost"}
            answer = request(site.ingest.admin_port, "GET", "/metrics", headers=head)
            return answer.body.decode()

        wait_until(lambda: "\nclickspool_shipper_up 1" in text())
        return set(re.findall(r"^(\w+)[{ ]", text(), re.MULTILINE))


def test_alerts_are_of_metrics_that_there_are(names: set[str]) -> None:
    for rule in rules():
        used = set(re.findall(r"\bclickspool_\w+", rule["expr"]))
        assert used and used <= names, rule["alert"]


def test_an_alert_says_what_is_wrong_and_how_bad_it_is() -> None:
    alerts = [rule["alert"] for rule in rules()]
    assert len(alerts) == len(set(alerts))
    for rule in rules():
        assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
