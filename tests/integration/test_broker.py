"""The broker's socket: who may ask, what comes back, and what does not hurt."""

import hashlib
import hmac
import json
import os
import socket
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.asking import Asker, ask
from support.daemons import MakeSite, Site
from support.issuer import Issuer
from support.moto import moto_server
from support.standin import ACCESS_KEY, REGION, SECRET_KEY
from support.tokens import CLIENT, ISSUER, Key
from support.wait import wait_until

BUCKET = "shop-images"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with moto_server(tmp_path_factory.mktemp("moto") / "moto.log") as url:
        client = boto3.client(
            "s3", endpoint_url=url, region_name=REGION,
            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
        )  # fmt: skip
        client.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield client


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(
        {
            "aws": {"endpoint_url": "http://127.0.0.1:1"},
            "uploads": {"bucket": BUCKET},
        }
    )


def closed(asker: Asker) -> bool:
    try:
        asker.read()
    except ConnectionError:
        return True
    return False


def test_the_socket_is_for_its_group(site: Site) -> None:
    path = Path(site.config["broker"]["socket"])
    site.shipper.start()
    told = path.stat()
    assert stat.S_ISSOCK(told.st_mode)
    assert stat.S_IMODE(told.st_mode) == 0o660
    assert site.shipper.stop() == 0
    assert not path.exists()


def test_strangers_are_sent_away(site: Site) -> None:
    """Even where the file's mode would let them in."""
    path = Path(site.config["broker"]["socket"])
    site.folder.chmod(0o711)
    site.shipper.start()
    path.chmod(0o666)
    child = os.fork()
    if not child:  # in another process, as a user gives no rights back
        code = 1
        try:
            os.setgroups([])
            os.setgid(12345)
            os.setuid(12345)
            with Asker(site) as asker:
                asker.send(b'{"v":1,"id":1,"ask":"keys"}\n')
                code = 0 if closed(asker) else 2
        except ConnectionError:
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_a_stale_socket_is_replaced(site: Site) -> None:
    site.shipper.start()
    site.shipper.kill()
    assert Path(site.config["broker"]["socket"]).exists()
    site.shipper.start()
    assert ask(site, "keys")["code"] == "keys_unavailable"


def test_without_a_socket_shipper_ships_and_tries_again(site: Site) -> None:
    folder = site.folder / "run"
    site.configure({"broker": {"socket": folder / "broker.sock"}})
    site.shipper.start()
    assert "broker_unusable" in site.shipper.stderr()
    folder.mkdir()
    wait_until((folder / "broker.sock").exists, timeout=15)
    assert ask(site, "keys")["ok"] is False


@pytest.mark.parametrize(
    "line",
    [b"hello\n", b"[]\n", b"\n", b"{" * 100 + b"\n", b"x" * 5000, b'{"v":1}x\n'],
)
def test_what_is_no_ask_ends_the_connection(site: Site, line: bytes) -> None:
    site.shipper.start()
    with Asker(site) as asker:
        asker.send(line)
        assert closed(asker)
    assert ask(site, "keys")["id"] == 7


def test_an_ask_that_is_not_known_is_refused(site: Site) -> None:
    site.shipper.start()
    with Asker(site) as asker:
        assert asker.ask("password")["code"] == "unknown_ask"
        asker.send(b'{"v":2,"id":3,"ask":"keys"}\n')
        assert asker.read()["code"] == "unknown_version"
        assert asker.ask("head")["code"] == "invalid_request"


def test_answers_come_in_the_order_of_the_asks(site: Site) -> None:
    site.shipper.start()
    lines = [
        json.dumps({"v": 1, "id": n, "ask": name, "key": "a"}) + "\n"
        for n, name in enumerate(["keys", "head", "upload_key", "head", "x"] * 8)
    ]
    with Asker(site) as asker:
        asker.send("".join(lines).encode())
        assert [asker.read()["id"] for _ in lines] == list(range(len(lines)))
        for byte in lines[0]:
            asker.send(byte.encode())
        assert asker.read()["id"] == 0


def test_sixteen_may_ask_at_once(site: Site) -> None:
    site.shipper.start()
    askers = [Asker(site) for _ in range(16)]
    assert all(asker.ask("keys")["id"] == 7 for asker in askers)
    with Asker(site) as late:
        assert closed(late)
    askers.pop().sock.close()

    def served() -> bool:
        with Asker(site) as again:
            again.send(b'{"v":1,"id":7,"ask":"keys"}\n')
            return not closed(again)

    wait_until(served)
    for asker in askers:
        asker.sock.close()


def test_who_does_not_read_is_not_answered_without_end(site: Site) -> None:
    site.shipper.start()
    with Asker(site) as asker:
        asker.sock.setblocking(False)
        line, sent = b'{"v":1,"id":1,"ask":"upload_key"}\n', 0
        deadline = time.monotonic() + 5
        while sent < 50_000_000 and time.monotonic() < deadline:
            try:
                sent += asker.sock.send(line * 100)
            except BlockingIOError:
                break
        assert sent < 5_000_000
        assert ask(site, "keys")["id"] == 7
    status = Path(f"/proc/{site.shipper.pid}/status").read_text()
    [rss] = [row for row in status.splitlines() if row.startswith("RssAnon")]
    assert int(rss.split()[1]) < 32 * 1024 or os.environ.get("ASAN_OPTIONS")


# keys


def test_keys_are_the_issuers(make_site: MakeSite) -> None:
    one, two = Key("one"), Key("two", which=1)
    with Issuer(one, two) as issuer:
        site = make_site(
            {
                "aws": {"endpoint_url": "http://127.0.0.1:1"},
                "auth": {
                    "issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT
                },
            }
        )  # fmt: skip
        site.shipper.start()
        answer = ask(site, "keys")
        assert answer["ok"] is True
        assert answer["issuer"] == ISSUER
        assert answer["keys"] == [one.jwk(), two.jwk()]
        assert abs(answer["fetchedAt"] / 1000 - time.time()) < 60
        for _ in range(20):  # within the penalty: what the last fetch brought
            assert ask(site, "keys", refresh=True)["keys"] == answer["keys"]
        assert len(issuer.fetches) == 1


def test_two_keys_of_one_id_are_no_set(make_site: MakeSite) -> None:
    with Issuer(Key("same"), Key("same", which=1)) as issuer:
        site = make_site(
            {
                "aws": {"endpoint_url": "http://127.0.0.1:1"},
                "auth": {
                    "issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT
                },
            }
        )  # fmt: skip
        site.shipper.start()
        answer = ask(site, "keys")
        assert answer["code"] == "keys_unavailable"
        assert "one id" in answer["why"]


def test_a_slow_issuer_is_given_up(make_site: MakeSite) -> None:
    with Issuer(Key()) as issuer:
        issuer.delay = 8.0
        site = make_site(
            {
                "aws": {"endpoint_url": "http://127.0.0.1:1"},
                "auth": {
                    "issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT
                },
            }
        )  # fmt: skip
        site.shipper.start()
        began = time.monotonic()
        assert ask(site, "keys")["code"] == "keys_unavailable"
        assert time.monotonic() - began < 6


# upload_key


def derived(secret: str, day: str, region: str) -> str:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key.hex()


def test_the_upload_key_is_derived_for_two_days(site: Site) -> None:
    site.env["AWS_SESSION_TOKEN"] = "a-session-token"
    site.shipper.start()
    answer = ask(site, "upload_key")
    now = datetime.now(UTC)
    days = [(now + timedelta(days=d)).strftime("%Y%m%d") for d in (0, 1)]
    assert answer == {
        "v": 1,
        "id": 7,
        "ok": True,
        "bucket": BUCKET,
        "region": REGION,
        "base": f"http://127.0.0.1:1/{BUCKET}",
        "accessKeyId": ACCESS_KEY,
        "sessionToken": "a-session-token",
        "expires": 0,
        "clockOffsetMs": 0,
        "days": [{"day": d, "key": derived(SECRET_KEY, d, REGION)} for d in days],
    }
    assert SECRET_KEY not in json.dumps(answer)


@pytest.mark.parametrize(
    ("bucket", "region", "base"),
    [
        (BUCKET, REGION, f"https://{BUCKET}.s3.{REGION}.amazonaws.com"),
        ("a.b.c", "eu-west-1", "https://s3.eu-west-1.amazonaws.com/a.b.c"),
        (BUCKET, "cn-north-1", f"https://{BUCKET}.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_bucket_has_a_host_of_its_own(
    make_site: MakeSite, bucket: str, region: str, base: str
) -> None:
    """Nothing is asked of S3 for it, so that AWS may be real here."""
    site = make_site({"aws": {"region": region}, "uploads": {"bucket": bucket}})
    site.env["AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"] = "http://127.0.0.1:1"
    site.shipper.start()
    assert ask(site, "upload_key")["base"] == base


def test_without_credentials_nothing_is_signed(site: Site) -> None:
    site.env["AWS_ACCESS_KEY_ID"] = ""
    site.env["AWS_SECRET_ACCESS_KEY"] = ""
    site.shipper.start()
    assert ask(site, "upload_key")["code"] == "credentials_unavailable"
    assert ask(site, "head", key="a")["code"] == "credentials_unavailable"


# head


def test_a_head_tells_of_an_object(site: Site, s3: Any) -> None:
    site.configure({"aws": {"endpoint_url": s3.meta.endpoint_url}})
    site.shipper.start()
    key, body = "products/p 1/ä+%&=.jpg", b"x" * 1234
    assert ask(site, "head", key=key)["found"] is False
    s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="image/jpeg")
    answer = ask(site, "head", key=key)
    assert answer == {
        "v": 1,
        "id": 7,
        "ok": True,
        "found": True,
        "size": 1234,
        "contentType": "image/jpeg",
    }


def test_a_head_that_nobody_answers(site: Site) -> None:
    site.shipper.start()
    assert ask(site, "head", key="a")["code"] == "storage_unavailable"


def test_who_asks_may_leave(site: Site) -> None:
    """While its answer is on the way, and shipper may be told to stop."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        site.configure({"aws": {"endpoint_url": url}})
        site.shipper.start()
        for _ in range(5):
            with Asker(site) as asker:
                asker.send(b'{"v":1,"id":1,"ask":"head","key":"a"}\n')
        with Asker(site) as asker:
            asker.send(b'{"v":1,"id":1,"ask":"head","key":"a"}\n')
            assert site.shipper.stop() == 0
