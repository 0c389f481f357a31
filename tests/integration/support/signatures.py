"""Whether a request is signed as CloudWatch Logs wants it.

botocore's own signer computes the signature, over the headers that the
request names as signed and the body, both exactly as received.
"""

import datetime
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HTTPHeaders
from botocore.credentials import Credentials

from .members import ServiceError

SERVICE = "logs"
TOLERANCE = datetime.timedelta(minutes=5)
STAMP = "%Y%m%dT%H%M%SZ"

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/"
    r"aws4_request, ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True)
class Key:
    """What belongs to an access key id."""

    secret: str
    session_token: str | None = None


class _Signer(SigV4Auth):  # type: ignore[misc]
    """Signs the headers it is told to, whatever they are."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers


def verify(
    headers: Sequence[tuple[str, str]],
    body: bytes,
    keys: Mapping[str, Key],
    region: str,
    now: float,
) -> None:
    """Refuse a POST of / whose signature does not hold, with ServiceError.

    @headers: in the order received, names in lower case.
    @now: the server's clock, in seconds.
    """
    values = dict(headers)
    given = values.get("authorization")
    if given is None:
        raise ServiceError(
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
            403,
        )
    parsed = _AUTHORIZATION.fullmatch(given)
    if not parsed or "x-amz-date" not in values:
        raise ServiceError(
            "IncompleteSignature",
            "Authorization header requires 'Credential', 'SignedHeaders',"
            " 'Signature' and an 'X-Amz-Date' header.",
        )
    access_key, day, of_region, of_service, names, signature = parsed.groups()

    key = keys.get(access_key)
    if key is None or values.get("x-amz-security-token") != key.session_token:
        raise ServiceError(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    _check_scope(day, values["x-amz-date"], of_region, region, of_service)
    _check_clock(values["x-amz-date"], now)
    _check_names(names.split(";"), values)
    claimed = values.get("x-amz-content-sha256")
    if claimed is not None and claimed != hashlib.sha256(body).hexdigest():
        raise _wrong("The x-amz-content-sha256 is not that of the body.")

    request = AWSRequest(method="POST", url="http://localhost/", data=body)
    request.headers = HTTPHeaders()
    for name, value in headers:
        if name in names.split(";"):
            request.headers.add_header(name, value)
    request.context["timestamp"] = values["x-amz-date"]
    signer = _Signer(Credentials(access_key, key.secret), SERVICE, region)
    canonical = signer.canonical_request(request)
    expected = signer.signature(signer.string_to_sign(request, canonical), request)
    if not hmac.compare_digest(signature, expected):
        raise _wrong(
            "The request signature we calculated does not match the signature"
            " you provided. Check your AWS Secret Access Key and signing"
            " method. Consult the service documentation for details."
        )


def _check_scope(
    day: str, stamp: str, of_region: str, region: str, of_service: str
) -> None:
    if of_region != region:
        raise _wrong("Credential should be scoped to a valid region.")
    if of_service != SERVICE:
        raise _wrong(f"Credential should be scoped to correct service: '{SERVICE}'.")
    if stamp[:8] != day:
        raise _wrong("Date in Credential scope does not match X-Amz-Date.")


def _check_clock(stamp: str, now: float) -> None:
    try:
        signed = datetime.datetime.strptime(stamp, STAMP).replace(tzinfo=datetime.UTC)
    except ValueError as error:
        raise _wrong(f"{stamp} is no date.") from error
    here = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
    if signed < here - TOLERANCE:
        raise _wrong(
            f"Signature expired: {stamp} is now earlier than"
            f" {here - TOLERANCE:{STAMP}} ({here:{STAMP}} - 5 min.)"
        )
    if signed > here + TOLERANCE:
        raise _wrong(
            f"Signature not yet current: {stamp} is still later than"
            f" {here + TOLERANCE:{STAMP}} ({here:{STAMP}} + 5 min.)"
        )


def _check_names(names: list[str], values: Mapping[str, str]) -> None:
    """Sorted, present, and with all that has to be signed."""
    needed = {"host"} | {name for name in values if name.startswith("x-amz-")}
    if names != sorted(set(names)) or not set(names) <= set(values):
        raise _wrong("SignedHeaders names headers that are not there, or unsorted.")
    if missing := sorted(needed - set(names)):
        raise _wrong(f"{', '.join(missing)} must be among the SignedHeaders.")


def _wrong(message: str) -> ServiceError:
    return ServiceError("InvalidSignatureException", message)
