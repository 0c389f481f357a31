"""The units under a real systemd: what they promise, and that the daemons live
with all that is taken from them."""

import contextlib
import json
import re
import socket
import ssl
import stat
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian import ROOT
from machine import Machine
from service import (
    ADMIN, CONF, CREDENTIALS, KEYS, PUBLIC, SPOOL, UNITS,
    Load, arrived, main_pid, post,
)  # fmt: skip
from support.ask import event
from support.certs import make
from support.http import JSON, post_events, request
from support.json_service import JsonService
from support.standin import ACCESS_KEY, SECRET_KEY, StandIn
from support.wait import wait_until

EXAMPLES = ROOT / "docs/examples"
PASSWORD = "correct horse battery staple"


def answer_secret(_: str, body: dict[str, str]) -> tuple[int, dict[str, str]]:
    held = {"APP_CONFIG": '{"bucket":"shop"}', "DB_PASSWORD": PASSWORD}
    name = body["SecretId"]
    return 200, {"Name": name, "VersionId": "1", "SecretString": held[name]}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as booted:
        yield booted


@pytest.fixture(scope="module")
def cloud(machine: Machine) -> Iterator[StandIn]:
    with machine.network():
        standin = StandIn()
        standin.start()
    yield standin
    standin.stop()


@pytest.fixture(scope="module")
def secrets(machine: Machine) -> Iterator[JsonService]:
    with machine.network():
        service = JsonService(answer_secret)
        service.__enter__()
    yield service
    service.__exit__(None, None, None)


def configuration(more: str = "") -> str:
    return (
        "[spool]\nmin_free = 16MiB\n"
        "[rate]\nper_ip = 0\n"
        "[secrets]\nexport_dir = /run/clickspool/secrets\n"
        "export_group = clickspool-secret\n"
        "[shipper]\nlinger = 100ms\nresolve_wait = 1s\n" + more
    )


@pytest.fixture(scope="module")
def running(
    machine: Machine, cloud: StandIn, secrets: JsonService, deb: Path
) -> Machine:
    """The machine with both services installed and started."""
    machine.copy(deb, f"/root/{deb.name}")
    machine.run("dpkg", "--install", f"/root/{deb.name}")
    machine.write(CONF, configuration())
    machine.write(CREDENTIALS, KEYS)
    for unit in UNITS:
        machine.write(
            f"/etc/default/{unit}",
            f"AWS_ENDPOINT_URL={cloud.url}\n"
            f"AWS_ENDPOINT_URL_SECRETS_MANAGER={secrets.url}\n",
        )
        machine.write(
            f"/etc/systemd/system/{unit}.service.d/quick.conf",
            "[Service]\nWatchdogSec=2s\nRestartSec=100ms\n",
        )
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", *UNITS)
    return machine


def test_an_event_goes_from_the_socket_to_cloudwatch(
    running: Machine, cloud: StandIn
) -> None:
    arrived(cloud, post(running))

    def broker() -> str:
        with running.network():
            checks = request(ADMIN, "GET", "/readyz").json()["checks"]
        return str(checks["broker:connection"][0]["status"])

    wait_until(lambda: broker() == "pass")
    for unit in UNITS:
        assert running.show(unit, "NRestarts") == "0"
        assert "not permitted" not in running.journal(unit)


def test_ingest_has_no_network_and_its_sockets_have_names(running: Machine) -> None:
    pid = main_pid(running, "clickspool-ingest")
    links = running.run("nsenter", "-t", str(pid), "-n", "ip", "-brief", "link").stdout
    assert [line.split()[0] for line in links.splitlines()] == ["lo"]
    log = running.journal("clickspool-ingest")
    for name in ("public", "internal", "admin"):
        assert f"event=listening for={name} address=inherited" in log
    assert "socket_not_in_settings" not in log
    assert "setting_has_no_socket" not in log


def test_the_api_sends_as_a_member_of_its_own_group(
    running: Machine, cloud: StandIn
) -> None:
    entry = {"logCategory": "auth", "action": "login", "eventId": str(uuid.uuid4())}
    post_it = [
        "curl", "-sS", "--unix-socket", "/run/clickspool/log.sock", "-H",
        f"Content-Type: {JSON}", "-d", json.dumps(entry), "http://localhost/logs",
    ]  # fmt: skip
    as_nobody = ["setpriv", "--reuid=nobody", "--clear-groups", "--regid"]
    refused = running.run(*as_nobody, "nogroup", *post_it, check=False)
    assert "ermission denied" in refused.stderr or refused.returncode == 7
    taken = running.run(*as_nobody, "clickspool-log", *post_it)
    assert json.loads(taken.stdout)["accepted"] == 1, taken
    arrived(cloud, entry["eventId"])


def test_the_secret_is_exported_for_its_own_group(running: Machine) -> None:
    file = running.path("/run/clickspool/secrets/DB_PASSWORD")
    wait_until(file.exists)
    assert file.read_text() == PASSWORD
    assert stat.S_IMODE(file.stat().st_mode) == 0o440
    group = running.run("stat", "-c", "%G", "/run/clickspool/secrets/DB_PASSWORD")
    assert group.stdout == "clickspool-secret\n"


def test_a_good_reload_is_taken(running: Machine) -> None:
    pid = main_pid(running, "clickspool-ingest")
    other = {"Origin": "https://other.example"}
    with running.network():
        assert post_events(PUBLIC, event(), other).status == 202
    running.write(CONF, configuration("[cors]\norigins = https://shop.example\n"))
    running.run("systemctl", "reload", *UNITS)
    try:
        with running.network():
            wait_until(lambda: post_events(PUBLIC, event(), other).status == 403)
        assert main_pid(running, "clickspool-ingest") == pid
    finally:
        running.write(CONF, configuration())
        running.run("systemctl", "reload", *UNITS)


def test_a_bad_reload_fails_and_changes_nothing(
    running: Machine, cloud: StandIn
) -> None:
    pids = [main_pid(running, unit) for unit in UNITS]
    running.write(CONF, configuration("[rate]\nbrust = 3\n"))
    try:
        for unit in UNITS:
            assert running.run("systemctl", "reload", unit, check=False).returncode
            assert 'did you mean "burst"?' in running.journal(unit)
        arrived(cloud, post(running))
        assert [main_pid(running, unit) for unit in UNITS] == pids
    finally:
        running.write(CONF, configuration())


def test_a_bad_configuration_fails_once_and_a_mended_one_starts(
    running: Machine, cloud: StandIn
) -> None:
    running.write(CONF, configuration("[rate]\nbrust = 3\n"))
    try:
        for unit in UNITS:
            running.run("systemctl", "restart", unit, check=False)
            running.wait_for(unit, "failed")
            time.sleep(0.5)  # a restart would be sooner
            assert running.show(unit, "NRestarts") == "0"
            assert running.show(unit, "ExecMainStatus") == "78"
    finally:
        running.write(CONF, configuration())
    running.run("systemctl", "restart", *UNITS)
    arrived(cloud, post(running))


def test_all_60_requests_are_answered_across_two_restarts(
    running: Machine, cloud: StandIn
) -> None:
    load = Load(running, 60)
    load.start()
    for _ in range(2):
        time.sleep(0.5)
        assert load.is_alive()
        running.run("systemctl", "restart", *UNITS)
    arrived(cloud, *load.taken())


@pytest.mark.parametrize("unit", UNITS)
def test_a_frozen_daemon_is_replaced(
    running: Machine, cloud: StandIn, unit: str
) -> None:
    before = main_pid(running, unit)
    running.run("kill", "-STOP", str(before))
    event_id = post(running)  # waits for the next ingest where that is frozen
    wait_until(lambda: main_pid(running, unit) not in (0, before), 20)
    assert "Watchdog timeout" in running.journal(unit)
    arrived(cloud, event_id)


def test_without_credentials_shipper_holds_and_with_them_ships(
    running: Machine, cloud: StandIn
) -> None:
    running.path(CREDENTIALS).unlink()
    running.run("systemctl", "restart", "clickspool-shipper")
    event_id = post(running)
    running.wait_for("clickspool-shipper")
    assert "event=credentials_missing" in running.journal("clickspool-shipper")
    assert not any(event_id in message for message in cloud.messages())
    running.write(CREDENTIALS, KEYS)
    running.run("systemctl", "restart", "clickspool-shipper")
    arrived(cloud, event_id)


def test_the_spool_names_the_boot_though_the_kernel_s_file_is_hidden(
    running: Machine,
) -> None:
    boot_id = running.run("cat", "/proc/sys/kernel/random/boot_id").stdout.strip()
    assert boot_id.encode() in running.path(f"{SPOOL}/synced").read_bytes()


def test_a_credential_process_runs_where_the_example_lets_it(
    running: Machine, cloud: StandIn
) -> None:
    folder = "/etc/systemd/system/clickspool-shipper.service.d"
    program = "/usr/local/bin/my-credentials"
    keys = {"Version": 1, "AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY}
    running.write(program, f"#!/bin/sh\necho '{json.dumps(keys)}'\n")
    running.run("chmod", "755", program)
    running.write(CREDENTIALS, f"[default]\ncredential_process = {program}\n")
    try:
        running.run("systemctl", "restart", "clickspool-shipper")
        event_id = post(running)
        wait_until(lambda: "ermission denied" in running.journal("clickspool-shipper"))
        assert not any(event_id in message for message in cloud.messages())
        example = (EXAMPLES / "systemd/credential-process.conf").read_text()
        running.write(f"{folder}/process.conf", f"{example}ExecPaths=/bin/sh\n")
        running.run("systemctl", "daemon-reload")
        running.run("systemctl", "restart", "clickspool-shipper")
        arrived(cloud, event_id)
    finally:
        running.path(f"{folder}/process.conf").unlink(missing_ok=True)
        running.write(CREDENTIALS, KEYS)
        running.run("systemctl", "daemon-reload")
        running.run("systemctl", "restart", "clickspool-shipper")


def served_certificate(machine: Machine) -> bytes | None:
    """What stands on port 443, DER; None where nobody shakes hands."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with machine.network(), contextlib.suppress(OSError):
        with socket.create_connection(("127.0.0.1", 443), 10) as plain:
            with context.wrap_socket(plain) as secure:
                return secure.getpeercert(binary_form=True)
    return None


def reopen_public(machine: Machine) -> None:
    units = ("clickspool-ingest", "clickspool-public.socket")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "stop", *units)
    machine.run("systemctl", "start", *units)


def test_https_with_the_examples_and_a_renewed_certificate(
    running: Machine, tmp_path: Path
) -> None:
    drop_in = "/etc/systemd/system/clickspool-public.socket.d/https.conf"
    hook = "/etc/letsencrypt/renewal-hooks/deploy/clickspool"
    lineage = "/etc/letsencrypt/live/shop"

    def renew(name: str) -> bytes:
        files = make(tmp_path, name)
        running.write(f"{lineage}/fullchain.pem", files.certificate.read_text())
        running.write(f"{lineage}/privkey.pem", files.key.read_text())
        running.run("env", f"RENEWED_LINEAGE={lineage}", "sh", hook)
        pem = files.certificate.read_text().partition("-----END CERTIFICATE-----")
        return ssl.PEM_cert_to_DER_cert(pem[0] + pem[1])

    running.write(drop_in, (EXAMPLES / "systemd/https.conf").read_text())
    running.write(hook, (EXAMPLES / "certbot-hook").read_text())
    tls = "[tls]\ncertificate = /etc/clickspool/tls/fullchain.pem\n"
    tls += "key = /etc/clickspool/tls/privkey.pem\n[listen]\npublic = [::]:443\n"
    first = renew("first")
    running.write(CONF, configuration(tls))
    reopen_public(running)
    try:
        assert served_certificate(running) == first
        pid = main_pid(running, "clickspool-ingest")
        second = renew("second")
        wait_until(lambda: served_certificate(running) == second)
        assert main_pid(running, "clickspool-ingest") == pid
        start = running.journal("clickspool-ingest").rpartition("segment_opened")[2]
        assert "socket_not_in_settings" not in start
    finally:
        running.path(drop_in).unlink()
        running.write(CONF, configuration())
        reopen_public(running)


def block(page: str, first: str) -> str:
    """The shell of a page that begins so."""
    text = (ROOT / "docs" / page).read_text()
    (found,) = re.findall(rf"^```sh\n({re.escape(first)}.*?)^```$", text, re.M | re.S)
    return str(found)


def test_a_reload_as_the_runbook_has_it(running: Machine, cloud: StandIn) -> None:
    pid = main_pid(running, "clickspool-ingest")
    running.run("sh", "-ec", block("runbook.md", "clickspool-ingest --check &&"))
    assert main_pid(running, "clickspool-ingest") == pid
    arrived(cloud, post(running))


def test_a_machine_is_taken_down_as_scaling_has_it(
    running: Machine, cloud: StandIn
) -> None:
    sent = post(running)
    running.run("sh", "-ec", block("scaling.md", "clickspoolctl drain --timeout"))
    arrived(cloud, sent)
    for unit in UNITS:
        assert running.show(unit, "ActiveState") == "inactive"
    running.run("systemctl", "start", *UNITS)
    running.run("clickspoolctl", "drain", "--end")
    with running.network():
        wait_until(lambda: post_events(PUBLIC, event()).status == 202)
    arrived(cloud, post(running))


def test_the_sum_of_promise_2_holds_after_all_that(running: Machine) -> None:
    wait_until(
        lambda: running.run("clickspoolctl", "audit", check=False).returncode == 0
    )
    assert not [
        line
        for line in running.journal("*").splitlines()
        if "segfault" in line or "dumped core" in line
    ]


def test_the_units_are_well_formed(running: Machine) -> None:
    units = [f"{unit}.service" for unit in UNITS]
    units += [f"clickspool-{name}.socket" for name in ("public", "internal", "admin")]
    said = running.run("systemd-analyze", "verify", "--man=no", *units)
    assert "clickspool" not in said.stderr
