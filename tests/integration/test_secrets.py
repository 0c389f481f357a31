"""APP_CONFIG and DB_PASSWORD: read, kept, handed on, and never told."""

import json
import os
import stat
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ask import event
from support.asking import ask
from support.daemons import MakeSite, Site, uses_asan
from support.json_service import Answer, JsonService
from support.wait import wait_until

PASSWORD = "correct horse battery staple"
MISSING: Answer = (400, {"__type": "ResourceNotFoundException", "Message": "no"})


class Vault:
    """A Secrets Manager: what each secret holds, or how it refuses."""

    def __init__(self) -> None:
        self.held: dict[str, Answer] = {}
        self.service = JsonService(self._answer)

    def put(self, name: str, value: Any, **more: Any) -> str:
        version = str(uuid.uuid4())
        text = value if isinstance(value, str) else json.dumps(value)
        self.held[name] = (
            200,
            {"Name": name, "VersionId": version, "SecretString": text} | more,
        )
        return version

    def _answer(self, target: str, body: Any) -> Answer:
        assert target == "GetSecretValue"
        assert list(body) == ["SecretId"]  # AWSCURRENT, which is the default
        return self.held.get(body["SecretId"], MISSING)

    def asked(self, name: str) -> int:
        return sum(body["SecretId"] == name for _, body in self.service.calls)


@pytest.fixture
def vault() -> Iterator[Vault]:
    made = Vault()
    with made.service:
        yield made


@pytest.fixture
def site(make_site: MakeSite, vault: Vault) -> Site:
    made = make_site({"aws": {"endpoint_url": vault.service.url}})
    made.configure({"secrets": {"app_config": "APP_CONFIG"}})
    made.configure({"secrets": {"refresh": "10s"}})
    return made


def bucket(site: Site) -> str | None:
    found = ask(site, "upload_key").get("bucket")
    return None if found is None else str(found)


def exporting(site: Site) -> Path:
    folder = site.folder / "secrets"
    site.configure({"secrets": {"export_dir": str(folder), "export_group": "daemon"}})
    return folder / "DB_PASSWORD"


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ("APP_CONFIG", {"bucket": "shop-images"}),
        ("APP_CONFIG", {"APP_CONFIG": {"bucket": "shop-images"}}),
        ("APP_CONFIG", {"APP_CONFIG": '{"bucket":"shop-images"}'}),
        ("prod/all#APP_CONFIG", {"APP_CONFIG": '{"bucket":"shop-images"}', "X": 1}),
        ("prod/all#app", {"app": {"bucket": "shop-images"}}),
    ],
)
def test_the_bucket_is_found(site: Site, vault: Vault, spec: str, value: Any) -> None:
    site.configure({"secrets": {"app_config": spec}})
    version = vault.put(spec.partition("#")[0], value)
    site.shipper.start()
    wait_until(lambda: bucket(site) == "shop-images")
    assert f"version={version}" in site.shipper.stderr()


@pytest.mark.parametrize(
    "value",
    ["", "shop-images", "[]", {"bucket": 7}, {"bucket": "UPPER"}, {"bucket": "a..b"},
     {"bucket": "192.168.0.1"}, {"bucketName": "shop-images"}],
)  # fmt: skip
def test_what_names_no_bucket_is_told(site: Site, vault: Vault, value: Any) -> None:
    vault.put("APP_CONFIG", value)
    site.shipper.start()
    wait_until(lambda: "secret_not_read" in site.shipper.stderr())
    answer = ask(site, "upload_key")
    assert answer["code"] == "secrets_unavailable"
    assert "bucket" in answer["why"]


def test_a_setting_names_the_bucket_without_a_secret(site: Site, vault: Vault) -> None:
    site.configure({"uploads": {"bucket": "by-setting"}})
    site.shipper.start()
    wait_until(lambda: bucket(site) == "by-setting")
    assert vault.service.calls == []


@pytest.mark.parametrize(
    "refusal",
    [
        MISSING,
        (400, {"__type": "AccessDeniedException", "Message": "no"}),
        (400, {"__type": "ThrottlingException", "Message": "slow down"}),
        (500, {"__type": "InternalServiceError", "Message": "oops"}),
        (200, b"<html>"),
        (200, {"VersionId": "v", "SecretBinary": "AAAA"}),
    ],
)
def test_it_is_read_once_it_is_there(site: Site, vault: Vault, refusal: Answer) -> None:
    vault.held["APP_CONFIG"] = refusal
    site.shipper.start()
    site.ingest.start()
    wait_until(lambda: "secret_not_read" in site.shipper.stderr())
    assert ask(site, "upload_key")["code"] == "secrets_unavailable"
    assert site.ingest.post(event()).status == 202  # which needs no secret
    vault.put("APP_CONFIG", {"bucket": "shop-images"})
    wait_until(lambda: bucket(site) == "shop-images", timeout=40)


def test_a_failed_refresh_keeps_the_last_value(site: Site, vault: Vault) -> None:
    vault.put("APP_CONFIG", {"bucket": "first-one"})
    site.shipper.start()
    wait_until(lambda: bucket(site) == "first-one")
    vault.held["APP_CONFIG"] = (500, {"__type": "InternalServiceError"})
    wait_until(lambda: "secret_not_read" in site.shipper.stderr(), timeout=30)
    assert bucket(site) == "first-one"
    vault.put("APP_CONFIG", {"bucket": "second-one"})
    wait_until(lambda: bucket(site) == "second-one", timeout=40)
    assert "secret_changed" in site.shipper.stderr()


@pytest.mark.parametrize(
    ("value", "file"),
    [
        (PASSWORD, PASSWORD),
        (PASSWORD + "\n", PASSWORD),
        (PASSWORD + "\n\n", PASSWORD + "\n"),
        ("0123456789", "0123456789"),
        ("pässwörd €😀\t\"\\", "pässwörd €😀\t\"\\"),
        ({"username": "shop", "password": PASSWORD, "port": 5432}, PASSWORD),
        ({"DB_PASSWORD": PASSWORD, "password": "another"}, PASSWORD),
        ("x" * 65_536, "x" * 65_536),
    ],
)
def test_the_password_becomes_a_file(
    site: Site, vault: Vault, value: Any, file: str
) -> None:
    path = exporting(site)
    vault.put("DB_PASSWORD", value)
    vault.put("APP_CONFIG", {"bucket": "shop-images"})
    site.shipper.start()
    wait_until(path.exists)
    assert path.read_text() == file
    told = path.stat()
    assert stat.S_IMODE(told.st_mode) == 0o440
    assert told.st_gid == 1  # daemon
    assert os.listdir(path.parent) == ["DB_PASSWORD"]
    assert site.shipper.stop() == 0
    assert path.exists()


def test_one_secret_with_both_is_asked_once(site: Site, vault: Vault) -> None:
    path = exporting(site)
    site.configure({"secrets": {"app_config": "all#app", "db_password": "all#db"}})
    vault.put("all", {"app": {"bucket": "shop-images"}, "db": PASSWORD})
    site.shipper.start()
    wait_until(lambda: path.exists() and bucket(site) == "shop-images")
    assert path.read_text() == PASSWORD
    assert vault.asked("all") == 1


def test_without_export_the_password_is_not_read(site: Site, vault: Vault) -> None:
    vault.put("DB_PASSWORD", PASSWORD)
    vault.put("APP_CONFIG", {"bucket": "shop-images"})
    site.shipper.start()
    wait_until(lambda: bucket(site) == "shop-images")
    assert vault.asked("DB_PASSWORD") == 0


def test_a_rotation_is_never_seen_half(site: Site, vault: Vault) -> None:
    path = exporting(site)
    vault.put("APP_CONFIG", {"bucket": "shop-images"})
    whole = {letter * 50_000 for letter in "ab"}
    vault.put("DB_PASSWORD", "a" * 50_000)
    site.shipper.start()
    wait_until(path.exists)
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=look)
    reader.start()
    vault.put("DB_PASSWORD", "b" * 50_000)
    try:
        wait_until(lambda: path.read_text()[0] == "b", timeout=30)
    finally:
        done.set()
        reader.join()
    assert seen <= whole


def test_a_file_that_went_missing_comes_back(site: Site, vault: Vault) -> None:
    path = exporting(site)
    vault.put("APP_CONFIG", {"bucket": "shop-images"})
    vault.put("DB_PASSWORD", PASSWORD)
    site.shipper.start()
    wait_until(path.exists)
    path.unlink()
    wait_until(path.exists, timeout=30)


def test_no_secret_is_told(site: Site, vault: Vault) -> None:
    """Not in the log at its loudest, nor in the arguments, the environment or
    any file but the exported one."""
    path = exporting(site)
    site.configure({"log": {"level": "debug"}})
    vault.put("APP_CONFIG", {"bucket": "shop-images", "inner": "sesame-app-config"})
    vault.put("DB_PASSWORD", {"password": PASSWORD, "n": [1, {"a": "sesame-too"}]})
    site.shipper.start()
    site.ingest.start()
    wait_until(lambda: path.exists() and bucket(site) == "shop-images")
    secret = site.environment()["AWS_SECRET_ACCESS_KEY"]
    process = Path(f"/proc/{site.shipper.pid}")
    told = site.shipper.stderr() + site.ingest.stderr()
    told += (process / "cmdline").read_text()
    told += site.run("shipper/clickspool-shipper", "--print-config").stdout
    for file in site.folder.rglob("*"):
        if file.is_file() and file != path:
            told += file.read_bytes().decode("latin-1")
    for word in (PASSWORD, "sesame", secret):
        assert word not in told


def memory(pid: int) -> bytes:
    """What a process holds in memory that it can write."""
    found = b""
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            place, mode = line.split()[:2]
            if not mode.startswith("rw"):
                continue
            first, last = (int(part, 16) for part in place.split("-"))
            mem.seek(first)
            found += mem.read(last - first)
    return found


def test_the_password_does_not_stay_in_memory(
    site: Site, vault: Vault, build: Path
) -> None:
    """What handed it on is wiped; the page of the transport is overwritten by
    the next answers."""
    if uses_asan(build / "shipper" / "clickspool-shipper"):
        pytest.skip("the sanitizer keeps what was freed")
    path = exporting(site)
    vault.put("APP_CONFIG", {"bucket": "shop-images"})
    vault.put("DB_PASSWORD", PASSWORD)
    site.shipper.start()
    wait_until(lambda: path.exists() and bucket(site) == "shop-images")
    held = memory(site.shipper.pid)
    assert site.environment()["AWS_SECRET_ACCESS_KEY"].encode() in held  # its own
    # Its end, as what was freed has its first bytes overwritten.
    assert PASSWORD[-14:].encode() not in held


@pytest.mark.parametrize("daemon", ["ingest", "shipper"])
def test_no_core_is_left(site: Site, daemon: str) -> None:
    running = getattr(site, daemon)
    running.start(wrap=["prlimit", "--core=unlimited"])
    limits = Path(f"/proc/{running.pid}/limits").read_text()
    [row] = [r for r in limits.splitlines() if r.startswith("Max core file size")]
    assert row.split()[4:6] == ["0", "0"]
    running.kill()


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("export_group", "no-such-group", "no such group"),
        ("export_dir", "relative", "from the root"),
        ("app_config", '"#field"', "secret's name"),
    ],
)
def test_check_judges_the_settings(
    site: Site, key: str, value: str, told: str
) -> None:
    site.configure({"secrets": {key: value}})
    done = site.run("shipper/clickspool-shipper", "--check")
    assert done.returncode == 78
    assert told in done.stderr
