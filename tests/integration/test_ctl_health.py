"""clickspoolctl health: one line for Nagios, and the timer that runs it."""

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support.certs import make
from support.craft import chain, entry
from support.daemons import Done, MakeSite, Site
from support.faults import Fault
from support.shop import batch
from support.standin import StandIn
from support.wait import wait_until

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples" / "health"
# The guidelines of monitoring-plugins: 'label'=value[unit];warn;critical;min;max
FIGURE = re.compile(
    r"[a-z]+=-?\d+(\.\d+)?(s|%|B|);(\d+:?)?;(\d+:?)?;\d*;\d*"
)  # fmt: skip


def health(site: Site, *args: str, code: int = OK) -> str:
    done: Done = site.ctl("health", *args)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stdout.count("\n") == 1
    return done.stdout


def told(site: Site, *args: str, code: int = OK) -> dict[str, Any]:
    one: dict[str, Any] = json.loads(health(site, "--json", *args, code=code))
    return one


@pytest.fixture
def running(site: Site, stream: StandIn) -> Site:
    site.ingest.start()
    site.shipper.start()
    return site


def test_one_line_with_figures(running: Site, stream: StandIn) -> None:
    running.ingest.post(batch(3))
    wait_until(lambda: told(running)["lagSeconds"] == 0)
    text, _, figures = health(running).rstrip("\n").partition(" | ")
    assert text.startswith("CLICKSPOOL OK - lag 0.0s, room 100%, 0 dead letters")
    for figure in figures.split(" "):
        assert FIGURE.fullmatch(figure), figure
    names = [figure.partition("=")[0] for figure in figures.split(" ")]
    assert names == ["lag", "room", "unshipped", "dead"]


def test_a_backlog_without_success_is_critical(running: Site, stream: StandIn) -> None:
    stream.play(Fault("http_503"))
    running.ingest.post(batch(3))
    time.sleep(1.2)
    assert "nothing was delivered yet" in health(
        running, "--stuck", "1s", code=CRITICAL
    )
    assert health(running)  # by default, in five minutes
    lag = told(running, "--lag", "1s,1h", code=WARNING)
    assert lag["state"] == "WARNING" and lag["lagSeconds"] >= 1
    told(running, "--lag", "0s,1s", code=CRITICAL)


def test_dead_letters_and_daemons_that_do_not_run(
    running: Site, stream: StandIn
) -> None:
    stream.play(Fault("rejected", at={1}, too_old=2))
    running.ingest.post(batch(4))
    wait_until(lambda: site_letters(running) == 2)
    assert "2 dead letters" in health(running, code=WARNING)
    health(running, "--dead", "2,5")
    health(running, "--dead", "0,1", code=CRITICAL)
    assert running.shipper.stop() == 0
    assert "shipper is not running" in health(running, "--dead", "2,5", code=WARNING)
    assert running.ingest.stop() == 0
    assert "ingest is not running" in health(running, code=CRITICAL)


def site_letters(site: Site) -> int:
    return int(json.loads(site.ctl("health", "--json").stdout)["deadLetters"])


def test_room_is_what_still_fits(make_site: MakeSite) -> None:
    site = make_site({"spool": {"max_unshipped": "1MiB"}})
    site.ingest.start()
    for _ in range(2):
        site.ingest.post(batch(500, title="x" * 200))
    room = told(site, "--lag", "1h,1h", code=WARNING)["roomPercent"]
    assert 10 <= room < 50
    health(site, "--room", "100,99", code=CRITICAL)


def test_the_certificate_is_looked_at(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    files = make(tmp_path, days=7)
    site.configure({"tls": {"certificate": files.certificate, "key": files.key}})
    site.ingest.start()
    assert "certificate ends in 6d 23h" in health(site, code=WARNING)
    week = told(site, "--certificate", "3d,1d", code=WARNING)  # shipper is away
    assert 6 * 86400 < week["certificateSeconds"] <= 7 * 86400
    assert "the certificate" not in str(week["findings"])
    files.certificate.write_text("no certificate")
    assert "cannot be read" in health(site, code=WARNING)


def test_an_old_spool_that_nobody_ships(make_site: MakeSite) -> None:
    site = make_site()
    chain(site.spool, [entry(0, 1)])
    text = health(site, code=CRITICAL)
    assert "ingest is not running; entries wait for" in text


@pytest.mark.parametrize(
    "args",
    [
        ("--lag", "5"),
        ("--lag", "15m,5m"),
        ("--room", "10,50"),
        ("--dead", "-1,5"),
        ("--stuck", "soon"),
        ("--bogus",),
        ("more",),
        ("--dir", "/nonexistent"),
        ("--config", "/nonexistent"),
    ],
)
def test_what_cannot_be_told_is_unknown(site: Site, args: tuple[str, ...]) -> None:
    assert health(site, *args, code=UNKNOWN).startswith("CLICKSPOOL UNKNOWN - ")


# The timer


def unit(name: str) -> dict[str, str]:
    rows = (EXAMPLES / name).read_text().splitlines()
    return dict(row.split("=", 1) for row in rows if re.match(r"[A-Z]\w+=", row))


def test_the_units_name_each_other(running: Site) -> None:
    service = unit("clickspool-health.service")
    template, _, _ = service["OnFailure"].partition("@")
    alert = unit(f"{template}@.service")
    assert alert["EnvironmentFile"] == "/etc/clickspool/alert.conf"
    assert (EXAMPLES / "alert").stat().st_mode & 0o111
    assert alert["ExecStart"] == "/bin/sh /etc/clickspool/alert %i"
    assert f"/run/{alert['RuntimeDirectory']}/told" in service["ExecStartPost"]
    command, *args = service["ExecStart"].split()
    assert command == "/usr/bin/clickspoolctl"
    assert running.ctl(*args).returncode == OK
    assert unit("clickspool-health.timer")["OnUnitInactiveSec"]


def test_a_failure_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "journalctl").write_text('#!/bin/sh\necho "$1"; echo it is broken\n')
    (tmp_path / "journalctl").chmod(0o755)
    told = tmp_path / "heard"
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "RUNTIME_DIRECTORY": os.fspath(tmp_path),
        "ALERT_COMMAND": f'echo "$UNIT" >> {told}; cat >> {told}',
    }

    def alert(**more: str) -> int:
        command = ["/bin/sh", os.fspath(EXAMPLES / "alert"), "u.service"]
        done = subprocess.run(command, env=environment | more, check=False)
        return done.returncode

    assert alert(ALERT_COMMAND="cat >/dev/null; exit 1") == 1
    assert alert() == 0
    assert alert() == 0
    assert told.read_text() == "u.service\n--unit=u.service\nit is broken\n"
    os.utime(tmp_path / "told", (0, 0))
    assert alert() == 0
    assert told.read_text().count("it is broken") == 2
