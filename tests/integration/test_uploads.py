"""Presign and complete, against an S3 that enforces what was signed."""

import base64
import datetime
import hashlib
import http.client
import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from support.ask import check_problem, event
from support.daemons import MakeSite, Site
from support.http import Response, request
from support.issuer import Issuer
from support.s3 import S3
from support.spool import read_spool
from support.standin import SECRET_KEY
from support.tokens import CLIENT, ISSUER, Key, token
from support.wait import wait_until

BUCKET = "shop-images"
IMAGE = b"\x89PNG" + bytes(range(256)) * 4
WISH = {"contentType": "image/png", "contentLength": len(IMAGE)}
ADMIN = {"cognito:groups": ["staff", "admin"]}


@pytest.fixture(scope="module")
def key() -> Key:
    return Key()


@pytest.fixture(scope="module")
def issuer(key: Key) -> Iterator[Issuer]:
    with Issuer(key) as running:
        yield running


@pytest.fixture
def s3() -> Iterator[S3]:
    with S3(BUCKET) as running:
        yield running


@pytest.fixture
def site(make_site: MakeSite, issuer: Issuer, s3: S3) -> Site:
    made = make_site(
        {
            "auth": {"issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT},
            "uploads": {"bucket": BUCKET},
        }
    )
    made.env["AWS_ENDPOINT_URL_S3"] = s3.url
    made.env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
    return made


@pytest.fixture
def shop(site: Site, key: Key) -> Site:
    start(site, key)
    return site


def start(site: Site, key: Key) -> None:
    site.shipper.start()
    site.ingest.start()
    wait_until(lambda: presign(site, key).status == 201)


def bearer(key: Key, sub: str = "u-1", **claims: Any) -> dict[str, str]:
    text = token(key, sub=sub, **(ADMIN | claims))
    return {"Authorization": f"Bearer {text}", "Content-Type": "application/json"}


def post(site: Site, path: str, body: Any, headers: dict[str, str]) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(site.ingest.port, "POST", path, raw, headers)


def presign(site: Site, key: Key, sub: str = "u-1", **wish: Any) -> Response:
    return post(site, "/uploads/presign", WISH | wish, bearer(key, sub))


def complete(site: Site, signer: Key, sub: str = "u-1", **done: Any) -> Response:
    return post(site, "/uploads/complete", done, bearer(signer, sub))


def put(
    upload: dict[str, Any],
    body: bytes = IMAGE,
    url: str | None = None,
    **headers: str | None,
) -> int:
    """PUT with exactly the headers that were told, but for changed ones."""
    parts = urlsplit(url or upload["url"])
    told: dict[str, str | None] = dict(upload["headers"])
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request(
        "PUT",
        f"{parts.path}?{parts.query}",
        body,
        {name: value for name, value in told.items() if value is not None},
    )
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def sha256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def entries(site: Site) -> list[dict[str, Any]]:
    found = [e.obj for e in read_spool(site.spool)]
    return [entry for entry in found if entry["logCategory"] == "upload"]


def test_an_image_goes_up(shop: Site, key: Key, s3: S3) -> None:
    answer = presign(shop, key, productId="p-1", checksumSha256=sha256(IMAGE))
    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    upload = answer.json()
    assert list(upload) == [
        "uploadId", "method", "url", "headers", "key", "expiresAt"
    ]  # fmt: skip
    assert upload["method"] == "PUT"
    assert re.fullmatch(r"products/p-1/[0-9a-f-]{36}\.png", upload["key"])
    assert upload["headers"] == {
        "content-type": "image/png",
        "if-none-match": "*",
        "x-amz-checksum-sha256": sha256(IMAGE),
    }
    ends = datetime.datetime.fromisoformat(upload["expiresAt"])
    assert ends.timestamp() <= time.time() + 301

    assert complete(shop, key, uploadId=upload["uploadId"]).json()["code"] == (
        "not_uploaded"
    )
    assert put(upload) == 200
    assert s3.objects[upload["key"]].body == IMAGE
    metadata = {"alt": "A “shirt” \n", "width": 640, "ok": True, "n": 1.50}
    done = complete(
        shop, key, uploadId=upload["uploadId"], key=upload["key"], metadata=metadata
    )
    assert done.status == 201
    assert done.json() == {
        "key": upload["key"],
        "url": f"{s3.url}/{BUCKET}/{upload['key']}",
        "size": len(IMAGE),
        "contentType": "image/png",
        "metadata": metadata,
    }
    told = [(e["action"], e["outcome"]) for e in entries(shop)][-3:]
    assert told == [
        ("presign", "success"), ("complete", "failure"), ("complete", "success")
    ]  # fmt: skip
    last = entries(shop)[-1]
    assert last["userId"] == "u-1"
    assert last["key"] == upload["key"]
    assert last["contentLength"] == len(IMAGE)
    assert last["metadata"] == metadata
    assert last["statusCode"] == 201
    assert last["path"] == "/uploads/complete"
    assert last["requestId"] == done.headers["x-request-id"]


def test_all_that_is_promised_is_signed(shop: Site, key: Key) -> None:
    upload = presign(shop, key, checksumSha256=sha256(IMAGE)).json()
    query = dict(parse_qsl(urlsplit(upload["url"]).query))
    assert query["X-Amz-SignedHeaders"] == (
        "content-length;content-type;host;if-none-match;x-amz-checksum-sha256"
    )
    assert 1 <= int(query["X-Amz-Expires"]) <= 300
    assert SECRET_KEY not in json.dumps(upload)
    assert upload["key"].startswith("products/u-1/")


def test_each_constraint_holds(shop: Site, key: Key, s3: S3) -> None:
    upload = presign(shop, key, checksumSha256=sha256(IMAGE)).json()
    url = upload["url"]
    other = presign(shop, key).json()
    assert put(upload, content_type="image/jpeg") == 403
    assert put(upload, content_type=None) == 403
    assert put(upload, body=IMAGE + b"x") == 403
    assert put(upload, body=IMAGE[:-1]) == 403
    assert put(upload, body=IMAGE[:-1] + b"x") == 400
    assert put(upload, x_amz_checksum_sha256=sha256(b"")) == 403
    assert put(upload, x_amz_checksum_sha256=None) == 403
    assert put(upload, if_none_match=None) == 403
    assert put(upload, x_amz_acl="public-read") == 403
    assert put(upload, url=url.replace(upload["key"], other["key"])) == 403
    assert put(upload, url=url.replace(BUCKET, "other-bucket")) == 403
    assert put(upload, url=url.replace("X-Amz-Expires=", "X-Amz-Expires=9")) == 403
    assert put(upload, url=url[:-1] + ("0" if url[-1] != "0" else "1")) == 403
    assert s3.objects == {}
    assert put(upload) == 200
    assert put(upload) == 412


def test_a_url_expires(site: Site, key: Key) -> None:
    site.configure({"uploads": {"expires": "1s"}})
    start(site, key)
    upload = presign(site, key).json()
    wait_until(lambda: put(upload) == 403)
    wait_until(
        lambda: complete(site, key, uploadId=upload["uploadId"]).status == 410
    )
    answer = complete(site, key, uploadId=upload["uploadId"])
    check_problem(answer, 410, "upload_expired")


def test_an_object_that_differs(shop: Site, key: Key, s3: S3) -> None:
    upload = presign(shop, key, checksumSha256=sha256(IMAGE)).json()
    assert put(upload) == 200
    good = s3.objects[upload["key"]]
    for changed in (
        {"body": IMAGE + b"x"}, {"type": "text/html"}, {"sha256": sha256(b"x")}
    ):  # fmt: skip
        s3.objects[upload["key"]] = type(good)(**(good.__dict__ | changed))
        answer = complete(shop, key, uploadId=upload["uploadId"])
        check_problem(answer, 409, "upload_mismatch")
    s3.objects[upload["key"]] = good
    assert complete(shop, key, uploadId=upload["uploadId"]).status == 201
    wrong = complete(shop, key, uploadId=upload["uploadId"], key="products/x")
    check_problem(wrong, 409, "upload_mismatch")


def test_an_upload_is_its_users(shop: Site, key: Key) -> None:
    upload = presign(shop, key).json()
    assert put(upload) == 200
    answer = complete(shop, key, sub="u-2", uploadId=upload["uploadId"])
    check_problem(answer, 403, "forbidden")


def test_an_upload_id_cannot_be_made(shop: Site, key: Key) -> None:
    good = presign(shop, key).json()["uploadId"]
    bad = [good[:-2], good + "AA", "B" + good[1:], "", "x", "é", good.swapcase()]
    middle = len(good) // 2
    bad.append(good[:middle] + ("A" if good[middle] != "A" else "B") + good[middle + 1 :])
    for made in bad:
        answer = complete(shop, key, uploadId=made)
        check_problem(answer, 400, "invalid_upload_id")


def test_without_list_rights_an_absent_object_is_not_uploaded(
    shop: Site, key: Key, s3: S3
) -> None:
    s3.may_list = False
    upload = presign(shop, key).json()
    answer = complete(shop, key, uploadId=upload["uploadId"])
    check_problem(answer, 404, "not_uploaded")


def test_nobody_can_look(shop: Site, key: Key, s3: S3) -> None:
    upload = presign(shop, key).json()
    assert put(upload) == 200
    s3.down = True
    answer = complete(shop, key, uploadId=upload["uploadId"])
    check_problem(answer, 503, "storage_unavailable")
    assert shop.shipper.stop() == 0
    answer = complete(shop, key, uploadId=upload["uploadId"])
    check_problem(answer, 503, "storage_unavailable")
    s3.down = False
    shop.shipper.start()
    wait_until(
        lambda: complete(shop, key, uploadId=upload["uploadId"]).status == 201,
        timeout=30,
    )


def test_a_restart_and_new_credentials_do_not_matter(
    shop: Site, key: Key, s3: S3
) -> None:
    upload = presign(shop, key).json()
    assert put(upload) == 200
    s3.access_key, s3.secret = "AKIDOTHER", "another-secret"
    shop.env["AWS_ACCESS_KEY_ID"] = s3.access_key
    shop.env["AWS_SECRET_ACCESS_KEY"] = s3.secret
    shop.shipper.restart()
    shop.ingest.restart()
    wait_until(
        lambda: complete(shop, key, uploadId=upload["uploadId"]).status == 201,
        timeout=30,
    )
    assert (shop.folder / "state" / "seal.key").stat().st_mode & 0o777 == 0o600


def test_a_session_token_is_part_of_the_url(site: Site, key: Key, s3: S3) -> None:
    s3.token = site.env["AWS_SESSION_TOKEN"] = "a/session+token=="
    start(site, key)
    upload = presign(site, key).json()
    assert put(upload) == 200
    assert complete(site, key, uploadId=upload["uploadId"]).status == 201


@pytest.mark.parametrize(
    ("claims", "group", "status"),
    [
        ({"cognito:groups": ["admin"]}, "admin", 201),
        ({"cognito:groups": ["xadminx"]}, "admin", 403),
        ({"cognito:groups": []}, "admin", 403),
        ({"cognito:groups": None}, "admin", 403),
        ({"cognito:groups": None}, "", 201),
    ],
)
def test_a_group_may_upload(
    site: Site, key: Key, claims: dict[str, Any], group: str, status: int
) -> None:
    site.configure({"auth": {"upload_group": "admin"}})
    start(site, key)
    site.configure({"auth": {"upload_group": group}})
    site.write_config()
    site.ingest.hang_up()
    answer = post(site, "/uploads/presign", WISH, bearer(key, **claims))
    assert answer.status == status
    if status == 403:
        check_problem(answer, 403, "forbidden")


def test_a_token_is_required(shop: Site) -> None:
    plain = {"Content-Type": "application/json"}
    for path in ("/uploads/presign", "/uploads/complete"):
        answer = post(shop, path, WISH, plain)
        check_problem(answer, 401, "missing_token")
        assert answer.headers["www-authenticate"] == "Bearer"
        answer = post(shop, path, WISH, plain | {"Authorization": "Bearer x"})
        check_problem(answer, 401, "invalid_token")


WISHES: list[tuple[Any, int, str, str | None]] = [
    (b"{", 400, "invalid_request", ""),
    ([], 400, "invalid_request", ""),
    ({}, 400, "invalid_request", "/contentType"),
    ({"contentType": "image/png"}, 400, "invalid_request", "/contentLength"),
    (WISH | {"contentLength": 0}, 400, "invalid_request", "/contentLength"),
    (WISH | {"contentLength": -1}, 400, "invalid_request", "/contentLength"),
    (WISH | {"contentLength": 1.5}, 400, "invalid_request", "/contentLength"),
    (WISH | {"contentLength": "9"}, 400, "invalid_request", "/contentLength"),
    (WISH | {"productId": "a/b"}, 400, "invalid_request", "/productId"),
    (WISH | {"productId": ".."}, 400, "invalid_request", "/productId"),
    (WISH | {"productId": "p" * 129}, 400, "invalid_request", "/productId"),
    (WISH | {"fileName": "f" * 257}, 400, "invalid_request", "/fileName"),
    (WISH | {"checksumSha256": "x"}, 400, "invalid_request", "/checksumSha256"),
    (WISH | {"bucket": "mine"}, 400, "invalid_request", "/bucket"),
    (WISH | {"contentLength": 10 * 2**20 + 1}, 413, "upload_too_large", None),
    (WISH | {"contentType": "text/html"}, 415, "content_type_not_allowed", None),
    (WISH | {"contentType": "IMAGE/PNG"}, 415, "content_type_not_allowed", None),
    (WISH | {"contentLength": 10 * 2**20, "fileName": "ä\n.png"}, 201, "", None),
]


@pytest.fixture(scope="module")
def signing(build: Any, issuer: Issuer, key: Key) -> Iterator[Site]:
    config = {
        "auth": {"issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT},
        "uploads": {"bucket": BUCKET, "public_base_url": "https://img.example/"},
        "aws": {"endpoint_url": "http://127.0.0.1:1"},
    }
    with Site(build, config) as made:
        start(made, key)
        yield made


@pytest.mark.parametrize(("wish", "status", "code", "pointer"), WISHES)
def test_a_wish_is_judged(
    signing: Site, key: Key, wish: Any, status: int, code: str, pointer: str | None
) -> None:
    answer = post(signing, "/uploads/presign", wish, bearer(key))
    assert answer.status == status
    if status == 201:
        return
    problem = check_problem(answer, status, code)
    if pointer is not None:
        assert [e["pointer"] for e in problem["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("metadata", "good"),
    [
        ({}, True),
        ({f"m{n}": n for n in range(20)}, True),
        ({f"m{n}": n for n in range(21)}, False),
        ({"a": [1]}, False),
        ({"a": {}}, False),
        ({"_aws": "x"}, False),
        ({"a": "x" * 4096}, False),
        ([], False),
        ("x", False),
    ],
)
def test_metadata_is_bounded(
    signing: Site, key: Key, metadata: Any, good: bool
) -> None:
    upload = presign(signing, key).json()
    answer = complete(signing, key, uploadId=upload["uploadId"], metadata=metadata)
    check_problem(answer, *((503, "storage_unavailable") if good else
                            (400, "invalid_request")))  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_bodies_are_json(signing: Site, key: Key, headers: dict[str, str]) -> None:
    answer = post(signing, "/uploads/presign", WISH, bearer(key) | headers)
    check_problem(answer, 415, "unsupported_media_type")


def test_without_a_bucket_events_flow(site: Site, key: Key) -> None:
    site.configure({"uploads": {"bucket": ""}})
    site.shipper.start()
    site.ingest.start()
    wait_until(
        lambda: presign(site, key).json()["code"] == "secrets_unavailable"
    )
    check_problem(presign(site, key), 503, "secrets_unavailable")
    assert site.ingest.post(event()).status == 202


def test_a_seal_that_is_none_stops_the_start(site: Site) -> None:
    (site.folder / "state" / "seal.key").write_bytes(b"short")
    site.ingest.start(wait=False)
    assert site.ingest.wait_exit() != 0
    assert "seal_unusable" in site.ingest.stderr()
