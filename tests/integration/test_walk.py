"""The whole way with an AWS that others wrote: a user signs in, sends events,
uploads an image; and all of it arrives.  And shipper away for an hour."""

import http.client
import json
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from support.ask import check_problem, event
from support.client import read_all
from support.daemons import MakeSite, Site
from support.http import Response, request
from support.issuer import Issuer
from support.moto import moto_server
from support.standin import ACCESS_KEY, REGION, SECRET_KEY
from support.tokens import CLIENT, ISSUER, Key, token
from support.wait import wait_until

BUCKET, IMAGE = "shop-images", b"\x89PNG" + b"\x00\xff" * 600
PASSWORD = "Correct-horse-9"


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with moto_server(tmp_path_factory.mktemp("moto") / "moto.log") as url:
        yield url


def client(service: str, url: str) -> Any:
    return boto3.client(
        service, endpoint_url=url, region_name=REGION,
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
    )  # fmt: skip


class Cognito:
    """A pool with one app and one user, who is in the group `admin`."""

    def __init__(self, url: str) -> None:
        self.idp, self.url = client("cognito-idp", url), url
        self.pool = self.idp.create_user_pool(PoolName="shop")["UserPool"]["Id"]
        self.app = self.idp.create_user_pool_client(
            UserPoolId=self.pool, ClientName="web"
        )["UserPoolClient"]["ClientId"]
        self.name = f"ada-{uuid.uuid4().hex[:8]}"
        made = self.idp.admin_create_user(UserPoolId=self.pool, Username=self.name)
        attributes = {a["Name"]: a["Value"] for a in made["User"]["Attributes"]}
        self.sub = attributes["sub"]
        self.idp.admin_set_user_password(
            UserPoolId=self.pool, Username=self.name, Password=PASSWORD, Permanent=True
        )
        self.idp.create_group(UserPoolId=self.pool, GroupName="admin")
        self.idp.admin_add_user_to_group(
            UserPoolId=self.pool, Username=self.name, GroupName="admin"
        )

    def sign_in(self) -> dict[str, str]:
        done = self.idp.initiate_auth(
            ClientId=self.app,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": self.name, "PASSWORD": PASSWORD},
        )
        tokens: dict[str, str] = done["AuthenticationResult"]
        return tokens


def post(site: Site, path: str, body: Any, bearer: str) -> Response:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bearer}"}
    return request(site.ingest.port, "POST", path, json.dumps(body).encode(), headers)


@pytest.mark.timeout(180)
def test_from_sign_in_to_cloudwatch(make_site: MakeSite, moto: str) -> None:
    cognito, s3 = Cognito(moto), client("s3", moto)
    place = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    vault = client("secretsmanager", moto)
    vault.create_secret(Name="APP_CONFIG", SecretString=json.dumps({"bucket": BUCKET}))
    vault.create_secret(Name="DB_PASSWORD", SecretString="sesame")
    site = make_site(
        {
            "aws": {"endpoint_url": moto},
            "auth": {
                "user_pool_id": cognito.pool,
                "jwks_url": f"{moto}/{cognito.pool}/.well-known/jwks.json",
                "client_ids": cognito.app,
            },
            "secrets": {"app_config": "APP_CONFIG"},
        }
    )
    site.configure({"secrets": {"export_dir": site.folder / "out"}})
    site.shipper.start()
    site.ingest.start()
    tokens = cognito.sign_in()
    id_token, access = tokens["IdToken"], tokens["AccessToken"]
    wish = {"contentType": "image/png", "contentLength": len(IMAGE)}
    wait_until(lambda: post(site, "/uploads/presign", wish, id_token).status == 201,
               timeout=30)  # fmt: skip

    for bearer in (id_token, access):
        answer = post(site, "/events", event(), bearer)
        assert answer.status == 202
        assert answer.json()["identity"] == "cognito"
    upload = post(site, "/uploads/presign", wish | {"productId": "p-1"}, id_token).json()
    parts = urlsplit(upload["url"])
    browser = http.client.HTTPConnection(parts.netloc)
    browser.request("PUT", f"{parts.path}?{parts.query}", IMAGE, upload["headers"])
    assert browser.getresponse().status == 200
    done = post(site, "/uploads/complete", {"uploadId": upload["uploadId"]}, id_token)
    assert done.status == 201
    held = s3.get_object(Bucket=BUCKET, Key=done.json()["key"])
    assert held["Body"].read() == IMAGE
    wait_until((site.folder / "out" / "DB_PASSWORD").exists)
    assert (site.folder / "out" / "DB_PASSWORD").read_text() == "sesame"

    logs = client("logs", moto)

    def arrived() -> list[dict[str, Any]]:
        try:
            return [json.loads(message) for message in read_all(logs)]
        except logs.exceptions.ResourceNotFoundException:
            return []

    wait_until(
        lambda: any(e.get("action") == "complete" for e in arrived()), timeout=30
    )
    mine = [e for e in arrived() if e.get("userId") == cognito.sub]
    told = {(e["logCategory"], e.get("action"), e.get("outcome")) for e in mine}
    assert told >= {
        ("auth", "token", "success"),
        ("business", None, None),
        ("upload", "presign", "success"),
        ("upload", "complete", "success"),
    }
    business = [e for e in mine if e["logCategory"] == "business"]
    assert len(business) == 2
    assert all(e["userLoginState"] == "authenticated" for e in business)
    words = "".join(read_all(logs)) + site.ingest.stderr() + site.shipper.stderr()
    for secret in (SECRET_KEY, "sesame", id_token, access, PASSWORD, "X-Amz-Signature"):
        assert secret not in words


def test_ingest_opens_no_socket_but_its_own(
    make_site: MakeSite, tmp_path: Path
) -> None:
    """And links nothing that could."""
    key, log = Key(), tmp_path / "strace"
    with Issuer(key) as issuer:
        site = make_site(
            {
                "auth": {
                    "issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT
                },
                "uploads": {"bucket": BUCKET},
                "aws": {"endpoint_url": "http://127.0.0.1:1"},
            }
        )  # fmt: skip
        site.shipper.start()
        site.ingest.start(
            wrap=["strace", "-f", "-qq", "-e", "trace=socket,connect,bind,sendto,sendmsg",
                  "-o", str(log)],
        )  # fmt: skip
        wait_until(
            lambda: post(site, "/uploads/presign", {
                "contentType": "image/png", "contentLength": 9,
            }, token(key, **{"cognito:groups": ["admin"]})).status == 201,
            timeout=30,
        )  # fmt: skip
        assert post(site, "/events", event(), token(key)).status == 202
        assert site.ingest.stop() == 0
    calls = log.read_text()
    sockets = set(re.findall(r" socket\((\w+)", calls))
    assert sockets == {"AF_UNIX", "AF_INET"}
    bound = len(re.findall(r" bind\(\d+, \{sa_family=AF_INET,", calls))
    assert bound == 2  # public and admin
    assert len(re.findall(r" socket\(AF_INET,", calls)) == bound
    asked = set(re.findall(r' connect\(.*sun_path="([^"]+)"', calls))
    notify = str(site.folder / "ingest.notify")
    assert asked - {notify} <= {
        str(site.folder / "broker.sock"), str(site.folder / "log.sock")
    }  # fmt: skip
    assert not re.search(r" connect\(\d+, \{sa_family=AF_INET", calls)
    linked = subprocess.run(
        ["ldd", site.ingest.program], capture_output=True, text=True, check=True
    ).stdout
    assert "libcurl" not in linked


def test_shipper_away_for_an_hour(make_site: MakeSite) -> None:
    """Time is compressed for ingest: an hour passes in some seconds."""
    key, fast = Key(), 240
    with Issuer(key) as issuer:
        site = make_site(
            {
                "auth": {
                    "issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT
                },
                "uploads": {"bucket": BUCKET},
                "aws": {"endpoint_url": "http://127.0.0.1:1"},
            }
        )  # fmt: skip
        site.shipper.start()
        site.ingest.start()
        bearer = token(
            key, exp=int(time.time()) + 4 * 3600, **{"cognito:groups": ["admin"]}
        )
        wish = {"contentType": "image/png", "contentLength": 9}
        wait_until(
            lambda: post(site, "/uploads/presign", wish, bearer).status == 201
        )
        assert site.shipper.stop() == 0
        assert site.ingest.stop() == 0

        clock = ["faketime", "-f", f"+0 x{fast}"]
        site.ingest.start(wrap=clock)
        ends = time.monotonic() + 3600 / fast
        while time.monotonic() < ends:
            assert site.ingest.post(event()).status == 202
            assert post(site, "/events", event(), bearer).json()["identity"] == (
                "cognito"
            )
            time.sleep(0.2)
        # It was restarted, so it holds keys of the issuer and none that signs.
        answer = post(site, "/uploads/presign", wish, bearer)
        check_problem(answer, 503, "secrets_unavailable")
        site.shipper.start()
        wait_until(
            lambda: post(site, "/uploads/presign", wish, bearer).status == 201,
            timeout=30,
        )


def test_a_key_that_signs_outlives_shipper(make_site: MakeSite) -> None:
    """Until the end of tomorrow, without a restart."""
    key = Key()
    with Issuer(key) as issuer:
        site = make_site(
            {
                "auth": {
                    "issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT
                },
                "uploads": {"bucket": BUCKET},
                "aws": {"endpoint_url": "http://127.0.0.1:1"},
            }
        )  # fmt: skip
        site.shipper.start()
        clock = site.folder / "clock"
        clock.write_text("+0")
        env = {"FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
        [library] = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        site.ingest.start(preload=[str(library)], env=env)
        ends = int(time.time()) + 5 * 86400
        bearer = token(key, exp=ends, **{"cognito:groups": ["admin"]})
        wish = {"contentType": "image/png", "contentLength": 9}
        wait_until(
            lambda: post(site, "/uploads/presign", wish, bearer).status == 201
        )
        assert site.shipper.stop() == 0
        assert post(site, "/uploads/presign", wish, bearer).status == 201
        clock.write_text("+1d")
        assert post(site, "/uploads/presign", wish, bearer).status == 201
        clock.write_text("+2d")
        answer = post(site, "/uploads/presign", wish, bearer)
        check_problem(answer, 503, "secrets_unavailable")
        assert post(site, "/events", event(), bearer).json()["identity"] == "cognito"
