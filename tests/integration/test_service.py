"""ingest as a service: its manager, its signals, its sockets, its exit codes."""

import json
import os
import re
import signal
import socket
import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.ask import check_problem, count, event, post_bytes, taken
from support.daemons import MakeSite, Site
from support.http import RawClient, request_bytes

PROGRAM = "ingest/clickspool-ingest"
GET = request_bytes("GET", "/healthz")


def wait_for(condition: Callable[[], bool], what: str, timeout: float = 20.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def messages(site: Site) -> list[str]:
    assert site.ingest.notices
    return list(site.ingest.notices.messages)


def test_the_manager_is_told_of_each_stage(make_site: MakeSite) -> None:
    site = make_site()
    env = {"WATCHDOG_USEC": "400000"}
    site.ingest.start(env=env)
    assert "READY=1" in messages(site)
    taken(site.ingest.post([event()] * 3), 3)
    wait_for(
        lambda: any(m.endswith("; 3 entries taken") for m in messages(site)), "STATUS"
    )
    wait_for(lambda: messages(site).count("WATCHDOG=1") >= 3, "WATCHDOG")
    site.ingest.hang_up()
    told = messages(site)
    at = told.index("RELOADING=1")
    assert re.fullmatch(r"MONOTONIC_USEC=\d+", told[at + 1])
    assert "READY=1" in told[at:]
    notices = site.ingest.notices
    assert notices
    site.ingest.signal(signal.SIGTERM)
    assert notices.wait("STOPPING=1", 10)
    assert site.ingest.wait_exit() == 0


def test_a_watchdog_of_another_process_is_not_ours(make_site: MakeSite) -> None:
    site = make_site()
    site.ingest.start(env={"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"})
    time.sleep(0.3)
    assert "WATCHDOG=1" not in messages(site)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_where_nothing_is_due(
    make_site: MakeSite, number: int
) -> None:
    site = make_site()
    site.ingest.start()
    with ExitStack() as stack:
        for _ in range(50):
            client = stack.enter_context(RawClient(site.ingest.port))
            client.send(GET)
            assert client.read().status == 200
        start = time.monotonic()
        site.ingest.signal(number)
        assert site.ingest.wait_exit() == 0
    assert time.monotonic() - start < 5.0


def test_it_stops_in_ten_seconds_whatever_clients_do(make_site: MakeSite) -> None:
    """What has come whole is stored and answered, what has not is let go."""
    site = make_site({"http": {"body_timeout": "60s"}})
    site.ingest.start()
    whole = post_bytes()
    with ExitStack() as stack:
        clients = [
            stack.enter_context(RawClient(site.ingest.port, 20)) for _ in range(20)
        ]
        for client in clients:
            client.send(whole[:-1])
        wait_for(
            lambda: any(m.startswith("STATUS=20 conn") for m in messages(site)), "20"
        )
        site.ingest.signal(signal.SIGTERM)
        wait_for(lambda: "event=draining" in site.ingest.stderr(), "draining")
        for client in clients[:10]:
            client.send(whole[-1:])
            answer = client.read()
            taken(answer)
            assert answer.headers["connection"] == "close"
        with pytest.raises(ConnectionRefusedError):
            RawClient(site.ingest.port)
        assert site.ingest.wait_exit(10.5) == 0
    assert count(site) == 10


def test_a_reload_changes_what_can_be_changed(make_site: MakeSite) -> None:
    site = make_site()
    site.ingest.start()
    site.configure({
        "cors": {"origins": "https://shop.example"},
        "privacy": {"source_ip": "none"},
        "log": {"level": "warning"},
        "http": {"max_body": "1KiB"},
    })  # fmt: skip
    site.write_config()
    with RawClient(site.ingest.port) as client:  # kept over the reload
        client.send(GET)
        assert client.read().status == 200
        site.ingest.hang_up()
        client.send(post_bytes(Origin="https://evil.net"))
        check_problem(client.read(), 403, "origin_not_allowed")
    assert "event=setting_needs_restart section=http key=max_body" in (
        site.ingest.stderr()
    )
    taken(site.ingest.post(json.dumps(event()).encode() + b" " * 2000))
    assert "event=reloaded" not in site.ingest.stderr()  # less than a warning


def test_a_bad_file_leaves_the_old_values(make_site: MakeSite) -> None:
    site = make_site({"cors": {"origins": "https://shop.example"}})
    site.ingest.start()
    for bad in ({"cors": {"origins": "shop.example"}}, {"http": {"max_bodi": 1}}):
        site.configure({"cors": {"origins": "https://other.example"}})
        site.configure(bad)
        site.write_config()
        site.ingest.hang_up()
        taken(site.ingest.post(event(), {"Origin": "https://shop.example"}))
        answer = site.ingest.post(event(), {"Origin": "https://other.example"})
        check_problem(answer, 403, "origin_not_allowed")
    assert site.ingest.stderr().count("event=reload_refused") == 2
    assert "[cors] origins: " in site.ingest.stderr()
    site.conf.unlink()
    site.ingest.hang_up()
    assert site.ingest.stderr().count("event=reload_refused") == 3


# How it ends


def listening() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(16)
    return sock


def test_a_second_ingest_on_the_same_spool_is_75(make_site: MakeSite) -> None:
    site = make_site()
    site.ingest.start()
    done = site.run(PROGRAM)
    assert done.returncode == 75
    assert "event=spool_locked" in done.stderr
    taken(site.ingest.post(event()))


def test_a_folder_that_is_not_there_is_74(make_site: MakeSite) -> None:
    site = make_site({"spool": {"dir": "/nonexistent/spool"}})
    done = site.run(PROGRAM)
    assert done.returncode == 74
    assert "event=spool_unusable dir=/nonexistent/spool" in done.stderr


def test_an_address_in_use_is_74_and_is_named(make_site: MakeSite) -> None:
    site = make_site()
    with listening() as sock:
        where = f"127.0.0.1:{sock.getsockname()[1]}"
        site.configure({"listen": {"public": where}})
        done = site.run(PROGRAM)
    assert done.returncode == 74
    assert f"event=listen_failed for=public address={where}" in done.stderr


def test_a_spool_of_a_later_version_is_78_and_untouched(make_site: MakeSite) -> None:
    site = make_site()
    site.ingest.start()
    assert site.ingest.stop() == 0
    [segment] = list(site.spool.glob("*.ndjson"))
    later = segment.read_bytes().replace(b'"v":1', b'"v":2')
    line = re.fullmatch(rb'\{"_crc":"[0-9a-f]{8}",(.*\})\n', later, re.DOTALL)
    assert line
    crc = b"%08x" % zlib.crc32(line.group(1))
    later = b'{"_crc":"' + crc + b'",' + line.group(1) + b"\n"
    segment.write_bytes(later)
    assert site.run(PROGRAM).returncode == 78
    assert segment.read_bytes() == later
    assert [p.name for p in site.spool.glob("*.ndjson")] == [segment.name]


def test_the_journal_gets_priorities_and_others_do_not(make_site: MakeSite) -> None:
    site = make_site()
    site.ingest.stderr_path.touch()
    status = os.stat(site.ingest.stderr_path)
    stream = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    site.ingest.start(env=stream)
    site.ingest.stop()
    lines = [text for text in site.ingest.stderr().splitlines() if "event=" in text]
    assert lines and all(re.match(r"<[3-7]>event=", text) for text in lines)
    assert any(text.startswith("<5>event=listening ") for text in lines)

    for form, stream in [("auto", {"JOURNAL_STREAM": "1:1"}), ("text", stream)]:
        site.ingest.stderr_path.write_text("")
        site.configure({"log": {"format": form}})
        site.ingest.start(env=stream)
        site.ingest.stop()
        lines = [t for t in site.ingest.stderr().splitlines() if "event=" in t]
        stamp = re.compile(r"\d{4}-\d\d-\d\dT\S+Z (info|notice|warning) event=\w+")
        assert lines and all(stamp.match(text) for text in lines)

    site.ingest.stderr_path.write_text("")
    site.configure({"log": {"format": "json"}})
    site.ingest.start()
    site.ingest.stop()
    lines = [t for t in site.ingest.stderr().splitlines() if t.startswith("{")]
    assert {"time", "level", "event"} <= set(json.loads(lines[0]))


def test_nothing_of_a_body_or_a_token_is_logged(make_site: MakeSite) -> None:
    site = make_site({"log": {"level": "debug"}})
    site.ingest.start()
    secret = "s3cr3t-t0k3n"
    site.ingest.post(event(title=secret), {"Authorization": f"Bearer {secret}"})
    site.ingest.post(event(title=secret, price="x"))
    taken(site.ingest.post(event(title=secret), {"X-Forwarded-For": "[" + secret}))
    site.ingest.stop()
    assert secret not in site.ingest.stderr()


def test_the_spool_is_for_its_group_alone(make_site: MakeSite) -> None:
    site = make_site()
    site.ingest.start()
    modes = {p.name: p.stat().st_mode & 0o7777 for p in Path(site.spool).iterdir()}
    assert modes and set(modes.values()) == {0o660}, modes
