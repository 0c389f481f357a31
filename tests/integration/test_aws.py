"""shipper's AWS client, by way of its probe: what it sends, and what it makes
of answers, of their absence, and of connections that break."""

import contextlib
import datetime
import json
import os
import select
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.client import PLACE, MakeCloud
from support.daemons import uses_asan
from support.faults import Fault
from support.signatures import Key
from support.standin import ACCESS_KEY, SECRET_KEY, StandIn

BIG = 30_000_000  # bytes, more than any socket's buffers hold


@dataclass
class Probe:
    """A running probe; call() makes one call and tells what came of it."""

    process: subprocess.Popen[str]
    stderr: Path

    def ask(self, operation: str, how: str, body: str) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{operation} {how} {body}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.stderr.read_text()
        return json.loads(line) or {}

    def put(self, message: str = "hello", how: str = "plain") -> dict[str, Any]:
        event = {"timestamp": time.time_ns() // 1_000_000, "message": message}
        body = json.dumps(PLACE | {"logEvents": [event]})
        return self.ask("PutLogEvents", how, body)

    def verdict(self, message: str = "hello", how: str = "plain") -> tuple[str, ...]:
        answer = self.put(message, how)
        return answer["outcome"], answer["advice"], answer["code"]

    def end(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        assert self.process.wait(60) == 0, self.stderr.read_text()
        self.process.stdout.close()


MakeProbe = Callable[..., Probe]


@pytest.fixture
def make_probe(build: Path, tmp_path: Path) -> Iterator[MakeProbe]:
    """Probes with an environment of their own, all ended in good order."""
    probes: list[Probe] = []

    def make(url: str, **more: str) -> Probe:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.fspath(tmp_path),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_ENDPOINT_URL": url,
        }
        stderr = tmp_path / f"stderr.{len(probes)}"
        with stderr.open("w") as file:
            process = subprocess.Popen(
                [build / "tests/aws_probe"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                env=environment | more,
            )
        probes.append(Probe(process, stderr))
        return probes[-1]

    yield make
    for probe in probes:
        try:
            probe.end()
        finally:
            probe.process.kill()
            probe.process.wait()


@dataclass
class Server:
    """A server that answers the nth request it reads as told: bytes are sent,
    None closes.  Past the end of the answers it closes too."""

    answers: list[bytes | None]
    context: ssl.SSLContext | None = None
    once: bool = False  # close each connection after one answer
    requests: list[bytes] = field(default_factory=list)
    live: list[socket.socket] = field(default_factory=list)
    connections: int = 0
    closed: int = 0

    def __enter__(self) -> Self:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.authority = f"localhost:{self.listener.getsockname()[1]}"
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for sock in self.live:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()
        self.listener.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://{self.authority}"

    def _accept(self) -> None:
        while not self.stopping.is_set():
            if not select.select([self.listener], [], [], 0.05)[0]:
                continue
            sock, _ = self.listener.accept()
            self.connections += 1
            self.threads.append(threading.Thread(target=self._serve, args=[sock]))
            self.threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(20)
        with contextlib.suppress(OSError), sock:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            self.live.append(sock)
            with sock:
                while self._answer(sock):
                    pass
        self.closed += 1

    def _answer(self, sock: socket.socket) -> bool:
        request = self._read(sock)
        if not request:
            return False
        self.requests.append(request)
        at = len(self.requests) - 1
        answer = self.answers[at] if at < len(self.answers) else None
        if answer is None:
            return False
        sock.sendall(answer)
        return not self.once

    def _read(self, sock: socket.socket) -> bytes:
        """A head and the body of the length that it names; b"" at the end."""
        data = b""
        length = None
        while length is None or len(data) < length:
            if not isinstance(sock, ssl.SSLSocket):
                while not select.select([sock], [], [], 0.05)[0]:
                    if self.stopping.is_set():
                        return b""
            part = sock.recv(1 << 20)
            if not part:
                return b""
            data += part
            head, end, _ = data.partition(b"\r\n\r\n")
            if end and length is None:
                fields = dict(
                    line.split(b": ", 1) for line in head.split(b"\r\n")[1:]
                )
                length = len(head) + 4 + int(fields[b"Content-Length"])
        return data


def answer(
    body: bytes = b"{}", status: str = "200 OK", fields: tuple[str, ...] = ()
) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        "x-amzn-RequestId: 7e4a",
        f"Content-Length: {len(body)}",
        *fields,
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


OK = ("ok", "retry", "")
NOT_SENT = ("unsent", "retry", "NotSent")
NO_ANSWER = ("unknown", "retry", "NoAnswer")
UNREADABLE = ("unknown", "retry", "UnreadableAnswer")


# What is sent


def test_plain_and_gzipped_bodies_arrive_as_they_were(
    stream: StandIn, make_probe: MakeProbe
) -> None:
    probe = make_probe(stream.url)
    assert probe.verdict("é" * 500) == OK
    assert probe.verdict("é" * 500, "gzip") == OK
    assert stream.messages() == ["é" * 500] * 2
    plain, packed = stream.puts()
    assert (plain.encoding, packed.encoding) == (None, "gzip")
    assert packed.body_bytes < plain.body_bytes / 2
    assert plain.connection == packed.connection


def test_a_session_token_is_sent_and_signed(
    make_cloud: MakeCloud, make_probe: MakeProbe
) -> None:
    token = "FwoGZXIv//8DFTOKEN+with/slash==" * 40
    cloud, _ = make_cloud(keys={ACCESS_KEY: Key(SECRET_KEY, token)})
    assert make_probe(cloud.url, AWS_SESSION_TOKEN=token).verdict() == OK
    assert "x-amz-security-token" in cloud.puts()[0].headers["authorization"]
    assert make_probe(cloud.url).verdict()[1] == "credentials"


def test_only_the_headers_that_are_meant_are_sent(make_probe: MakeProbe) -> None:
    with Server([answer(), answer()]) as server:
        probe = make_probe(server.url)
        assert probe.verdict(how="gzip") == OK
        assert probe.verdict("x" * 2_000_000) == OK  # where curl would Expect
    packed, large = map(fields_of, server.requests)
    assert sorted(large) == sorted(packed.keys() - {"Content-Encoding"})
    assert sorted(packed) == [
        "Authorization",
        "Content-Encoding",
        "Content-Length",
        "Content-Type",
        "Host",
        "User-Agent",
        "X-Amz-Date",
        "X-Amz-Target",
    ]
    assert large["Content-Type"] == "application/x-amz-json-1.1"
    assert large["X-Amz-Target"] == "Logs_20140328.PutLogEvents"
    assert large["Host"] == server.authority


def fields_of(request: bytes) -> dict[str, str]:
    head = request.partition(b"\r\n\r\n")[0].decode()
    first, *rows = head.split("\r\n")
    fields = dict(row.split(": ", 1) for row in rows)
    assert first == "POST / HTTP/1.1"
    assert len(rows) == len(fields)
    return fields


# What answers mean

FAULTS = {
    "throttle": ("refused", "slow_down", "ThrottlingException"),
    "limit_exceeded": ("refused", "slow_down", "LimitExceededException"),
    "http_408": ("refused", "retry", "RequestTimeoutException"),
    "http_429": ("refused", "slow_down", "TooManyRequestsException"),
    "http_500": ("unknown", "retry", "InternalFailure"),
    "http_502": ("unknown", "retry", "HTTP502"),
    "http_503": ("refused", "retry", "ServiceUnavailableException"),
    "html_503": ("refused", "retry", "HTTP503"),
    "http_504": ("unknown", "retry", "HTTP504"),
    "expired_token": ("refused", "credentials", "ExpiredTokenException"),
    "access_denied": ("refused", "credentials", "AccessDeniedException"),
    "operation_aborted": ("refused", "retry", "OperationAbortedException"),
    "not_found": ("refused", "judge", "ResourceNotFoundException"),
    "reset_after": NO_ANSWER,
    "garbage": NO_ANSWER,
    "truncated_200": UNREADABLE,
    "short_200": UNREADABLE,
    "empty_200": UNREADABLE,
    "html_200": UNREADABLE,
    "slow": OK,
}


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_is_told_for_what_it_is(
    stream: StandIn, make_probe: MakeProbe, kind: str
) -> None:
    stream.play(Fault(kind, at=[1], seconds=0.5))
    probe = make_probe(stream.url)
    assert probe.verdict() == FAULTS[kind]
    assert len(stream.puts()) == 1


def test_an_answer_that_does_not_come_in_time_is_unknown(
    stream: StandIn, make_probe: MakeProbe
) -> None:
    stream.play(Fault("never_after", at=[1]))
    probe = make_probe(stream.url, CLICKSPOOL_SHIPPER_REQUEST_TIMEOUT="2s")
    assert probe.verdict() == NO_ANSWER
    assert len(stream.puts()) == 1


@pytest.mark.parametrize("refusal", ["malformed", "serialization", "unsupported"])
def test_a_service_that_cannot_read_gzip_is_understood(
    make_cloud: MakeCloud, make_probe: MakeProbe, refusal: str
) -> None:
    cloud, _ = make_cloud(gzip=refusal)
    probe = make_probe(cloud.url)
    assert probe.verdict("x" * 500, "gzip")[:2] == ("refused", "encoding")
    assert probe.verdict("x" * 500) == OK


def test_hints_and_the_request_id_are_handed_on(
    stream: StandIn, make_probe: MakeProbe
) -> None:
    stream.play(Fault("http_503", at=[1], retry_after=7, retry_after_ms=1234))
    told = make_probe(stream.url).put()
    assert (told["retryAfter"], told["hint"]) == (7000, 1234)
    assert len(told["requestId"]) == 36
    assert told["message"] == "Service unavailable."


def test_answers_without_a_bound_are_cut_off(make_probe: MakeProbe) -> None:
    wide = answer(fields=tuple(f"X-{n}: {'x' * 1000}" for n in range(80)))
    large = answer(b'{"a":"' + b"x" * 9_000_000 + b'"}')
    most = answer(b'{"a":"' + b"x" * 8_000_000 + b'"}')
    with Server([wide, large, most]) as server:
        probe = make_probe(server.url)
        assert probe.verdict()[0] == "unknown"
        assert probe.verdict() == UNREADABLE
        assert probe.verdict() == OK


def test_redirects_are_not_followed(make_probe: MakeProbe) -> None:
    with Server([answer()]) as other:
        moved = answer(b"", "307 Temporary Redirect", (f"Location: {other.url}/",))
        with Server([moved]) as server:
            probe = make_probe(server.url)
            assert probe.verdict() == ("refused", "retry", "HTTP307")
    assert not other.requests


def test_proxies_of_the_environment_are_not_used(
    stream: StandIn, make_probe: MakeProbe
) -> None:
    nowhere = "http://127.0.0.1:1"
    probe = make_probe(
        stream.url, http_proxy=nowhere, https_proxy=nowhere, ALL_PROXY=nowhere
    )
    assert probe.verdict() == OK


# Connections


def test_a_service_that_is_away_was_sent_nothing(make_probe: MakeProbe) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    probe = make_probe(f"http://127.0.0.1:{port}")
    told = probe.put()
    assert (told["outcome"], told["advice"], told["code"]) == NOT_SENT
    assert "connect" in told["message"]
    assert make_probe("https://clickspool.invalid").verdict() == NOT_SENT


@pytest.mark.parametrize("how", ["plain", "cancel"])
def test_nobody_waits_for_a_name_server_that_says_nothing(
    build: Path, make_probe: MakeProbe, how: str
) -> None:
    """curl's thread is stuck in getaddrinfo() for 30 s; the loop is not."""
    if uses_asan(build / "tests/aws_probe"):
        pytest.skip("the thread that is left behind would count as a leak")
    probe = make_probe(
        "https://clickspool.invalid",
        LD_PRELOAD=os.fspath(build / "tests/slowdns.so"),
        CLICKSPOOL_SHIPPER_REQUEST_TIMEOUT="1s",
    )
    begun = time.monotonic()
    told = probe.put(how=how)
    probe.end()
    assert time.monotonic() - begun < 20
    assert told.get("code") == (None if how == "cancel" else "NotSent")


@pytest.mark.parametrize("kind", ["reset_before", "reset_mid_body"])
def test_a_body_that_did_not_go_out_whole_is_unsent(
    stream: StandIn, make_probe: MakeProbe, kind: str
) -> None:
    stream.play(Fault(kind, at=[1], operation="*"))
    assert make_probe(stream.url).verdict("x" * BIG) == NOT_SENT
    assert len(stream.calls()) == 1


def test_a_whole_body_on_a_kept_connection_is_not_sent_twice(
    make_probe: MakeProbe,
) -> None:
    """curl by itself would try again on another connection."""
    with Server([answer(), None, answer(), answer(), None, answer()]) as server:
        probe = make_probe(server.url)
        assert probe.verdict("first") == OK
        assert probe.verdict("second") == NO_ANSWER
        assert len(server.requests) == 2
        assert probe.verdict("third") == OK
        assert probe.verdict("fourth") == OK
        assert probe.verdict("x" * 1_000_000) == NO_ANSWER
        assert len(server.requests) == 5


def test_a_large_body_on_a_dead_kept_connection_is_unsent_or_sent_anew(
    stream: StandIn, make_probe: MakeProbe
) -> None:
    """Whether curl notices while it writes, or while it reads, is chance: it
    begins again on another connection in the second case only."""
    stream.play(Fault("reset_before", at=[2], operation="*"))
    probe = make_probe(stream.url)
    assert probe.verdict() == OK
    verdict = probe.verdict("x" * BIG)
    faults = [call.fault for call in stream.calls()]
    if verdict == NOT_SENT:
        assert faults == [None, "reset_before"]
    else:  # it was read whole, and is too large
        assert verdict == ("refused", "judge", "InvalidParameterException")
        assert faults == [None, "reset_before", None]


def test_a_kept_connection_that_was_closed_meanwhile_does_no_harm(
    make_probe: MakeProbe,
) -> None:
    with Server([answer()] * 5, once=True) as server:
        probe = make_probe(server.url)
        for calls in range(1, 6):
            assert probe.verdict() == OK
            deadline = time.monotonic() + 30
            while server.closed < calls and time.monotonic() < deadline:
                time.sleep(0.01)
            assert server.closed == calls
        assert (len(server.requests), server.connections) == (5, 5)


def test_a_connection_is_not_kept_for_as_long_as_the_service_keeps_it(
    make_cloud: MakeCloud, make_probe: MakeProbe
) -> None:
    cloud, _ = make_cloud(idle_timeout=60)
    probe = make_probe(cloud.url)
    assert probe.verdict() == OK
    time.sleep(4.5)
    assert probe.verdict() == OK
    assert [call.connection for call in cloud.puts()] == [1, 2]


def test_a_cancelled_call_is_not_heard_of_again(
    stream: StandIn, make_probe: MakeProbe
) -> None:
    stream.play(Fault("never", at=[1]))
    probe = make_probe(stream.url)
    assert probe.put(how="cancel") == {}
    stream.play()
    assert probe.verdict() == OK
    assert probe.put(how="drop") == {}  # before the loop has turned
    without_keys = make_probe(stream.url, AWS_SECRET_ACCESS_KEY="")
    assert without_keys.put(how="drop") == {}
    assert without_keys.put()["code"] == "NoCredentials"


# Credentials


def test_without_credentials_nothing_is_sent_and_the_log_says_so_once(
    stream: StandIn, make_probe: MakeProbe
) -> None:
    probe = make_probe(stream.url, AWS_SECRET_ACCESS_KEY="")
    for _ in range(3):
        told = probe.put()
        assert told["outcome"] == "unsent"
        assert told["advice"] == "credentials"
        assert told["code"] == "NoCredentials"
        assert "without its secret" in told["message"]
    assert not stream.calls()
    assert probe.stderr.read_text().count("credentials_missing") == 1


def test_keys_of_a_profile_are_read_anew_after_they_were_refused(
    stream: StandIn, make_probe: MakeProbe, tmp_path: Path
) -> None:
    def write(secret: str) -> None:
        file.write_text(
            f"[shop]\naws_access_key_id = {ACCESS_KEY}\n"
            f"aws_secret_access_key = {secret}\n"
        )
        os.utime(file, (1, 1))  # so that its looks do not change

    file = tmp_path / "keys"
    wrong = SECRET_KEY.swapcase()
    write(wrong)
    probe = make_probe(
        stream.url,
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
        AWS_PROFILE="shop",
        AWS_SHARED_CREDENTIALS_FILE=os.fspath(file),
    )
    assert probe.verdict() == ("refused", "credentials", "InvalidSignatureException")
    write(SECRET_KEY)
    assert probe.verdict() == OK
    assert wrong not in probe.stderr.read_text()
    assert SECRET_KEY not in probe.stderr.read_text()


# The clock


@pytest.mark.parametrize("ahead", [600, -600])
def test_a_clock_that_is_far_off_is_corrected_by_the_first_answer(
    make_cloud: MakeCloud, make_probe: MakeProbe, ahead: int
) -> None:
    cloud, _ = make_cloud(clock_offset=ahead)
    probe = make_probe(cloud.url)
    told = probe.put()
    assert (told["outcome"], told["advice"]) == ("refused", "clock")
    assert told["code"] == "InvalidSignatureException"
    assert abs(told["offset"] - ahead * 1000) < 30_000
    assert probe.ask("DescribeLogGroups", "plain", "{}")["outcome"] == "ok"

    # Known to be off, it explains no more refusals.
    cloud.play(Fault("access_denied", at=[1]))
    assert probe.verdict()[1] == "credentials"


def test_a_clock_that_is_a_little_off_explains_nothing(
    make_cloud: MakeCloud, make_probe: MakeProbe
) -> None:
    cloud, _ = make_cloud(clock_offset=200)
    cloud.play(Fault("access_denied", at=[1]))
    told = make_probe(cloud.url).put()
    assert told["advice"] == "credentials"
    assert abs(told["offset"] - 200_000) < 30_000


def test_the_date_of_a_cache_is_not_believed(make_probe: MakeProbe) -> None:
    fields = (f"Date: {formatdate(time.time() + 900, usegmt=True)}", "Age: 60")
    with Server([answer(fields=fields), answer(fields=fields[:1])]) as server:
        probe = make_probe(server.url)
        assert probe.put()["offset"] == 0
        assert abs(probe.put()["offset"] - 900_000) < 30_000


# TLS


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Of its own making, for localhost or another name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.2"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_pem = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, key_pem


def tls_server(folder: Path, name: str, answers: list[bytes | None]) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(folder, name))
    return Server(answers, context)


def test_only_a_certificate_that_is_trusted_is_spoken_to(
    make_probe: MakeProbe, tmp_path: Path
) -> None:
    with tls_server(tmp_path, "localhost", [answer(), answer()]) as server:
        told = make_probe(server.url).put()
        assert (told["outcome"], told["advice"], told["code"]) == NOT_SENT
        assert "certificate" in told["message"]
        assert not server.requests

        bundle = os.fspath(tmp_path / "localhost.pem")
        probe = make_probe(server.url, AWS_CA_BUNDLE=bundle)
        assert probe.verdict() == OK
        assert probe.verdict() == OK
        assert server.connections == 2


def test_a_certificate_for_another_host_will_not_do(
    make_probe: MakeProbe, tmp_path: Path
) -> None:
    with tls_server(tmp_path, "example.com", [answer()]) as server:
        bundle = os.fspath(tmp_path / "example.com.pem")
        probe = make_probe(server.url, AWS_CA_BUNDLE=bundle)
        assert probe.verdict() == NOT_SENT
        assert not server.requests


# Configuration


@pytest.mark.parametrize(
    "url", ["http://logs.example.com", "ftp://127.0.0.1", "https://host/path"]
)
def test_an_endpoint_that_will_not_do_is_a_fault_of_the_configuration(
    build: Path, url: str
) -> None:
    done = subprocess.run(
        [build / "tests/aws_probe"],
        env={"PATH": os.environ["PATH"], "CLICKSPOOL_AWS_ENDPOINT_URL": url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 78
    assert "endpoint_url" in done.stderr


def test_memory_stays_small_however_large_the_bodies(
    build: Path, make_cloud: MakeCloud, make_probe: MakeProbe
) -> None:
    if uses_asan(build / "tests/aws_probe"):
        pytest.skip("the sanitizer's own memory is counted too")
    cloud, _ = make_cloud(sink=True)
    probe = make_probe(cloud.url)
    for _ in range(50):
        assert probe.verdict("x" * 1_000_000) == OK
    status = Path(f"/proc/{probe.process.pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert int(fields["VmHWM"].split()[0]) < 32 * 1024  # KiB, bodies included
