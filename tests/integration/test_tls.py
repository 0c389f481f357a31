"""HTTPS on the public addresses."""

import contextlib
import json
import random
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ask import count, event, post_bytes
from support.certs import Files, authority, make
from support.daemons import MakeSite, Site
from support.http import RawClient, request_bytes
from support.wait import wait_until


def secure(site: Site, files: Files) -> None:
    site.configure({"tls": {"certificate": files.certificate, "key": files.key}})


class HttpsClient(RawClient):
    """RawClient, through TLS."""

    def __init__(
        self, port: int, trust: Path | None = None, **options: Any
    ) -> None:
        super().__init__(port)
        context = ssl.create_default_context(cafile=trust)
        for name, value in options.items():
            if name == "ciphers":
                context.set_ciphers(value)
            elif name == "alpn":
                context.set_alpn_protocols(value)
            elif name != "session":
                setattr(context, name, value)
        self.sock = context.wrap_socket(
            self.sock, server_hostname="localhost", session=options.get("session")
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certs")


@pytest.fixture(scope="module")
def trust(folder: Path) -> Path:
    return authority(folder)


@pytest.fixture(scope="module")
def shop(build: Path, folder: Path) -> Iterator[Site]:
    with Site(build) as site:
        secure(site, make(folder))
        site.ingest.start()
        yield site


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("use_rsa", [False, True])
def test_events_over_tls(
    make_site: MakeSite, folder: Path, trust: Path, version: str, use_rsa: bool
) -> None:
    site = make_site()
    secure(site, make(folder, f"shop-{version}-{use_rsa}", use_rsa=use_rsa))
    site.ingest.start()
    wanted = getattr(ssl.TLSVersion, version)
    with HttpsClient(
        site.ingest.port, trust, minimum_version=wanted, maximum_version=wanted,
        alpn=["h2", "http/1.1"],
    ) as client:  # fmt: skip
        assert client.sock.version() == version.replace("_", ".")  # type: ignore[attr-defined]
        assert client.sock.selected_alpn_protocol() == "http/1.1"  # type: ignore[attr-defined]
        for _ in range(3):
            client.send(post_bytes())
            assert client.read().status == 202
    assert count(site) == 3
    assert site.ingest.stop() == 0


def test_curl_is_content(shop: Site, trust: Path) -> None:
    done = subprocess.run(
        ["curl", "--noproxy", "*", "-sS", "--cacert", trust, "-w", "%{http_code}",
         "-H", "Content-Type: application/json", "-d", json.dumps(event()),
         f"https://127.0.0.1:{shop.ingest.port}/events"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.endswith("202")


def test_pipelined_requests_and_long_answers(shop: Site, trust: Path) -> None:
    batch = json.dumps([event() for _ in range(500)]).encode()
    with HttpsClient(shop.ingest.port, trust) as client:
        client.send(post_bytes(batch) * 3 + post_bytes() * 20)
        sizes = [len(client.read().json()["eventIds"]) for _ in range(23)]
    assert sizes == [500] * 3 + [1] * 20


def test_records_of_any_size(shop: Site, trust: Path) -> None:
    """A byte a record, and sizes at random."""
    rng = random.Random(3)
    with HttpsClient(shop.ingest.port, trust) as client:
        for byte in post_bytes():
            client.send(bytes([byte]))
        assert client.read().status == 202
        batch = json.dumps([event() for _ in range(300)]).encode()
        sent = post_bytes(batch) * 3
        while sent:
            size = rng.choice([1, 7, 100, 5000, 16384, 40000])
            client.send(sent[:size])
            sent = sent[size:]
        assert [client.read().status for _ in range(3)] == [202] * 3


def sliced(port: int, size: int, trust: Path) -> list[int]:
    """What a request is answered whose TLS bytes come in pieces of @size."""
    context = ssl.create_default_context(cafile=trust)
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(coming, going, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(10)

        def until(act: Any) -> Any:
            while True:
                try:
                    return act()
                except ssl.SSLWantReadError:
                    sent = going.read()
                    for at in range(0, len(sent), size):
                        sock.sendall(sent[at : at + size])
                    coming.write(sock.recv(65536))

        until(tls.do_handshake)
        tls.write(post_bytes())
        return [int(until(lambda: tls.read(1000)).split()[1])]


@pytest.mark.parametrize("size", [1, 3, 17])
def test_the_handshake_in_pieces(shop: Site, trust: Path, size: int) -> None:
    assert sliced(shop.ingest.port, size, trust) == [202]


def test_a_hundred_is_told_before_a_body(shop: Site, trust: Path) -> None:
    with HttpsClient(shop.ingest.port, trust) as client:
        whole = post_bytes(Expect="100-continue")
        head, _, body = whole.partition(b"\r\n\r\n")
        client.send(head + b"\r\n\r\n")
        assert client.sock.recv(100).startswith(b"HTTP/1.1 100 ")
        client.send(body)
        assert client.read().status == 202


def test_plain_http_is_told_so(shop: Site) -> None:
    with RawClient(shop.ingest.port) as client:
        client.send(request_bytes("GET", "/healthz"))
        answer = client.read()
        assert answer.status == 400
        assert "HTTPS" in answer.json()["detail"]
        assert client.read_end().rest == b""


@pytest.mark.parametrize("size", [1, 5, 100, 20_000])
def test_garbage_ends_the_connection(shop: Site, size: int) -> None:
    rng = random.Random(size)
    for _ in range(20):
        with RawClient(shop.ingest.port) as client:
            client.send(b"\x16" + rng.randbytes(size))
            with contextlib.suppress(OSError):
                client.sock.shutdown(socket.SHUT_WR)
            client.read_end()


def openssl(port: int, *args: str, stdin: bytes = b"") -> str:
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *args],
        input=stdin, capture_output=True, timeout=20, check=False,
    )  # fmt: skip
    return (done.stdout + done.stderr).decode(errors="replace")


@pytest.mark.parametrize(
    "args",
    [
        ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
        ("-tls1", "-cipher", "ALL:@SECLEVEL=0"),
        ("-tls1_2", "-cipher", "AES128-GCM-SHA256"),
        ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"),
        ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384"),
        ("-tls1_2", "-groups", "P-521"),
        ("-tls1_3", "-groups", "P-521"),
    ],
)
def test_old_and_weak_is_refused(shop: Site, args: tuple[str, ...]) -> None:
    assert "Cipher is (NONE)" in openssl(shop.ingest.port, *args)


@pytest.mark.parametrize(
    "cipher",
    ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
     "ECDHE-ECDSA-CHACHA20-POLY1305"],
)  # fmt: skip
def test_each_suite_of_the_profile(shop: Site, cipher: str) -> None:
    assert f"Cipher is {cipher}" in openssl(
        shop.ingest.port, "-tls1_2", "-cipher", cipher
    )


def test_no_renegotiation_and_no_compression(shop: Site) -> None:
    told = openssl(shop.ingest.port, "-tls1_2", stdin=b"R\n")
    assert "Compression: NONE" in told
    assert "no renegotiation" in told.lower()


def test_a_session_is_resumed_even_after_a_reload(
    make_site: MakeSite, folder: Path, trust: Path
) -> None:
    site = make_site()
    secure(site, make(folder, "first"))
    site.ingest.start()
    context = ssl.create_default_context(cafile=trust)
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def connect(session: Any = None) -> tuple[bool, Any]:
        with (
            socket.create_connection(("127.0.0.1", site.ingest.port)) as sock,
            context.wrap_socket(
                sock, server_hostname="localhost", session=session
            ) as tls,
        ):
            tls.sendall(post_bytes())
            assert tls.recv(100).startswith(b"HTTP/1.1 202")
            return bool(tls.session_reused), tls.session

    reused, session = connect()
    assert not reused
    assert connect(session)[0]
    site.ingest.hang_up()
    assert connect(session)[0]
    site.ingest.restart()
    assert not connect(session)[0]  # keys are the process's own


def serial(port: int) -> str:
    text = ssl.get_server_certificate(("127.0.0.1", port))
    done = subprocess.run(
        ["openssl", "x509", "-noout", "-serial"],
        input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_a_reload_changes_the_certificate_and_drops_nobody(
    make_site: MakeSite, folder: Path, trust: Path
) -> None:
    site = make_site()
    secure(site, make(folder, "old"))
    site.ingest.start()
    before, stop = serial(site.ingest.port), threading.Event()
    failures: list[str] = []

    def post_on_and_on() -> None:
        try:
            with HttpsClient(site.ingest.port, trust) as client:
                while not stop.is_set():
                    client.send(post_bytes())
                    assert client.read().status == 202
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=post_on_and_on) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(5):
        secure(site, make(folder, f"new-{number}"))
        site.write_config()
        site.ingest.hang_up()
        assert serial(site.ingest.port) != before
        before = serial(site.ingest.port)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_bad_certificate_changes_nothing(
    make_site: MakeSite, folder: Path, trust: Path
) -> None:
    site = make_site()
    good, other = make(folder, "good"), make(folder, "other")
    secure(site, good)
    site.ingest.start()
    before = serial(site.ingest.port)
    for bad in (
        Files(good.certificate, other.key),
        Files(good.certificate, folder / "none.key"),
        Files(good.key, good.key),
    ):
        secure(site, bad)
        site.write_config()
        site.ingest.hang_up()
        assert serial(site.ingest.port) == before
    assert site.ingest.stderr().count("reload_refused") == 3
    with HttpsClient(site.ingest.port, trust) as client:
        client.send(post_bytes())
        assert client.read().status == 202


@pytest.mark.parametrize(
    ("certificate", "key", "told"),
    [
        ("{c}", "", "needs both"),
        ("", "{k}", "needs both"),
        ("{c}", "{o}", "the certificate's own key"),
        ("/none.pem", "{k}", "/none.pem"),
        ("{k}", "{k}", "give a PEM file"),
    ],
)
def test_check_judges_both_files(
    make_site: MakeSite, folder: Path, certificate: str, key: str, told: str
) -> None:
    site, good, other = make_site(), make(folder, "judged"), make(folder, "another")
    names = {"c": good.certificate, "k": good.key, "o": other.key}
    site.configure(
        {"tls": {"certificate": certificate.format(**names), "key": key.format(**names)}}
    )
    done = site.run("ingest/clickspool-ingest", "--check")
    assert done.returncode == 78
    assert told in done.stderr
    assert "[tls]" in done.stderr


def test_check_has_doubts(make_site: MakeSite, folder: Path) -> None:
    site, ended = make_site(), make(folder, "ended", days=-0.5)
    ended.key.chmod(0o644)
    secure(site, ended)
    done = site.run("ingest/clickspool-ingest", "--check")
    assert done.returncode == 0
    assert "has ended" in done.stderr
    assert "everybody can read" in done.stderr


def test_a_slow_handshake_is_cut(shop: Site) -> None:
    began = time.monotonic()
    with RawClient(shop.ingest.port, timeout=30) as client:
        client.send(b"\x16\x03\x01\x02\x00\x01")
        client.read_end()
    assert 9 < time.monotonic() - began < 15


def test_a_request_that_is_cut_is_not_taken(shop: Site, trust: Path) -> None:
    before = count(shop)
    with HttpsClient(shop.ingest.port, trust) as client:
        client.send(post_bytes()[:-1])
        raw = socket.socket(fileno=client.sock.detach())
        raw.shutdown(socket.SHUT_WR)  # no close_notify
        raw.settimeout(10)
        while raw.recv(1000):
            pass
        raw.close()
        client.sock = raw
    assert count(shop) == before


def test_who_says_goodbye_still_gets_answers(shop: Site, trust: Path) -> None:
    with HttpsClient(shop.ingest.port, trust) as client:
        client.send(post_bytes())
        with pytest.raises((OSError, ValueError)):
            client.sock.unwrap()  # type: ignore[attr-defined]
            raise ValueError
    wait_until(lambda: count(shop) > 0)


def test_the_admin_address_stays_plain(shop: Site) -> None:
    with RawClient(shop.ingest.admin_port) as client:
        client.send(request_bytes("GET", "/healthz", headers={"Host": "localhost"}))
        assert client.read().status == 200
