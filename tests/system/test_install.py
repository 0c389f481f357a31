"""install.sh on a fresh server: from nothing to an event in CloudWatch Logs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from debian import ROOT, debian_root
from machine import Done, Machine
from service import CONF, KEYS, UNITS, main_pid, post
from support.standin import SECRET_KEY, StandIn

SETTINGS = ("--retention", "30", "--log-group", "/shop/events",
            "--set", "secrets.app_config=")  # fmt: skip
DROP_IN = "/etc/systemd/system/clickspool-shipper.service.d/credentials.conf"


@pytest.fixture(scope="module")
def machine(deb: Path) -> Iterator[Machine]:
    with Machine(debian_root(deb)) as booted:
        booted.copy(deb, "/root/clickspool.deb")
        for name in ("systemd/install.sh", "docs/packages.sh"):
            booted.write(f"/root/src/{name}", (ROOT / name).read_text())
        booted.write("/root/keys", KEYS)
        yield booted


@pytest.fixture(scope="module")
def cloud(machine: Machine) -> Iterator[StandIn]:
    with machine.network():
        standin = StandIn()
        standin.start()
    endpoint = f"AWS_ENDPOINT_URL={standin.url}\n"
    machine.write("/etc/default/clickspool-shipper", endpoint)
    yield standin
    standin.stop()


def install(machine: Machine, *options: str, check: bool = True) -> Done:
    script = ("sh", "/root/src/systemd/install.sh", "--deb", "/root/clickspool.deb")
    return machine.run(*script, *options, check=check)


@pytest.fixture(scope="module")
def installed(machine: Machine, cloud: StandIn) -> str:
    """What the first run said."""
    done = install(machine, "--credentials", "/root/keys", *SETTINGS)
    machine.path("/root/keys").unlink()
    return done.stdout


def test_it_ends_with_an_event_in_cloudwatch(cloud: StandIn, installed: str) -> None:
    assert "CloudWatch Logs has it." in installed
    assert any('"/clickspool-install"' in message for message in cloud.messages())
    assert {"CreateLogGroup", "CreateLogStream", "PutRetentionPolicy"} <= {
        call.operation for call in cloud.calls()
    }


def test_the_secret_is_nowhere_in_the_clear(machine: Machine, installed: str) -> None:
    everywhere = ["/etc", "/var", "/root", "/tmp", "/run/log"]
    found = machine.run("grep", "-rlaF", SECRET_KEY, *everywhere, check=False)
    assert (found.returncode, found.stdout) == (1, "")
    assert SECRET_KEY not in installed
    assert SECRET_KEY not in machine.run("systemctl", "cat", "clickspool*").stdout


def test_run_again_it_keeps_keys_settings_and_entries(
    machine: Machine, cloud: StandIn, installed: str
) -> None:
    before = machine.path(CONF).read_text()
    event_id = post(machine)
    assert "CloudWatch Logs has it." in install(machine).stdout
    assert machine.path(CONF).read_text() == before
    assert sum(event_id in message for message in cloud.messages()) == 1
    for line in ("retention_days = 30", "log_group = /shop/events", "app_config = "):
        assert before.count(f"\n{line}\n") == 1, before


def test_a_wrong_setting_changes_nothing(machine: Machine, installed: str) -> None:
    before = machine.path(CONF).read_text()
    done = install(machine, "--retention", "31", check=False)
    assert done.returncode == 78
    assert "CloudWatch has no retention of 31 days" in done.stderr
    assert machine.path(CONF).read_text() == before
    assert all(main_pid(machine, unit) for unit in UNITS)


def test_a_purge_takes_the_keys_along(machine: Machine, installed: str) -> None:
    machine.run("dpkg", "--purge", "clickspool")
    assert not machine.path(DROP_IN).exists()
    assert not machine.path("/etc/clickspool").exists()
