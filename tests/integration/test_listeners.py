"""Where ingest listens: several addresses at once, each with its own paths; and
the admin address, which is for people on this machine."""

import os
import socket

import pytest
from support.ask import check_problem, event, post_bytes, spooled, taken
from support.daemons import MakeSite, free_port
from support.http import RawClient, request, request_bytes


def test_several_addresses_serve_alike(make_site: MakeSite) -> None:
    site = make_site()
    path, other, last = site.folder / "http.sock", free_port(), free_port()
    words = f"unix:{path} 127.0.0.2:{other} 127.0.0.1:{last}"
    site.configure({"listen": {"public": words}})
    site.ingest.start()
    taken(site.ingest.post(event()))
    with socket.create_connection(("127.0.0.2", other), 10) as sock:
        sock.sendall(post_bytes(Connection="close"))
        assert sock.recv(12) == b"HTTP/1.1 202"
    with RawClient(os.fspath(path)) as client:
        client.send(post_bytes() + post_bytes(X_Forwarded_For="203.0.113.5"))
        receipts = [taken(client.read()), taken(client.read())]
    # A Unix socket has no address of its own, and is as near as a proxy.
    told = [spooled(site, receipt)[0].obj.get("sourceIp") for receipt in receipts]
    assert told == [None, "203.0.113.5"]


def test_a_socket_that_somebody_listens_on_is_left(make_site: MakeSite) -> None:
    site, other = make_site(), make_site()
    path = site.folder / "http.sock"
    site.configure({"listen": {"public": f"unix:{path} 127.0.0.1:{free_port()}"}})
    site.ingest.start()
    other.configure({"listen": {"public": f"unix:{path} 127.0.0.1:{free_port()}"}})
    other.ingest.start(wait=False)
    assert other.ingest.wait_exit() == 74
    assert "listen_failed" in other.ingest.stderr()
    with RawClient(os.fspath(path)) as client:
        client.send(post_bytes())
        taken(client.read())


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
