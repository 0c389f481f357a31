"""The demo shop's side of quickstart.sh; URL is that of the local AWS.

    quickstart_shop.py prepare URL ORIGINS    a user pool, a bucket, a secret:
                                              their names, for a shell to read
    quickstart_shop.py settings URL INGEST SOCKET POOL APP
                                              what the shop's server must know
    quickstart_shop.py upload URL INGEST APP FILE
                                              a picture, without a browser; FILE
                                              gets what should have arrived
    quickstart_shop.py check URL FILE         whether what FILE tells of is there:
                                              events with identity and fields,
                                              the picture, and the shop's entries
"""

import hashlib
import http.client
import json
import sys
import zlib
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from quickstart import REGION, arrived, client

BUCKET, PREFIX = "saltmarsh-pictures", "products/"
PASSWORD = "Salt-and-wind-1"
CUSTOMER, STAFF = "ada@shop.example", "staff@shop.example"

Entry = dict[str, Any]


def make_pool(url: str) -> tuple[str, str]:
    """Two people, one of them staff: the pool's id and that of its app."""
    cognito = client("cognito-idp", url)
    pool = cognito.create_user_pool(PoolName="shop", UsernameAttributes=["email"])
    pool_id = pool["UserPool"]["Id"]
    app = cognito.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="shop",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )
    cognito.create_group(UserPoolId=pool_id, GroupName="admin")
    for email in (CUSTOMER, STAFF):
        who = {"UserPoolId": pool_id, "Username": email}
        cognito.admin_create_user(**who, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(**who, Password=PASSWORD, Permanent=True)
    cognito.admin_add_user_to_group(
        UserPoolId=pool_id, Username=STAFF, GroupName="admin"
    )
    return pool_id, app["UserPoolClient"]["ClientId"]


def make_bucket(url: str, origins: list[str]) -> None:
    """Pages of @origins may put, and everybody may get: a private bucket behind
    CloudFront looks like that from outside."""
    s3 = client("s3", url)
    s3.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    rule = {
        "AllowedOrigins": origins,
        "AllowedMethods": ["PUT"],
        "AllowedHeaders": ["content-type", "x-amz-checksum-sha256", "if-none-match"],
        "ExposeHeaders": ["ETag"],
    }
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})
    reading = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/{PREFIX}*",
    }
    policy = {"Version": "2012-10-17", "Statement": [reading]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


def prepare(url: str, origins: list[str]) -> None:
    pool_id, app_id = make_pool(url)
    make_bucket(url, origins)
    client("secretsmanager", url).create_secret(
        Name="APP_CONFIG", SecretString=json.dumps({"bucket": BUCKET})
    )
    print(f"pool_id={pool_id}\napp_id={app_id}\nbucket={BUCKET}")


def settings(url: str, ingest: str, socket: str, pool_id: str, app_id: str) -> None:
    """What the shop's server has to know; `page` is what its pages may."""
    page = {
        "endpoint": f"{ingest}/events",
        "presignUrl": f"{ingest}/uploads/presign",
        "completeUrl": f"{ingest}/uploads/complete",
        "cognito": {"url": f"{url}/", "clientId": app_id},
        "accounts": [
            {"email": email, "password": PASSWORD} for email in (CUSTOMER, STAFF)
        ],
    }
    told = {
        "page": page,
        "issuer": f"https://cognito-idp.{REGION}.amazonaws.com/{pool_id}",
        "jwksUrl": f"{url}/{pool_id}/.well-known/jwks.json",
        "imageBase": f"{url}/{BUCKET}",
        "logSocket": socket,
    }
    print(json.dumps(told, indent=2))


def request(
    method: str, url: str, body: bytes, headers: dict[str, str]
) -> dict[str, Any]:
    """The JSON of an answer that must be a good one."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request(method, f"{parts.path}?{parts.query}", body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status not in (200, 201):
        raise SystemExit(f"{method} {parts.path} met {answer.status}: {content!r}")
    return json.loads(content or b"{}")  # type: ignore[no-any-return]


def png(side: int) -> bytes:
    """A grey square."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        length, crc = len(data), zlib.crc32(checked)
        return length.to_bytes(4, "big") + checked + crc.to_bytes(4, "big")

    size = side.to_bytes(4, "big")
    rows = (b"\0" + b"\x88" * side) * side
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size + size + b"\x08\0\0\0\0")
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def upload(url: str, ingest: str, app_id: str, walked: Path) -> None:
    """presign, PUT, complete, as staff."""
    signed_in = client("cognito-idp", url).initiate_auth(
        ClientId=app_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": STAFF, "PASSWORD": PASSWORD},
    )
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {signed_in['AuthenticationResult']['IdToken']}",
    }
    body = png(256)
    wish = {"contentType": "image/png", "contentLength": len(body)}
    ask = json.dumps(wish | {"productId": "straw-hat"}).encode()
    plan = request("POST", f"{ingest}/uploads/presign", ask, headers)
    request(plan["method"], plan["url"], body, plan["headers"])
    metadata = {"alt": "Straw hat", "fileName": "grey.png"}
    done = {"uploadId": plan["uploadId"], "metadata": metadata}
    ask = json.dumps(done).encode()
    image = request("POST", f"{ingest}/uploads/complete", ask, headers)
    image["sha256"] = hashlib.sha256(body).hexdigest()
    others = {"auth token": 1, "upload presign": 1, "upload complete": 1}
    image["given"] = metadata
    story = {"taken": [], "events": [], "image": image, "others": others}
    walked.write_text(json.dumps(story))


def judge(sent: Entry, user: str | None, entries: list[Entry]) -> None:
    """What the browser sent arrived once, as it was, with who sent it."""
    name = f"{sent['eventName']} {sent['eventId']}"
    if len(entries) != 1:
        raise SystemExit(f"{name} arrived {len(entries)} times.")
    wanted = sent | {
        "logCategory": "business",
        "userLoginState": "authenticated" if user else "guest",
        "identitySource": "cognito" if user else "client",
        "userId": user,
    }
    del wanted["eventTimestamp"]  # in RFC 3339 by now
    for field, value in wanted.items():
        if entries[0].get(field) != value:
            found = entries[0].get(field)
            raise SystemExit(f"{name} has {field} {found}, not {value}.")


def judge_image(url: str, image: Entry, held: list[Entry]) -> None:
    """The picture is there, byte for byte, and CloudWatch knows of it."""
    stored = client("s3", url).get_object(Bucket=BUCKET, Key=image["key"])
    body = stored["Body"].read()
    found = (len(body), stored["ContentType"], hashlib.sha256(body).hexdigest())
    if found != (image["size"], image["contentType"], image["sha256"]):
        raise SystemExit(f"{image['key']} is {found}, not {image}.")
    told = {
        "key": image["key"],
        "contentType": image["contentType"],
        "contentLength": image["size"],
        "metadata": image["given"],
        "outcome": "success",
    }
    for entry in held:
        if entry.get("action") == "complete" and told.items() <= entry.items():
            return
    raise SystemExit(f"CloudWatch knows nothing of {image['key']}.")


def kinds(entries: list[Entry]) -> Counter[str]:
    """What is neither an event nor shipper's heartbeat."""
    return Counter(
        f"{entry['logCategory']} {entry['action']}"
        for entry in entries
        if entry["logCategory"] not in ("business", "clickspool")
    )


def check(url: str, walked: Path) -> None:
    story = json.loads(walked.read_text())
    ids, others = set(story["taken"]), Counter(story["others"])

    def is_all(entries: list[Entry]) -> bool:
        there = {entry.get("eventId") for entry in entries}
        return ids <= there and others <= kinds(entries)

    held = arrived(url, is_all)
    for event in story["events"]:
        sent = event["sent"]
        same = [one for one in held if one.get("eventId") == sent["eventId"]]
        judge(sent, event["user"], same)
    judge_image(url, story["image"], held)
    if kinds(held) != others:
        raise SystemExit(f"There are {dict(kinds(held))}, not {dict(others)}.")
    if ids:
        print(f"    {len(ids)} events, each once, with identity and product fields")
    image = story["image"]
    print(f"    the picture in S3, {image['size']} bytes of {image['contentType']}")
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(others.items()))
    print(f"    entries of the servers: {told}")


def main(command: str, *args: str) -> None:
    if command == "prepare":
        prepare(args[0], args[1].split())
    elif command == "settings":
        settings(*args)
    elif command == "upload":
        upload(*args[:3], Path(args[3]))
    elif command == "check":
        check(args[0], Path(args[1]))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:] or ["help"])
