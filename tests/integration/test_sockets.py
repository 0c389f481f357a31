"""The sockets that ingest listens on: its own, or those that systemd handed
over."""

import os
import socket
import subprocess

import pytest
from support.ask import event, post_bytes, taken
from support.daemons import MakeSite, Site
from support.http import RawClient, post_events, request
from support.notify import NotifySocket

PROGRAM = "ingest/clickspool-ingest"


def start_with_sockets(
    site: Site, sockets: list[socket.socket], names: str | None
) -> subprocess.Popen[bytes]:
    """As systemd would: the sockets from descriptor 3 on."""
    site.write_config()
    numbers = [sock.fileno() for sock in sockets]
    moves = "".join(f" {3 + at}<&{number}" for at, number in enumerate(numbers))
    export = f"LISTEN_PID=$$ LISTEN_FDS={len(numbers)}"
    if names is not None:
        export += f" LISTEN_FDNAMES={names}"
    command = f'export {export}; exec "$0" --config "$1" {moves}'
    with site.ingest.stderr_path.open("ab") as stderr:
        return subprocess.Popen(
            ["bash", "-c", command, str(site.build / PROGRAM), str(site.conf)],
            stderr=stderr,
            env=site.environment()
            | {"NOTIFY_SOCKET": os.fspath(site.folder / "notify")},
            pass_fds=numbers,
        )


def listening() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(16)
    return sock


def moved(sockets: list[socket.socket]) -> list[socket.socket]:
    """The same sockets, at numbers that 3 and the next do not overwrite."""
    high = [socket.socket(fileno=os.dup2(s.fileno(), 50 + at))
            for at, s in enumerate(sockets)]  # fmt: skip
    for sock in sockets:
        sock.close()
    return high


@pytest.mark.parametrize(
    "names", [None, "clickspool-ingest.socket:admin", "public:admin"]
)
def test_inherited_sockets_take_the_place_of_the_settings(
    make_site: MakeSite, names: str | None
) -> None:
    site = make_site()
    sockets = moved([listening() for _ in range(2 if names else 1)])
    ports = [sock.getsockname()[1] for sock in sockets]
    notices = NotifySocket(site.folder / "notify")
    process = start_with_sockets(site, sockets, names)
    try:
        assert notices.wait("READY=1", 20), site.ingest.stderr()
        taken(post_events(ports[0], event()))
        admin = ports[1] if names else site.ingest.admin_port
        assert request(admin, "GET", "/healthz").status == 200
        assert request(admin, "GET", "/events").status == 404
        with pytest.raises(ConnectionRefusedError):
            RawClient(site.ingest.port)
        log = site.ingest.stderr()
        assert "event=socket_not_in_settings for=public" in log
        assert (
            "event=setting_has_no_socket for=public "
            f"address=127.0.0.1:{site.ingest.port}" in log
        )
        assert ("for=admin setting=" in log) == bool(names)
    finally:
        process.terminate()
        code = process.wait(15)
        for sock in sockets:
            sock.close()
        notices.close()
    assert code == 0, site.ingest.stderr()


def test_sockets_that_agree_with_the_settings_are_not_remarked(
    make_site: MakeSite,
) -> None:
    site = make_site()
    sockets = moved([listening()])
    port = sockets[0].getsockname()[1]
    site.configure({"listen": {"public": f"127.0.0.1:{port}"}})
    notices = NotifySocket(site.folder / "notify")
    process = start_with_sockets(site, sockets, "public")
    try:
        assert notices.wait("READY=1", 20), site.ingest.stderr()
        assert "socket_not_in_settings" not in site.ingest.stderr()
        assert "setting_has_no_socket" not in site.ingest.stderr()
    finally:
        process.terminate()
        assert process.wait(15) == 0
        sockets[0].close()
        notices.close()


def test_a_unix_socket_is_served_and_a_stale_one_replaced(make_site: MakeSite) -> None:
    site = make_site()
    path = site.folder / "public.sock"
    address = site.config["listen"]["public"]
    site.configure({"listen": {"public": f"unix:{path} {address}"}})
    for _ in range(2):
        site.ingest.start()
        with RawClient(str(path)) as client:
            client.send(post_bytes(X_Forwarded_For="203.0.113.7"))
            taken(client.read())
        site.ingest.kill()
        assert path.exists()
