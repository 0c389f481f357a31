"""The package in a fresh Debian: installed, upgraded, removed, purged; and what
it is made of."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from debian import ROOT, build_deb, debian_root
from machine import Machine
from service import CONF, CREDENTIALS, KEYS, SPOOL, UNITS, Load, arrived, main_pid, post
from support.standin import StandIn
from support.wait import wait_until

PROGRAMS = ("usr/sbin/clickspool-ingest", "usr/sbin/clickspool-shipper",
            "usr/bin/clickspoolctl")  # fmt: skip


@pytest.fixture(scope="session")
def next_deb(deb: Path) -> Path:
    """The same as a later version."""
    return build_deb(deb.parent, "--version", "99.0")


@pytest.fixture
def machine(deb: Path) -> Iterator[Machine]:
    with Machine(debian_root(deb)) as booted:
        yield booted


@pytest.fixture
def cloud(machine: Machine) -> Iterator[StandIn]:
    with machine.network():
        standin = StandIn()
        standin.start()
    yield standin
    standin.stop()


def install(machine: Machine, deb: Path) -> str:
    machine.copy(deb, f"/root/{deb.name}")
    done = machine.run("dpkg", "--force-confold", "--install", f"/root/{deb.name}")
    assert not re.search(r"^(W|E):|warning|error", done.stderr, re.M | re.I), done
    return done.stdout


def told(machine: Machine, *command: str) -> str:
    return machine.run(*command).stdout.strip()


def test_once_installed_it_takes_events(machine: Machine, deb: Path) -> None:
    install(machine, deb)
    for unit in UNITS:
        machine.wait_for(unit)
        assert told(machine, "systemctl", "is-enabled", unit) == "enabled"
    post(machine)
    assert told(machine, "clickspoolctl", "ls", "--json").count("\n") == 0
    assert told(machine, "stat", "-c", "%A %U %G", SPOOL) == (
        "drwxrws--- root clickspool"
    )
    assert CONF in told(machine, "dpkg-query", "-W", "-f", "${Conffiles}", "clickspool")
    assert not told(machine, "dpkg", "--verify", "clickspool")


def test_an_upgrade_under_load_keeps_spool_and_settings(
    machine: Machine, cloud: StandIn, deb: Path, next_deb: Path
) -> None:
    install(machine, deb)
    settings = (
        f"[aws]\nendpoint_url = {cloud.url}\n[rate]\nper_ip = 0\n"
        "[secrets]\napp_config =\n[shipper]\nlinger = 100ms\nresolve_wait = 1s\n"
    )
    machine.write(CONF, settings)
    machine.run("systemctl", "restart", *UNITS)
    before = [post(machine) for _ in range(3)]  # without credentials they stay
    pids = [main_pid(machine, unit) for unit in UNITS]
    machine.write(CREDENTIALS, KEYS)

    load = Load(machine, 60)
    load.start()
    install(machine, next_deb)
    assert load.is_alive()
    taken = load.taken()

    assert told(machine, "dpkg-query", "-W", "-f", "${Version}", "clickspool") == "99.0"
    assert not set(pids) & {main_pid(machine, unit) for unit in UNITS}
    assert machine.path(CONF).read_text() == settings
    arrived(cloud, *before, *taken)


def test_a_spool_and_its_owners_survive_a_removal_and_only_that(
    machine: Machine, deb: Path
) -> None:
    install(machine, deb)
    event_ids = [post(machine) for _ in range(3)]
    owners = told(machine, "stat", "-c", "%u %g", f"{SPOOL}/ingest.lock")

    machine.run("dpkg", "--remove", "clickspool")
    units = told(machine, "systemctl", "list-units", "-q", "--plain", "clickspool*")
    assert units == ""
    held = "".join(path.read_text() for path in machine.path(SPOOL).glob("0*.ndjson"))
    assert all(event_id in held for event_id in event_ids)

    install(machine, deb)
    machine.wait_for("clickspool-ingest")
    post(machine)
    assert told(machine, "stat", "-c", "%u %g", f"{SPOOL}/ingest.lock") == owners
    machine.run("clickspoolctl", "verify")

    said = told(machine, "dpkg", "--purge", "clickspool")
    assert (
        f"removing {SPOOL}: 4 entries in 2 segments, of which 4 were not "
        "delivered; 0 dead letters." in said
    )
    folders = ["/etc", "/usr", "/var/lib", "/var/cache", "/run"]
    left = told(machine, "find", *folders, "-xdev", "-name", "*clickspool*")
    assert left == ""
    assert "clickspool-ingest" in told(machine, "getent", "passwd", "clickspool-ingest")


def test_a_purge_counts_what_was_delivered(
    machine: Machine, cloud: StandIn, deb: Path
) -> None:
    install(machine, deb)
    machine.write(CONF, f"[aws]\nendpoint_url = {cloud.url}\n[secrets]\napp_config =\n")
    machine.write(CREDENTIALS, KEYS)
    machine.run("systemctl", "restart", *UNITS)
    arrived(cloud, post(machine), post(machine))
    checkpoint = machine.path(f"{SPOOL}/checkpoint.json")
    wait_until(lambda: '"delivered":2' in checkpoint.read_text())
    machine.run("systemctl", "stop", "clickspool-shipper")
    post(machine)
    said = told(machine, "dpkg", "--purge", "clickspool")
    assert "3 entries in 2 segments, of which 1 were not delivered" in said
    assert not machine.path(CREDENTIALS).exists()


def test_the_same_source_gives_the_same_bytes(deb: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    ignored = shutil.ignore_patterns("build", ".git", "node_modules", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=ignored)
    again = build_deb(tmp_path, source=copy)
    assert again.read_bytes() == deb.read_bytes()


def test_lintian_has_nothing_to_say(deb: Path) -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", deb],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def unpacked(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "--extract", deb, folder], check=True)
    return folder


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_are_hardened(unpacked: Path, program: str) -> None:
    checked = subprocess.run(
        ["hardening-check", unpacked / program], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
    machine = subprocess.run(
        ["readelf", "-hnlW", unpacked / program],
        capture_output=True, text=True, check=True, env={"LC_ALL": "C"},
    ).stdout  # fmt: skip
    assert re.search(r"GNU_STACK.* RW ", machine), machine
    if "X86-64" in machine:
        assert re.search(r"Properties: x86 feature: IBT, SHSTK", machine), machine


def test_the_configuration_shows_each_setting_with_its_default(unpacked: Path) -> None:
    conf = unpacked / CONF.lstrip("/")
    every = re.sub(r"^;", "", conf.read_text(), flags=re.M)
    spelled_out = unpacked / "every.conf"
    spelled_out.write_text(every)

    def printed(file: Path) -> list[str]:
        done = subprocess.run(
            [unpacked / PROGRAMS[0], "--print-config", "--config", file],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return [line.partition("  ; ")[0] for line in done.stdout.splitlines()]

    assert printed(conf) == printed(spelled_out)
    keys = [line for line in printed(conf) if " = " in line]
    assert len(keys) == len(re.findall(r"^\w+ =", every, re.M))


def test_the_examples_are_what_they_seem(unpacked: Path) -> None:
    examples = unpacked / "usr/share/doc/clickspool/examples"
    for file in examples.rglob("*.json"):
        assert json.loads(file.read_text())
    alerts = (examples / "prometheus/clickspool.rules.yml").read_text()
    assert yaml.safe_load(alerts)["groups"][0]["rules"]
    told = (ROOT / "docs/metrics.md").read_text()
    for name in re.findall(r"clickspool_(\w+)", alerts):
        assert f"`{name}" in told, name
