"""The signer, by way of its probe: published vectors, the worked examples of
AWS's documentation, and random requests compared with botocore.

The probe answers each JSON document, one a line, with the signature, one a
line.  In a document path and query are raw: one round of encoding makes them
canonical.
"""

import datetime
import json
import random
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote, unquote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

VECTORS = Path(__file__).resolve().parents[3] / "shared/vectors/sigv4/cases"
STAMP = "%Y%m%dT%H%M%SZ"
Pairs = list[tuple[str, str]]


@dataclass
class Document:
    """What the probe is asked."""

    mode: str
    method: str
    path: str
    query: Pairs = field(default_factory=list)
    headers: Pairs = field(default_factory=list)
    body: str = ""
    region: str = "eu-west-1"
    service: str = "logs"
    access_key: str = "AKIDEXAMPLE"
    secret_key: str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    session_token: str = ""
    omit_session_token: bool = False
    date: str = "20260102T030405Z"
    expires: int = 0
    normalize: bool = True
    sign_body: bool = False


Probe = Callable[[list[Document]], list[str]]


@pytest.fixture
def probe(build: Path) -> Probe:
    program = build / "tests/sigv4_probe"
    assert program.exists(), f"{program} is not built"

    def ask(documents: list[Document]) -> list[str]:
        lines = [json.dumps(asdict(document)) for document in documents]
        done = subprocess.run(
            [program],
            input="\n".join([*lines, ""]),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        answers = done.stdout.splitlines()
        assert len(answers) == len(documents), done.stderr
        return answers

    return ask


# The published vectors


def read_case(folder: Path, mode: str) -> Document:
    context = json.loads((folder / "context.json").read_text())
    head, _, body = (folder / "request.txt").read_text().partition("\n\n")
    first, *rows = head.removesuffix("\n").split("\n")
    method, _, rest = first.partition(" ")
    target = rest.rpartition(" ")[0]
    path, _, query = target.partition("?")
    pairs = [part.partition("=") for part in query.split("&") if part]

    headers: Pairs = []
    for row in rows:
        if row[0] in " \t":  # continues the line before
            name, value = headers.pop()
            headers.append((name, value + "\n" + row))
        else:
            name, _, value = row.partition(":")
            headers.append((name, value))
    credentials = context["credentials"]
    return Document(
        mode=mode,
        method=method,
        path=path,
        query=[(unquote(name), unquote(value)) for name, _, value in pairs],
        headers=headers,
        body=body,
        region=context["region"],
        service=context["service"],
        access_key=credentials["access_key_id"],
        secret_key=credentials["secret_access_key"],
        session_token=credentials.get("token", ""),
        omit_session_token=context.get("omit_session_token", False),
        date=context["timestamp"].replace("-", "").replace(":", ""),
        expires=context["expiration_in_seconds"],
        normalize=context["normalize"],
        sign_body=context["sign_body"],
    )


@pytest.mark.skipif(not VECTORS.is_dir(), reason=f"no vectors at {VECTORS}")
@pytest.mark.parametrize("mode", ["header", "query"])
def test_every_published_vector_is_signed_right(probe: Probe, mode: str) -> None:
    cases = sorted(VECTORS.iterdir())
    assert len(cases) >= 25
    answers = probe([read_case(case, mode) for case in cases])
    expected = [(case / f"{mode}-signature.txt").read_text().strip() for case in cases]
    names = [case.name for case in cases]
    assert dict(zip(names, answers, strict=True)) == dict(
        zip(names, expected, strict=True)
    )


# Worked examples

TOKEN = "FwoGZXIvYXdzEXAMPLE//8DFTOKEN+with/slash=="
JSON_TYPE = ("Content-Type", "application/x-amz-json-1.1")
LOGS_HOST = ("Host", "logs.eu-west-1.amazonaws.com")
RAW_HOST = ("Host", "clicks-raw.s3.eu-west-1.amazonaws.com")
PUT_EVENTS: dict[str, Any] = {
    "mode": "header",
    "method": "POST",
    "path": "/",
    "headers": [JSON_TYPE, LOGS_HOST, ("X-Amz-Target", "Logs_20140328.PutLogEvents")],
    "body": '{"logGroupName":"/clicks/prod","logStreamName":"host-1","logEvents":'
    '[{"timestamp":1767323045000,"message":"{\\"e\\":\\"page\\",\\"t\\":1}"}]}',
}
S3_DOCS: dict[str, Any] = {
    "service": "s3",
    "region": "us-east-1",
    "access_key": "AKIAIOSFODNN7EXAMPLE",
    "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "date": "20130524T000000Z",
    "normalize": False,
    "sign_body": True,
}
DOCS_HOST = ("Host", "examplebucket.s3.amazonaws.com")

EXAMPLES: dict[str, tuple[Document, str]] = {
    "put log events": (
        Document(**PUT_EVENTS),
        "32852a878691436312b9365f5b646b34aa2d7389655b11afe03f1e0c54b04e1e",
    ),
    "put log events with a session token": (
        Document(**PUT_EVENTS, session_token=TOKEN),
        "f642ec4688446d327da2fe64854c3b1ac06baf8a1c2fc1af82dbe3ef540d8b00",
    ),
    "get secret value": (
        Document(
            "header",
            "POST",
            "/",
            headers=[
                JSON_TYPE,
                ("Host", "secretsmanager.eu-west-1.amazonaws.com"),
                ("X-Amz-Target", "secretsmanager.GetSecretValue"),
            ],
            body='{"SecretId":"clicks/prod"}',
            service="secretsmanager",
        ),
        "1397defb588e81d8875c25b269ce179a50850209a27f442c603df4fcc993c54c",
    ),
    "assume role": (
        Document(
            "header",
            "POST",
            "/",
            headers=[
                ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
                ("Host", "sts.eu-west-1.amazonaws.com"),
            ],
            body="Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A"
            "111122223333%3Arole%2Fclicks&RoleSessionName=clicks-host-1"
            "&DurationSeconds=3600",
            service="sts",
        ),
        "ee1d0c5692635fad02cb0560b0fc341346a79fdcf30aabbad29817cd49b58775",
    ),
    "head object": (
        Document(
            "header",
            "HEAD",
            "/products/p-1/0190a3.jpg",
            headers=[RAW_HOST, ("x-amz-checksum-mode", "ENABLED")],
            service="s3",
            session_token=TOKEN,
            normalize=False,
            sign_body=True,
        ),
        "ad0dfcd7b7532f73ef2ed2e2c7700ee052a16414a02fe529cb628c72a3eb6a8d",
    ),
    "presigned put, type pinned": (
        Document(
            "query",
            "PUT",
            "/raw/2026/01/02/a b+é.ndjson",
            headers=[RAW_HOST, ("Content-Type", "application/x-ndjson")],
            service="s3",
            expires=300,
            normalize=False,
        ),
        "c0fa99bd1660269b767d30e3843bcb86c11454588c3a662b09cd228a28adbf35",
    ),
    "presigned put, everything pinned": (
        Document(
            "query",
            "PUT",
            "/raw/2026/01/02/x.ndjson.gz",
            headers=[
                RAW_HOST,
                ("Content-Encoding", "gzip"),
                ("Content-Length", "6"),
                ("Content-Type", "application/x-ndjson"),
                ("If-None-Match", "*"),
                (
                    "x-amz-checksum-sha256",
                    "WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=",
                ),
            ],
            service="s3",
            session_token=TOKEN,
            expires=300,
            normalize=False,
        ),
        "995f2f97dc9bc01c2fe67b7340702615845ab3ae6e4235884a469b71e091d117",
    ),
    "get object, a range": (
        Document(
            "header",
            "GET",
            "/test.txt",
            headers=[DOCS_HOST, ("Range", "bytes=0-9")],
            **S3_DOCS,
        ),
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    "put object": (
        Document(
            "header",
            "PUT",
            "/test$file.text",
            headers=[
                DOCS_HOST,
                ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            body="Welcome to Amazon S3.",
            **S3_DOCS,
        ),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    "bucket lifecycle": (
        Document(
            "header",
            "GET",
            "/",
            query=[("lifecycle", "")],
            headers=[DOCS_HOST],
            **S3_DOCS,
        ),
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    "list objects": (
        Document(
            "header",
            "GET",
            "/",
            query=[("max-keys", "2"), ("prefix", "J")],
            headers=[DOCS_HOST],
            **S3_DOCS,
        ),
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
    "presigned get": (
        Document(
            "query",
            "GET",
            "/test.txt",
            headers=[DOCS_HOST],
            expires=86400,
            **(S3_DOCS | {"sign_body": False}),
        ),
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    ),
}


def test_every_worked_example_is_signed_right(probe: Probe) -> None:
    answers = probe([document for document, _ in EXAMPLES.values()])
    expected = {name: signature for name, (_, signature) in EXAMPLES.items()}
    assert dict(zip(EXAMPLES, answers, strict=True)) == expected


# Random requests

SEED = 20261124
ROUNDS = 10_000
# Not those that end a path or a query in the URL that botocore is given.
PATH_LETTERS = "abcXYZ019-._~ +!$&'()*,;:=@%\"<>\\^`{|}éß€😀"
TEXT_LETTERS = PATH_LETTERS + "/?#[]"
HEADER_LETTERS = "abcXYZ019 -._~+!$&'()*,;:=@%\"/?#[]\t"
METHODS = ("GET", "PUT", "POST", "HEAD", "DELETE")


def text(rng: random.Random, letters: str, most: int) -> str:
    return "".join(rng.choices(letters, k=rng.randint(0, most)))


def random_path(rng: random.Random) -> str:
    parts = [
        rng.choice(["", ".", "..", "a"])
        if rng.random() < 0.25
        else text(rng, PATH_LETTERS, 12)
        for _ in range(rng.randint(0, 5))
    ]
    return "/" + "/".join(parts)


def random_document(rng: random.Random) -> Document:
    mode = rng.choice(["header", "query"])
    s3 = rng.random() < 0.5
    bodiless = mode == "query" and not s3
    names = {text(rng, TEXT_LETTERS, 8) or "n" for _ in range(rng.randint(0, 5))}
    query = [(name, text(rng, TEXT_LETTERS, 12)) for name in sorted(names)]
    if mode == "header" and query:  # presigning, botocore keeps one a name
        query.append((query[0][0], text(rng, TEXT_LETTERS, 12)))
    rng.shuffle(query)

    headers = [("Host", rng.choice(["example.com", "127.0.0.1:4566"]))]
    for number in range(rng.randint(0, 4)):
        name = rng.choice([f"X-Amz-M{number}", f"my-header-{number}", "Cache-Control"])
        headers.append((name, text(rng, HEADER_LETTERS, 20)))
    rng.shuffle(headers)
    when = datetime.datetime(2026, 1, 1) + datetime.timedelta(
        seconds=rng.randrange(400 * 86400)
    )
    return Document(
        mode=mode,
        method=rng.choice(METHODS),
        path=random_path(rng),
        query=query,
        headers=headers,
        body="" if bodiless else text(rng, TEXT_LETTERS, 60),
        region=rng.choice(["ap-southeast-1", "eu-west-1", "us-gov-west-1"]),
        service="s3" if s3 else rng.choice(["logs", "sts", "secretsmanager"]),
        access_key="AKID" + text(rng, "ABCXYZ0123456789", 16),
        secret_key="s" + text(rng, "abcXYZ0123+/", 39),
        session_token=text(rng, "abcXYZ0123+/=", 80) if rng.random() < 0.4 else "",
        date=when.strftime(STAMP),
        expires=rng.randint(1, 604800),
        normalize=not s3,
        sign_body=s3 and mode == "header",
    )


def botocore_signature(document: Document) -> str:
    """What botocore makes of it."""
    s3 = document.service == "s3"
    # A service's path reaches botocore unencoded, as it encodes what it gets.
    path = quote(document.path, safe="/~") if s3 else document.path
    url = "https://example.com" + path
    if document.query:
        url += "?" + "&".join(
            f"{quote(name, safe='')}={quote(value, safe='')}"
            for name, value in document.query
        )
    # It would read a body into the query of what it presigns, and the payload
    # of S3's presigned requests is not signed anyway.
    body = document.body.encode() if document.mode == "header" else b""
    request = AWSRequest(document.method, url, data=body)
    for name, value in document.headers:
        request.headers.add_header(name, value)
    credentials = Credentials(
        document.access_key, document.secret_key, document.session_token or None
    )
    auth = botocore.auth
    place = (credentials, document.service, document.region)
    if document.mode == "header":
        signer = (auth.S3SigV4Auth if s3 else auth.SigV4Auth)(*place)
    else:
        kind = auth.S3SigV4QueryAuth if s3 else auth.SigV4QueryAuth
        signer = kind(*place, expires=document.expires)

    now = datetime.datetime.strptime(document.date, STAMP)
    with mock.patch("botocore.auth.get_current_datetime", return_value=now):
        signer.add_auth(request)
    if document.mode == "header":
        return str(request.headers["Authorization"]).rpartition("Signature=")[2]
    return str(request.url).rpartition("X-Amz-Signature=")[2]


def test_random_requests_are_signed_as_botocore_signs_them(probe: Probe) -> None:
    rng = random.Random(SEED)
    documents = [random_document(rng) for _ in range(ROUNDS)]
    answers = probe(documents)
    for document, answer in zip(documents, answers, strict=True):
        assert answer == botocore_signature(document), document
