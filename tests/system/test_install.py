"""install.sh on a fresh server: from nothing to an event in CloudWatch Logs."""

import os
import pty
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian import ROOT, debian_root
from machine import Done, Machine
from service import CONF, KEYS, UNITS, main_pid, post
from support.standin import ACCESS_KEY, SECRET_KEY, StandIn

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


SCRIPT = ("sh", "/root/src/systemd/install.sh", "--deb", "/root/clickspool.deb")


def install(machine: Machine, *options: str, check: bool = True) -> Done:
    return machine.run(*SCRIPT, *options, check=check)


class Terminal:
    """A command at a terminal, and somebody who types."""

    def __init__(self, command: list[str]) -> None:
        self._fd, theirs = pty.openpty()
        self.shown = ""
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)

    def _read(self) -> bool:
        try:
            data = os.read(self._fd, 4096)
        except OSError:  # the last one on the other side has closed it
            return False
        self.shown += data.decode()
        return bool(data)

    def type(self, prompt: str, words: str) -> None:
        while not self.shown.endswith(prompt):
            assert self._read(), self.shown
        time.sleep(0.2)  # the echo is switched off behind the prompt
        os.write(self._fd, f"{words}\n".encode())

    def end(self) -> int:
        while self._read():
            pass
        os.close(self._fd)
        return self._process.wait(60)


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


def test_keys_are_asked_for_and_not_shown(
    machine: Machine, cloud: StandIn, installed: str
) -> None:
    machine.path("/etc/clickspool/credentials.d/logs.cred").unlink()
    assert install(machine, check=False).returncode == 78  # there is nobody to ask
    terminal = Terminal(machine.inside(*SCRIPT))
    terminal.type("AWS access key id of shipper: ", ACCESS_KEY)
    terminal.type("secret access key (not shown): ", SECRET_KEY)
    assert terminal.end() == 0, terminal.shown
    assert "CloudWatch Logs has it." in terminal.shown
    assert SECRET_KEY not in terminal.shown


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
