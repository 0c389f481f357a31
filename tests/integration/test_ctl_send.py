"""clickspoolctl send: one marked event, seen at each step of its way."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.certs import authority, make
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.http import request
from support.spool import read_spool
from support.standin import StandIn

OK, FINDINGS, USAGE, UNREACHABLE = 0, 1, 2, 3


def send(site: Site, *args: str, code: int = OK) -> list[dict[str, Any]]:
    done = site.ctl("send", "--json", *args)
    assert done.returncode == code, (done.stdout, done.stderr)
    return [json.loads(row) for row in done.stdout.splitlines()]


def steps(rows: list[dict[str, Any]]) -> list[str]:
    return [row["step"] for row in rows]


def complaint(site: Site, *args: str, code: int) -> str:
    done = site.ctl("send", *args)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stderr


@pytest.fixture
def running(site: Site, stream: StandIn) -> Site:
    site.ingest.start()
    site.shipper.start()
    return site


def test_each_step_is_told_and_true(running: Site, stream: StandIn) -> None:
    rows = send(running)
    assert steps(rows) == ["taken", "spool", "delivered", "cloudwatch"]
    times = [row["afterMs"] for row in rows]
    assert times == sorted(times)
    (entry,) = read_spool(running.spool)
    assert (rows[1]["segment"], rows[1]["offset"]) == (entry.segment, entry.offset)
    assert rows[0]["eventId"] == entry.event_id
    assert rows[0]["requestId"] == entry.obj["requestId"]
    assert entry.obj["clientId"].startswith("clickspoolctl-")
    assert (rows[3]["count"], rows[3]["stream"]) == (1, "web-1")
    assert len(stream.delivered()) == 1
    text = running.ctl("send").stdout
    assert text.count("\n") == 4 and "the checkpoint has passed it" in text


def test_fields_and_event_are_the_callers(running: Site, stream: StandIn) -> None:
    send(running, "--event", "product_view", "--fields", '{"productId":"sku-1"}')
    send(running, "--fields", "{ }")
    first, second = read_spool(running.spool)
    assert (first.obj["eventName"], first.obj["productId"]) == ("product_view", "sku-1")
    assert second.obj["eventName"] == "page_view"
    told = complaint(running, "--event", "product_view", code=FINDINGS)
    assert "invalid_event" in told and "/productId" in told
    assert len(read_spool(running.spool)) == 2


def test_what_does_not_show_is_exit_1(running: Site, stream: StandIn) -> None:
    assert running.shipper.stop() == 0
    rows = send(running, "--timeout", "1s", code=FINDINGS)
    assert steps(rows) == ["taken", "spool"]
    running.shipper.start()
    stream.service.visible_after = 3600.0
    assert "CloudWatch does not show it" in complaint(
        running, "--timeout", "4s", code=FINDINGS
    )


def test_what_is_dead_is_told(running: Site, stream: StandIn) -> None:
    stream.play(Fault("rejected", at={1}, too_old=1))
    told = complaint(running, code=FINDINGS)
    assert "it is dead: too_old" in told


def test_nobody_there(site: Site, stream: StandIn) -> None:
    assert "onnect" in complaint(site, code=UNREACHABLE)
    site.ingest.start()
    stream.play(Fault("access_denied", operation="FilterLogEvents"))
    site.shipper.start()
    assert "logs:FilterLogEvents" in complaint(site, code=UNREACHABLE)
    # Somebody else listens there.
    port = site.config["listen"]["admin"].rpartition(":")[2]
    told = complaint(site, "--url", f"http://127.0.0.1:{port}", code=FINDINGS)
    assert "404" in told


def test_another_machine_is_followed_in_cloudwatch(
    running: Site, stream: StandIn, make_site: MakeSite
) -> None:
    """From a machine that has no spool."""
    url = f"http://127.0.0.1:{running.ingest.port}/"
    away = make_site({"spool": {"dir": "/nonexistent"}})
    away.aws(stream)
    assert steps(send(away, "--url", url, "--remote")) == ["taken", "cloudwatch"]
    complaint(away, "--url", url, code=UNREACHABLE)
    assert "--dir" in complaint(
        make_quiet(make_site, stream), "--url", url, "--timeout", "1s", code=FINDINGS
    )


def make_quiet(make_site: MakeSite, stream: StandIn) -> Site:
    site = make_site()
    site.aws(stream)
    return site


@pytest.mark.parametrize("public", ["unix", "wildcard", "tls"])
def test_every_kind_of_address(
    make_site: MakeSite, stream: StandIn, tmp_path: Path, public: str
) -> None:
    site = make_site()
    site.aws(stream)
    port, args = site.ingest.port, []
    if public == "wildcard":
        site.configure({"listen": {"public": f"0.0.0.0:{port}"}})
    elif public == "unix":
        second = f"127.0.0.1:{port}"
        site.configure({"listen": {"public": f"unix:{site.folder}/web.sock {second}"}})
    else:
        files = make(tmp_path)
        site.configure({"tls": {"certificate": files.certificate, "key": files.key}})
        args = ["--cacert", str(authority(tmp_path))]
    site.ingest.start()
    site.shipper.start()
    assert steps(send(site, *args))[-1] == "cloudwatch"
    if public == "tls":
        assert "ertificate" in complaint(site, code=UNREACHABLE)
    else:
        assert request(port, "GET", "/healthz").status == 200


@pytest.mark.parametrize(
    "args",
    [
        ("--url", "shop.example"),
        ("--url", "http://shop.example/?a=b"),
        ("--remote",),
        ("--fields", "[1]"),
        ("--fields", "{"),
        ("--timeout", "soon"),
        ("more",),
    ],
)
def test_a_wrong_command_line_is_exit_2(site: Site, args: tuple[str, ...]) -> None:
    complaint(site, *args, code=USAGE)
