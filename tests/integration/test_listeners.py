"""Where ingest listens: several addresses, Unix sockets, sockets that systemd
hands over; and the admin address, which is for people on this machine."""

import os
import socket
import stat
import sys

import pytest
from support.ask import check_problem, event, post_bytes, spooled, taken
from support.daemons import MakeSite, free_port
from support.http import RawClient, request, request_bytes

# Passes sockets on as systemd does: from 3 on, LISTEN_PID being the program's.
ACTIVATE = """
import os, socket, sys
names, *rest = sys.argv[1:]
sockets = []
for name in names.split(","):
    kind, _, port = name.partition("=")
    sock = socket.create_server(("127.0.0.1", int(port)))
    sockets.append((kind, sock))
for at, (_, sock) in enumerate(sockets):
    os.dup2(sock.fileno(), 50 + at)
for at in range(len(sockets)):
    os.dup2(50 + at, 3 + at)
    os.set_inheritable(3 + at, True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(sockets))
os.environ["LISTEN_FDNAMES"] = ":".join(kind for kind, _ in sockets)
os.execvp(rest[0], rest)
"""


def test_several_addresses_serve_alike(make_site: MakeSite) -> None:
    site = make_site()
    path, other, last = site.folder / "http.sock", free_port(), free_port()
    words = f"unix:{path} [::1]:{other} 127.0.0.1:{last}"
    site.configure({"listen": {"public": words}})
    site.ingest.start()
    taken(site.ingest.post(event()))
    with socket.create_connection(("::1", other), 10) as sock:
        sock.sendall(post_bytes(Connection="close"))
        assert sock.recv(12) == b"HTTP/1.1 202"
    with RawClient(os.fspath(path)) as client:
        client.send(post_bytes() + post_bytes(X_Forwarded_For="203.0.113.5"))
        receipts = [taken(client.read()), taken(client.read())]
    # A Unix socket has no address of its own, and is as near as a proxy.
    told = [spooled(site, receipt)[0].obj.get("sourceIp") for receipt in receipts]
    assert told == [None, "203.0.113.5"]


def test_a_stale_socket_is_replaced_and_one_in_use_is_not(make_site: MakeSite) -> None:
    site, other = make_site(), make_site()
    path = site.folder / "http.sock"
    words = f"unix:{path} 127.0.0.1:{free_port()}"
    site.configure({"listen": {"public": words}})
    for _ in range(2):
        site.ingest.start()
        assert stat.S_ISSOCK(path.stat().st_mode)
        site.ingest.kill()
    site.ingest.start()
    other.configure({"listen": {"public": f"unix:{path} 127.0.0.1:{free_port()}"}})
    other.ingest.start(wait=False)
    assert other.ingest.wait_exit() == 74
    assert "listen_failed" in other.ingest.stderr()
    with RawClient(os.fspath(path)) as client:
        client.send(post_bytes())
        taken(client.read())


def test_an_address_in_use_ends_the_start(make_site: MakeSite) -> None:
    site, other = make_site(), make_site()
    site.ingest.start()
    other.configure({"listen": {"public": site.config["listen"]["public"]}})
    other.ingest.start(wait=False)
    assert other.ingest.wait_exit() == 74
    assert site.config["listen"]["public"] in other.ingest.stderr()


def test_sockets_are_taken_over_from_systemd(make_site: MakeSite) -> None:
    site = make_site()
    listen = site.config["listen"]
    ports = [listen[kind].rpartition(":")[2] for kind in ("public", "admin")]
    names = f"public={ports[0]},admin={ports[1]}"
    site.ingest.start(wrap=[sys.executable, "-c", ACTIVATE, names])
    taken(site.ingest.post(event()))
    assert request(site.ingest.admin_port, "GET", "/healthz").status == 200
    answer = request(site.ingest.admin_port, "GET", "/events")
    check_problem(answer, 404, "not_found")
    assert site.ingest.stop() == 0


def test_sockets_that_differ_from_the_settings_are_told(make_site: MakeSite) -> None:
    site = make_site()
    port, only_given, only_set = site.ingest.port, free_port(), free_port()
    words = f"127.0.0.1:{only_set} 127.0.0.1:{port}"
    site.configure({"listen": {"public": words}})
    names = f"public={port},public={only_given}"
    site.ingest.start(wrap=[sys.executable, "-c", ACTIVATE, names])
    assert site.ingest.stderr().count("socket_not_in_settings") == 1
    missing = [
        line
        for line in site.ingest.stderr().splitlines()
        if "setting_has_no_socket" in line
    ]
    assert len(missing) == 1 and f"127.0.0.1:{only_set}" in missing[0]
    assert request(only_given, "GET", "/healthz").status == 200
    # None was handed over for the admin address: it is ingest's own.
    assert request(site.ingest.admin_port, "GET", "/healthz").status == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9180", "127.0.0.1", "[::1]:9180", "192.0.2.1:80"]
)
def test_the_admin_address_is_asked_by_number_or_as_localhost(
    make_site: MakeSite, host: str
) -> None:
    site = make_site()
    site.ingest.start()
    headers = {"Host": host}
    answer = request(site.ingest.admin_port, "GET", "/healthz", headers=headers)
    assert answer.status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost."],
)
def test_a_page_elsewhere_cannot_reach_the_admin_address(
    make_site: MakeSite, host: str
) -> None:
    """By pointing a name of its own at it."""
    site = make_site()
    site.ingest.start()
    for path in ("/healthz", "/metrics", "/nothing"):
        with RawClient(site.ingest.admin_port) as client:
            client.send(request_bytes("GET", path, headers={"Host": host}))
            check_problem(client.read(), 403, "forbidden")


def test_each_address_has_its_own_paths(make_site: MakeSite) -> None:
    site = make_site()
    site.ingest.start()
    with RawClient(site.ingest.admin_port) as client:
        client.send(post_bytes(Host="localhost"))
        check_problem(client.read(), 404, "not_found")
    for path in ("/metrics", "/status", "/readyz", "/logs"):
        answer = request(site.ingest.port, "GET", path)
        check_problem(answer, 404, "not_found")
