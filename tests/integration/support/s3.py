"""An S3 of the tests' own that enforces what moto does not: the signature of
a presigned PUT, its expiry, and each header that was signed.

Path style, one bucket.  Refusals carry S3's own codes, as XML.
"""

import base64
import datetime
import hashlib
import hmac
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest, HTTPHeaders
from botocore.credentials import Credentials

from .server import LocalServer, Quiet
from .standin import ACCESS_KEY, REGION, SECRET_KEY

STAMP = "%Y%m%dT%H%M%SZ"
SIGNATURE = "X-Amz-Signature"
CHECKSUM = "x-amz-checksum-sha256"


@dataclass(frozen=True)
class Stored:
    body: bytes
    type: str
    sha256: str | None


class Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


class _Query(S3SigV4QueryAuth):  # type: ignore[misc]
    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers


class _Header(S3SigV4Auth):  # type: ignore[misc]
    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers


class S3(LocalServer):
    """Holds objects by key; `may_list` decides how an absent one is told."""

    def __init__(
        self, bucket: str, key: str = ACCESS_KEY, secret: str = SECRET_KEY
    ) -> None:
        self.bucket, self.access_key, self.secret = bucket, key, secret
        self.token: str | None = None
        self.objects: dict[str, Stored] = {}
        self.may_list = True
        self.public = False  # reads need no signature
        self.origins: set[str] = set()  # that may PUT
        self.down = False
        self.seen: list[str] = []
        s3 = self

        class Handler(Quiet):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(lambda: s3._put(self, body))

            def do_HEAD(self) -> None:
                self._answer(lambda: s3._head(self))

            def do_GET(self) -> None:
                self._answer(lambda: s3._get(self))

            def do_OPTIONS(self) -> None:
                self._answer(lambda: s3._preflight(self))

            def _answer(self, act: Any) -> None:
                s3.seen.append(f"{self.command} {self.path.partition('?')[0]}")
                headers: dict[str, str] = {}
                status, body = 200, b""
                try:
                    headers = act()
                except Refused as refusal:
                    status = refusal.status
                    body = f"<Error><Code>{refusal.code}</Code></Error>".encode()
                self.send_response(status)
                headers.setdefault("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        self.serve(Handler)

    def _key_of(self, path: str) -> str:
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        if bucket != self.bucket:
            raise Refused(404, "NoSuchBucket")
        return key

    def _check_scope(self, credential: str, stamp: str) -> None:
        key, day, region, service, last = credential.split("/")
        if key != self.access_key:
            raise Refused(403, "InvalidAccessKeyId")
        if (region, service, last) != (REGION, "s3", "aws4_request"):
            raise Refused(400, "AuthorizationQueryParametersError")
        if day != stamp[:8]:
            raise Refused(400, "AuthorizationQueryParametersError")

    def _signed(self, handler: BaseHTTPRequestHandler, names: list[str]) -> HTTPHeaders:
        """The headers that were signed, and no x-amz- one beside them."""
        if names != sorted(set(names)) or "host" not in names:
            raise Refused(403, "SignatureDoesNotMatch")
        signed = HTTPHeaders()
        for name in names:
            values = handler.headers.get_all(name)
            if not values:
                raise Refused(403, "SignatureDoesNotMatch")
            for value in values:
                signed.add_header(name, value)
        for name in handler.headers:
            if name.lower().startswith("x-amz-") and name.lower() not in names:
                raise Refused(403, "AccessDenied")
        return signed

    def _verify_query(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        try:
            given = query.pop(SIGNATURE)
            stamp, expires = query["X-Amz-Date"], int(query["X-Amz-Expires"])
            self._check_scope(query["X-Amz-Credential"], stamp)
            names = query["X-Amz-SignedHeaders"].split(";")
        except (KeyError, ValueError) as error:
            raise Refused(400, "AuthorizationQueryParametersError") from error
        if query.get("X-Amz-Security-Token") != self.token:
            raise Refused(400, "InvalidToken")
        began = datetime.datetime.strptime(stamp, STAMP).replace(tzinfo=datetime.UTC)
        age = time.time() - began.timestamp()
        if not 1 <= expires <= 604_800:
            raise Refused(400, "AuthorizationQueryParametersError")
        if age > expires or age < -900:
            raise Refused(403, "AccessDenied")
        url = f"http://{handler.headers['Host']}{parts.path}?{urlencode(query)}"
        request = AWSRequest(handler.command, url)
        request.headers = self._signed(handler, names)
        request.context["timestamp"] = stamp
        self._compare(_Query, request, given)

    def _verify_header(self, handler: BaseHTTPRequestHandler) -> None:
        words = handler.headers.get("Authorization", "").replace(",", " ").split()
        fields = dict(word.split("=", 1) for word in words if "=" in word)
        stamp = handler.headers.get("X-Amz-Date", "")
        if not fields:
            raise Refused(403, "AccessDenied")
        self._check_scope(fields["Credential"], stamp)
        if handler.headers.get("X-Amz-Security-Token") != self.token:
            raise Refused(400, "InvalidToken")
        empty = hashlib.sha256(b"").hexdigest()
        if handler.headers.get("X-Amz-Content-SHA256") != empty:
            raise Refused(400, "XAmzContentSHA256Mismatch")
        request = AWSRequest(
            handler.command, f"http://{handler.headers['Host']}{handler.path}"
        )
        request.headers = self._signed(handler, fields["SignedHeaders"].split(";"))
        request.context["timestamp"] = stamp
        self._compare(_Header, request, fields["Signature"])

    def _compare(self, kind: Any, request: AWSRequest, given: str) -> None:
        signer = kind(Credentials(self.access_key, self.secret), "s3", REGION)
        canonical = signer.canonical_request(request)
        expected = signer.signature(signer.string_to_sign(request, canonical), request)
        if not hmac.compare_digest(given, expected):
            raise Refused(403, "SignatureDoesNotMatch")

    def _put(self, handler: BaseHTTPRequestHandler, body: bytes) -> dict[str, str]:
        self._verify_query(handler)
        key = self._key_of(urlsplit(handler.path).path)
        condition = handler.headers.get("If-None-Match")
        if condition is not None and condition != "*":
            raise Refused(501, "NotImplemented")
        if condition and key in self.objects:
            raise Refused(412, "PreconditionFailed")
        sha256 = handler.headers.get(CHECKSUM)
        if sha256 and base64.b64decode(sha256) != hashlib.sha256(body).digest():
            raise Refused(400, "BadDigest")
        kind = handler.headers.get("Content-Type", "binary/octet-stream")
        self.objects[key] = Stored(body, kind, sha256)
        return {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}

    def _get(self, handler: BaseHTTPRequestHandler) -> dict[str, str]:
        """As a stranger's: no signature is looked at."""
        self._key_of(handler.path)
        if not self.public:
            raise Refused(403, "AccessDenied")
        return {}

    def _preflight(self, handler: BaseHTTPRequestHandler) -> dict[str, str]:
        self._key_of(urlsplit(handler.path).path)
        origin = handler.headers["Origin"]
        asked = handler.headers["Access-Control-Request-Method"]
        if origin not in self.origins or asked != "PUT":
            raise Refused(403, "AccessForbidden")
        return {"Access-Control-Allow-Origin": origin}

    def _head(self, handler: BaseHTTPRequestHandler) -> dict[str, str]:
        if self.down:
            raise Refused(503, "SlowDown")
        self._verify_header(handler)
        stored = self.objects.get(self._key_of(handler.path))
        if stored is None:
            raise Refused(404 if self.may_list else 403, "NoSuchKey")
        told = {"Content-Length": str(len(stored.body)), "Content-Type": stored.type}
        if stored.sha256 and handler.headers.get("x-amz-checksum-mode") == "ENABLED":
            told[CHECKSUM] = stored.sha256
        return told
