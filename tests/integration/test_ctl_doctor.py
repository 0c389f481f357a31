"""clickspoolctl doctor: each thing that is wrong is told, and nothing else."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.certs import authority, make
from support.daemons import MakeSite, Site, free_port
from support.faults import Fault
from support.http import request
from support.issuer import Issuer
from support.json_service import Answer, JsonService
from support.s3 import S3
from support.server import LocalServer, Quiet
from support.standin import StandIn
from support.tokens import CLIENT, ISSUER, Key, token
from support.wait import wait_until

OK, FINDINGS, USAGE = 0, 1, 2
BUCKET = "shop-images"
SHOP = "https://shop.example"
PASSWORD = "correct horse battery staple"
Row = dict[str, Any]


class Cdn(LocalServer):
    """Shows what a bucket holds to everybody."""

    def __init__(self, s3: S3) -> None:
        class Handler(Quiet):
            def do_GET(self) -> None:
                stored = s3.objects.get(self.path.lstrip("/"))
                body = stored.body if stored else b""
                self.send_response(200 if stored else 403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.serve(Handler)


class Proxy(LocalServer):
    """Hands requests on, without Authorization."""

    def __init__(self, port: int) -> None:
        class Handler(Quiet):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = dict(self.headers)
                headers.pop("Authorization", None)
                answer = request(port, self.command, self.path, body, headers)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    if name != "connection":
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            do_OPTIONS = do_POST

        self.serve(Handler)


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
        running.origins = {SHOP}
        yield running


@pytest.fixture
def cdn(s3: S3) -> Iterator[Cdn]:
    with Cdn(s3) as running:
        yield running


@pytest.fixture
def held() -> dict[str, Any]:
    """What Secrets Manager holds."""
    return {"APP_CONFIG": json.dumps({"bucket": BUCKET}), "DB_PASSWORD": PASSWORD}


@pytest.fixture
def vault(held: dict[str, Any]) -> Iterator[JsonService]:
    def answer(_: str, body: Any) -> Answer:
        text = held.get(body["SecretId"])
        if text is None:
            return 400, {"__type": "ResourceNotFoundException", "Message": "no"}
        return 200, {
            "SecretString": text,
            "VersionId": "0123456789abcdef0123456789abcdef",
            "VersionStages": ["AWSCURRENT"],
            "CreatedDate": 1767323045.0,
        }

    with JsonService(answer) as running:
        yield running


@pytest.fixture
def site(
    make_site: MakeSite, stream: StandIn, issuer: Issuer, s3: S3, vault: JsonService,
    cdn: Cdn,
) -> Site:  # fmt: skip
    made = make_site(
        {
            "auth": {"issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT},
            "secrets": {"app_config": "APP_CONFIG"},
            "cors": {"origins": SHOP},
            "uploads": {"public_base_url": cdn.url},
        }
    )
    (made.folder / "secrets").mkdir()
    made.configure({"secrets": {"export_dir": made.folder / "secrets"}})
    made.env["AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"] = stream.url
    made.env["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = vault.url
    made.env["AWS_ENDPOINT_URL_S3"] = s3.url
    return made


def ready(site: Site) -> bool:
    answer = request(site.ingest.admin_port, "GET", "/readyz")
    return bool(answer.json()["status"] == "pass")


@pytest.fixture
def running(site: Site, stream: StandIn) -> Site:
    site.shipper.start()
    site.ingest.start()
    site.ingest.post([{"eventName": "page_view", "clientId": "client-01",
                       "sessionId": "session-1"}])  # fmt: skip
    wait_until(lambda: ready(site) and bool(stream.messages()))
    return site


def doctor(site: Site, *args: str, code: int = OK) -> list[Row]:
    done = site.ctl("doctor", "--json", *args)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert PASSWORD not in done.stdout + done.stderr
    return [json.loads(row) for row in done.stdout.splitlines()]


def amiss(rows: list[Row]) -> list[str]:
    """The checks that are not well; each failure has a hint or says all."""
    return [f"{row['verdict']} {row['check']}" for row in rows if row["verdict"] != "ok"]


def about(rows: list[Row], check: str, verdict: str = "fail") -> str:
    found = [r for r in rows if r["check"] == check and r["verdict"] == verdict]
    assert found, rows
    return f"{found[0]['about']} {found[0]['hint']}"


# On the server


def test_all_is_well(running: Site) -> None:
    rows = doctor(running, "--origin", SHOP)
    assert amiss(rows) == []
    assert {row["check"] for row in rows} == {
        "dns", "connection", "clock", "keys", "credentials", "permission", "group",
        "stream", "secret", "bucket", "spool", "ingest", "ready", "cors",
    }  # fmt: skip
    permissions = {r["about"].split(":")[1] for r in rows if r["check"] == "permission"}
    assert permissions == {
        "DescribeLogGroups", "DescribeLogStreams", "FilterLogEvents", "GetLogEvents",
        "PutLogEvents",
    }  # fmt: skip
    assert "01234567, AWSCURRENT, of 2026-01-02" in about(rows, "secret", "ok")
    text = running.ctl("doctor").stdout
    assert text.startswith("ok    dns") and "\x1b" not in text


def test_nothing_is_changed(running: Site, stream: StandIn, s3: S3) -> None:
    before = (len(stream.calls("PutLogEvents")), len(s3.objects), len(stream.messages()))
    doctor(running, "--origin", SHOP)
    after = (len(stream.calls("PutLogEvents")), len(s3.objects), len(stream.messages()))
    assert after == before


@pytest.mark.parametrize(
    ("operation", "whose"),
    [
        ("FilterLogEvents", "trace"),
        ("GetLogEvents", "shipper"),
        ("DescribeLogStreams", "clickspoolctl"),
        ("DescribeLogGroups", "clickspoolctl"),
    ],
)
def test_a_permission_that_lacks_is_named(
    running: Site, stream: StandIn, operation: str, whose: str
) -> None:
    stream.play(Fault("access_denied", operation=operation))
    told = about(doctor(running), "permission", "warn")
    assert f"logs:{operation}" in told and whose in told


def test_credentials_are_judged(running: Site) -> None:
    running.env |= {"AWS_SECRET_ACCESS_KEY": "wrong"}
    assert "secret key" in about(doctor(running, code=FINDINGS), "credentials")
    running.env |= {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    told = about(doctor(running, code=FINDINGS), "credentials")
    assert "NoCredentials" in told


def test_a_group_that_is_not_there(site: Site, stream: StandIn) -> None:
    site.configure({"shipper": {"log_group": "/other"}})
    assert "logs:CreateLogGroup" in about(
        doctor(site, code=FINDINGS), "group", "warn"
    )
    site.configure({"shipper": {"create": "false"}})
    assert "make it" in about(doctor(site, code=FINDINGS), "group")
    site.configure({"shipper": {"log_group": "/clickspool/test", "log_stream": "no"}})
    assert "first entry" in about(doctor(site, code=FINDINGS), "stream", "warn")


def test_a_wrong_clock_is_told(running: Site, stream: StandIn) -> None:
    stream.options.clock_offset = 30
    assert "s ahead of ours" in about(doctor(running), "clock", "warn")
    stream.options.clock_offset = -600
    assert "s behind ours" in about(doctor(running, code=FINDINGS), "clock")


def test_names_and_connections(running: Site) -> None:
    place = "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"
    running.env[place] = "https://logs.clickspool.invalid"
    assert "resolv.conf" in about(doctor(running, code=FINDINGS), "dns")
    running.env[place] = f"http://127.0.0.1:{free_port()}"
    assert "443" in about(doctor(running, code=FINDINGS), "connection")


@pytest.fixture
def https(tmp_path: Path) -> Iterator[str]:
    """Speaks TLS with a certificate that nobody trusts."""
    files = make(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.send_error(404)

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_tls_is_verified(running: Site, https: str, tmp_path: Path) -> None:
    running.env["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = https
    assert "ca-certificates" in about(doctor(running, code=FINDINGS), "tls")
    running.env["AWS_CA_BUNDLE"] = str(authority(tmp_path))
    assert "answers in" in about(doctor(running, code=FINDINGS), "tls", "ok")


def test_secrets_are_judged_and_not_told(running: Site, held: dict[str, Any]) -> None:
    held["APP_CONFIG"] = json.dumps({"bucked": "no"})
    held["DB_PASSWORD"] = json.dumps({"user": PASSWORD})
    rows = doctor(running, code=FINDINGS)
    assert "APP_CONFIG names no bucket" in about(rows, "secret", "warn")
    assert "DB_PASSWORD holds no password" in about(rows, "secret")
    del held["APP_CONFIG"]
    rows = doctor(running, code=FINDINGS)
    assert "ResourceNotFoundException" in about(rows, "secret")


def test_a_bucket_is_looked_at(running: Site, s3: S3, held: dict[str, Any]) -> None:
    s3.public = True
    assert "block public access" in about(doctor(running, code=FINDINGS), "bucket")
    s3.public = False
    s3.origins.clear()
    rows = doctor(running, "--origin", SHOP, code=FINDINGS)
    assert amiss(rows) == ["fail cors"] and "PUT" in about(rows, "cors")
    s3.down = True
    assert "S3 answered 503" in about(doctor(running, code=FINDINGS), "bucket")
    held["APP_CONFIG"] = json.dumps({"bucket": "other-images"})
    told = about(doctor(running, code=FINDINGS), "bucket")
    assert "there is no bucket other-images" in told


def test_an_origin_that_may_not_post(running: Site) -> None:
    rows = doctor(running, "--origin", "https://other.example", code=FINDINGS)
    assert amiss(rows) == ["fail cors", "fail cors"]  # the bucket's too
    assert any("[cors] origins" in str(row["hint"]) for row in rows)
    for wrong in ("shop.example", "https://shop.example/"):
        assert running.ctl("doctor", "--origin", wrong).returncode == USAGE


def test_what_does_not_run(site: Site) -> None:
    rows = doctor(site, code=FINDINGS)
    assert "fail health" in amiss(rows) and "fail ingest" in amiss(rows)
    assert "PutLogEvents" in about(rows, "permission", "warn")
    site.ingest.start()
    rows = doctor(site)
    assert "broker:connection" in about(rows, "ready", "warn")
    assert "fail spool" in amiss(doctor(site, "--dir", "/nonexistent", code=FINDINGS))


# From outside


def bearer(site: Site, key: Key, **claims: Any) -> str:
    path = site.folder / "token"
    claims = {"cognito:groups": ["admin"]} | claims
    path.write_text(token(key, sub="u-1", **claims) + "\n")
    return str(path)


def visit(site: Site, *args: str, url: str = "", code: int = OK) -> list[Row]:
    url = url or f"http://127.0.0.1:{site.ingest.port}"
    return doctor(site, "--url", url, "--timeout", "10s", *args, code=code)


def test_a_deployment_is_well(running: Site, key: Key, s3: S3) -> None:
    file = bearer(running, key)
    rows = visit(running, "--origin", SHOP, "--token-file", file)
    assert amiss(rows) == ["warn tls"]  # it is plain
    assert [row["check"] for row in rows] == [
        "tls", "cors", "events", "identity", "cloudwatch", "fields", "cors", "private",
        "upload", "public",
    ]  # fmt: skip
    (stored,) = s3.objects.values()
    assert stored.type == "image/png" and stored.body.startswith(b"\x89PNG")
    (name,) = s3.objects
    assert name in about(rows, "upload", "ok")
    token_text = Path(file).read_text().strip()
    assert token_text not in json.dumps(rows)


def test_a_guest_sends_events_alone(running: Site, s3: S3) -> None:
    rows = visit(running, "--origin", SHOP)
    assert "warn identity" in amiss(rows)
    assert "each once" in about(rows, "cloudwatch", "ok")
    assert not s3.objects


def test_what_is_missing_is_told(running: Site, key: Key, stream: StandIn) -> None:
    file = bearer(running, key)
    with Proxy(running.ingest.port) as proxy:
        rows = visit(
            running, "--token-file", file, "--origin", SHOP, "--no-upload",
            url=proxy.url, code=FINDINGS,
        )  # fmt: skip
    assert "hand Authorization on" in about(rows, "identity")
    assert "userId" in about(rows, "fields")
    args = ("--origin", SHOP, "--token-file", bearer(running, key, exp=1))
    assert "401" in about(visit(running, *args, code=FINDINGS), "events")
    running.shipper.stop()
    args = ("--origin", SHOP, "--timeout", "1s")
    rows = visit(running, *args, code=FINDINGS)
    assert "shows 0 of 5" in about(rows, "cloudwatch")


def test_uploads_that_do_not_work(
    running: Site, key: Key, s3: S3, held: dict[str, Any]
) -> None:
    args = ("--origin", SHOP, "--token-file")
    nobody = bearer(running, key, **{"cognito:groups": ["staff"]})
    told = about(visit(running, *args, nobody, code=FINDINGS), "upload")
    assert "upload_group" in told
    file = bearer(running, key)
    s3.public = True
    assert "block public" in about(visit(running, *args, file, code=FINDINGS), "private")
    s3.public = False
    running.configure({"uploads": {"public_base_url": ""}})
    running.write_config()
    running.ingest.hang_up()
    told = about(visit(running, *args, file), "public", "warn")
    assert "public_base_url" in told
    s3.secret = "another"
    told = about(visit(running, *args, file, code=FINDINGS), "upload")
    assert "s3:PutObject" in told and "SignatureDoesNotMatch" in told


def test_https_from_outside(
    make_site: MakeSite, stream: StandIn, tmp_path: Path
) -> None:
    site = make_site()
    site.aws(stream)
    files = make(tmp_path, days=20)
    site.configure({"tls": {"certificate": files.certificate, "key": files.key}})
    site.ingest.start()
    site.shipper.start()
    url = f"https://localhost:{site.ingest.port}"
    assert "--cacert" in about(visit(site, url=url, code=FINDINGS), "tls")
    rows = visit(site, "--cacert", str(authority(tmp_path)), url=url)
    assert "good for 19d" in about(rows, "tls", "ok")
    assert amiss(rows) == ["warn identity"]  # its own origin may post


def test_nobody_there(site: Site) -> None:
    rows = visit(site, url="http://shop.clickspool.invalid", code=FINDINGS)
    assert amiss(rows) == ["fail dns"]
    assert amiss(visit(site, code=FINDINGS)) == ["fail connection"]


@pytest.mark.parametrize(
    "args",
    [
        ("--token-file", "token"),
        ("--url", "shop.example"),
        ("--url", "http://127.0.0.1:1", "--token-file", "/dev/null"),
        ("--timeout", "soon"),
        ("more",),
    ],
)
def test_a_wrong_command_line_is_exit_2(site: Site, args: tuple[str, ...]) -> None:
    assert site.ctl("doctor", *args).returncode == USAGE
