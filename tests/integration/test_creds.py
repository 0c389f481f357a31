"""Where shipper's credentials come from, asked of it through the broker; and
botocore as the judge of what comes first."""

import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support.ask import event
from support.asking import ask
from support.daemons import MakeSite, Site
from support.server import LocalServer, Quiet
from support.standin import REGION
from support.wait import wait_until

STS_ANSWER = """<{0}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<{0}Result><Credentials><SessionToken>{3}</SessionToken><AccessKeyId>{1}</AccessKeyId>
<SecretAccessKey>{2}</SecretAccessKey><Expiration>{4}</Expiration></Credentials>
</{0}Result></{0}Response>"""
STS_ERROR = """<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code>
<Message>no &amp; never</Message></Error></ErrorResponse>"""


def signed_by(handler: Any, body: bytes) -> str:
    """The access key id, where botocore signs the request just so with the
    secret that belongs to it."""
    given = handler.headers["Authorization"]
    key = given.partition("Credential=")[2].partition("/")[0]
    secret = f"s-{key}" if not key.startswith("ASIA") else f"secret{key[4:]}"
    request = AWSRequest("POST", f"http://{handler.headers['Host']}/", data=body)
    for name in given.partition("SignedHeaders=")[2].partition(",")[0].split(";"):
        request.headers.add_header(name, handler.headers[name])
    request.context["timestamp"] = handler.headers["X-Amz-Date"]
    signer = SigV4Auth(Credentials(key, secret), "sts", REGION)
    canonical = signer.canonical_request(request)
    text = signer.string_to_sign(request, canonical)
    good = given.rpartition("Signature=")[2] == signer.signature(text, request)
    return str(key) if good else f"{key}, badly"


class Sts(LocalServer):
    """Hands out keys that last @life seconds, and remembers what was asked."""

    def __init__(self) -> None:
        self.life, self.refusal = 3600.0, ""
        self.asked: list[dict[str, str]] = []
        self.signed_by: list[str] = []
        sts = self

        class Handler(Quiet):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, text = sts._answer(self, body)
                raw = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        self.serve(Handler)

    def _answer(self, handler: Any, body: bytes) -> tuple[int, str]:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.asked.append(form)
        signature = handler.headers.get("Authorization", "")
        self.signed_by.append(signed_by(handler, body) if signature else "")
        if self.refusal:
            return 403, STS_ERROR.format(self.refusal)
        number = len(self.asked)
        ends = datetime.now(UTC) + timedelta(seconds=self.life)
        return 200, STS_ANSWER.format(
            form["Action"], f"ASIA{number}", f"secret{number}", f"token{number}/+=",
            ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )  # fmt: skip


@pytest.fixture
def sts() -> Iterator[Sts]:
    with Sts() as made:
        yield made


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """Without credentials; AWS is away."""
    made = make_site({"uploads": {"bucket": "shop-images"}})
    made.env |= {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    (made.folder / ".aws").mkdir()
    return made


def put(site: Site, name: str, text: str) -> None:
    (site.folder / ".aws" / name).write_text(text)


def keys(site: Site) -> dict[str, Any]:
    """Whose key signs uploads: what shipper's credentials are."""
    return ask(site, "upload_key")


def wait_for_key(site: Site, access_key: str) -> dict[str, Any]:
    wait_until(lambda: keys(site).get("accessKeyId") == access_key, timeout=30)
    return keys(site)


PAIR = "aws_access_key_id = {0}\naws_secret_access_key = s-{0}\n"


def script(site: Site, name: str, text: str) -> Path:
    path = site.folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def test_a_program_hands_out_keys(site: Site) -> None:
    ends = (datetime.now(UTC) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    program = script(
        site, "give keys",
        'printf \'{"Version":1,"AccessKeyId":"PROC-%s","SecretAccessKey":"s",'
        '"SessionToken":"t","Expiration":"\' "$2"; '
        f"printf '{ends}\"}}'; echo noise >&2",
    )  # fmt: skip
    words = f'"{program}" "a b" c\\\'d'
    put(site, "config", f"[default]\ncredential_process = {words}\n")
    site.shipper.start()
    answer = wait_for_key(site, "PROC-c'd")
    assert answer["sessionToken"] == "t"
    assert answer["expires"] > time.time() * 1000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("echo secret; echo no luck >&2; exit 7", "it ended with 7: no luck"),
        ("echo nonsense", "no JSON object"),
        ("echo '{\"Version\":2}'", "Version 1"),
        ("echo '{\"Version\":1,\"AccessKeyId\":\"A\"}'", "SecretAccessKey"),
        ("yes secret | head -c 100000", "prints too much"),
        ("kill -9 $$", "it ended with 9"),
    ],
)
def test_a_program_that_fails_is_told(site: Site, text: str, told: str) -> None:
    program = script(site, "fail", text)
    put(site, "config", f"[default]\ncredential_process = {program}\n")
    site.shipper.start()
    wait_until(lambda: told in site.shipper.stderr())
    answer = keys(site)
    assert answer["code"] == "credentials_unavailable"
    assert "secret;" not in site.shipper.stderr()


def test_a_program_that_is_mended_is_asked_again(site: Site) -> None:
    program = script(site, "late", "exit 1")
    put(site, "config", f"[default]\ncredential_process = {program}\n")
    site.shipper.start()
    wait_until(lambda: "it ended with 1" in site.shipper.stderr())
    script(site, "late",
           'echo \'{"Version":1,"AccessKeyId":"OK1","SecretAccessKey":"s"}\'')  # fmt: skip
    wait_for_key(site, "OK1")
    assert "credentials_fetched" in site.shipper.stderr()


def test_a_role_on_top_of_keys(site: Site, sts: Sts) -> None:
    site.env["AWS_ENDPOINT_URL_STS"] = sts.url
    put(site, "config", "[profile ops]\nrole_arn = arn:aws:iam::1:role/ops\n"
        "source_profile = base\nexternal_id = e/1\nrole_session_name = me\n"
        "duration_seconds = 900\n[profile base]\n" + PAIR.format("BASE"))  # fmt: skip
    site.configure({"aws": {"profile": "ops", "role_arn": "arn:aws:iam::2:role/top"}})
    site.shipper.start()
    answer = wait_for_key(site, "ASIA2")
    assert answer["sessionToken"] == "token2/+="
    assert answer["expires"] > time.time() * 1000
    assert sts.asked[0] == {
        "Action": "AssumeRole", "Version": "2011-06-15", "ExternalId": "e/1",
        "RoleArn": "arn:aws:iam::1:role/ops", "RoleSessionName": "me",
        "DurationSeconds": "900",
    }  # fmt: skip
    assert sts.asked[1]["RoleArn"] == "arn:aws:iam::2:role/top"
    assert sts.asked[1]["RoleSessionName"].startswith("clickspool-")
    assert sts.signed_by == ["BASE", "ASIA1"]


def test_a_web_identity(site: Site, sts: Sts) -> None:
    site.env["AWS_ENDPOINT_URL_STS"] = sts.url
    (site.folder / "token").write_text("a.web.token\n")
    put(site, "config", "[default]\nrole_arn = arn:aws:iam::1:role/web\n"
        f"web_identity_token_file = {site.folder}/token\n")  # fmt: skip
    site.shipper.start()
    wait_for_key(site, "ASIA1")
    assert sts.asked[0]["Action"] == "AssumeRoleWithWebIdentity"
    assert sts.asked[0]["WebIdentityToken"] == "a.web.token"
    assert sts.signed_by == [""]


def test_a_role_is_renewed_ahead_of_its_end(site: Site, sts: Sts) -> None:
    """Keys of 12 s: another comes at 9, and none is ever missing."""
    sts.life = 12
    site.env["AWS_ENDPOINT_URL_STS"] = sts.url
    put(site, "credentials", "[default]\n" + PAIR.format("BASE"))
    site.configure({"aws": {"role_arn": "arn:aws:iam::1:role/r"}})
    site.shipper.start()
    wait_for_key(site, "ASIA1")
    missing: list[Any] = []

    def renewed() -> bool:
        answer = keys(site)
        if not answer["ok"]:
            missing.append(answer)
        return answer.get("accessKeyId") == "ASIA2"

    wait_until(renewed, timeout=30)
    assert not missing
    sts.refusal = "ThrottlingException"  # the last ones go on while they last
    began = time.monotonic()
    wait_until(lambda: not keys(site)["ok"], timeout=30)
    assert time.monotonic() - began > 5
    assert "ThrottlingException: no & never" in site.shipper.stderr()
    sts.refusal, sts.life = "", 3600
    wait_until(lambda: keys(site)["ok"], timeout=40)
    for number in range(1, len(sts.asked) + 1):
        assert f"secret{number}" not in site.shipper.stderr()
        assert f"token{number}/" not in site.shipper.stderr()


def test_uploads_have_a_signer_of_their_own(site: Site, sts: Sts) -> None:
    site.env["AWS_ENDPOINT_URL_STS"] = sts.url
    site.env |= {"AWS_ACCESS_KEY_ID": "LOGS", "AWS_SECRET_ACCESS_KEY": "x"}
    put(site, "credentials", "[signer]\n" + PAIR.format("SIGNER"))
    site.configure({"uploads": {"profile": "signer"}})
    site.shipper.start()
    wait_for_key(site, "SIGNER")
    site.configure({"uploads": {"role_arn": "arn:aws:iam::1:role/put"}})
    site.shipper.restart()
    wait_for_key(site, "ASIA1")
    assert sts.signed_by == ["SIGNER"]


def test_keys_that_are_rotated_in_the_file(site: Site) -> None:
    put(site, "credentials", "[default]\n" + PAIR.format("OLD"))
    site.shipper.start()
    wait_for_key(site, "OLD")
    put(site, "credentials", "[default]\n" + PAIR.format("NEWER"))
    wait_for_key(site, "NEWER")


def test_events_are_taken_without_credentials(site: Site) -> None:
    site.shipper.start()
    site.ingest.start()
    assert site.ingest.post(event()).status == 202
    assert keys(site)["code"] == "credentials_unavailable"


# botocore decides


def variant(rng: random.Random) -> tuple[dict[str, str], str, str]:
    """An environment and two files."""
    environment: dict[str, str] = {}
    if rng.random() < 0.3:
        environment["AWS_ACCESS_KEY_ID"] = "ENV"
        if rng.random() < 0.8:
            environment["AWS_SECRET_ACCESS_KEY"] = "e"
    if rng.random() < 0.4:
        # A missing profile is no error to us where nobody looks into it.
        names = ["default", "one", "two", *([] if environment else ["none"])]
        environment["AWS_PROFILE"] = rng.choice(names)
    files = []
    for kind in ("config", "credentials"):
        text = ""
        for name in ("default", "one", "two"):
            if rng.random() < 0.35:
                continue
            config = kind == "config" and name != "default"
            text += f"[profile {name}]\n" if config else f"[{name}]\n"
            if rng.random() < 0.6:
                text += PAIR.format(f"{kind}-{name}")
            if rng.random() < 0.3:
                text += "region = eu-west-1\n"
        files.append(text)
    return environment, files[0], files[1]


def botocore_key(folder: Path, environment: dict[str, str]) -> str | None:
    clean = {"HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true", **environment}
    with mock.patch.dict(os.environ, clean, clear=True):
        try:
            found = botocore.session.Session().get_credentials()
        except Exception:
            return None
    return found.access_key if found else None


def test_what_comes_first_is_what_botocore_takes(site: Site) -> None:
    rng = random.Random(11)
    for _ in range(25):
        environment, config, credentials = variant(rng)
        put(site, "config", config)
        put(site, "credentials", credentials)
        expected = botocore_key(site.folder, environment)
        site.env = {
            "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1", **environment,
        }  # fmt: skip
        site.shipper.start()
        found = keys(site).get("accessKeyId")
        assert site.shipper.stop() == 0
        assert found == expected, (environment, config, credentials)

