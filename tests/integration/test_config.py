"""The configuration: what is wrong is told with its place and what would be
right; what is right can be shown."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.daemons import Done, MakeSite, Site

PROGRAM = "ingest/clickspool-ingest"


@pytest.fixture
def shop(make_site: MakeSite) -> Site:
    return make_site()


def run(
    site: Site, text: str, *args: str, env: Mapping[str, str] | None = None
) -> Done:
    """The program, with this file for its configuration."""
    path = site.folder / "my.conf"
    path.write_text(text)
    return subprocess.run(
        [str(site.build / PROGRAM), "--config", str(path), *args],
        capture_output=True,
        text=True,
        env=site.environment() | dict(env or {}),
        timeout=30,
        check=False,
    )


FAULTS = [
    ("loose = 1", 1, '"loose" stands before the first [section]'),
    ("\n[htpp]\nport = 1", 2, "unknown section [htpp]: did you mean [http]?"),
    ("[LOG]", 1, "unknown section [LOG]: did you mean [log]?"),
    ("[sporl]", 1, "unknown section [sporl]: did you mean [spool]?"),
    ("[http", 1, "a section is written [name], alone on its line"),
    ("[http] max_body = 1KiB", 1, "a section is written [name], alone on its line"),
    ("[http]\n\nmax_conections = 5", 3,
     'unknown key "max_conections" in [http]: did you mean "max_connections"?'),
    ("[cors]\norigin = *", 2, 'unknown key "origin" in [cors]: did you mean "origins"?'),
    ("[http]\njust words", 2, '"just words" is no "key = value", [section] or comment'),
    ("[http]\nmax_body = 12 KB", 2, "[http] max_body: \"12 KB\" will not do: give a size"),
    ("[http]\nmax_body = 1GiB", 2,
     '[http] max_body: "1GiB" will not do: give 1KiB to 4MiB'),
    ("[http]\nheader_timeout = 10", 2, '"10" will not do: give a time like 500ms'),
    ("[http]\nmax_connections = many", 2, '[http] max_connections: "many" will not do'),
    ("[http]\nmax_connections = -1", 2, '[http] max_connections: "-1" will not do'),
    ("[log]\nlevel = loud", 2, "give one of error|warning|notice|info|debug"),
    ("[events]\nunknown_fields = drop", 2, "give one of refuse|keep"),
    ("[listen]\npublic = localhost:80", 2, '"localhost:80" is no address: give'),
    ("[listen]\npublic = 127.0.0.1:70000", 2, '"127.0.0.1:70000" is no address'),
    ("[listen]\npublic =", 2, "give at least one address"),
    ("[cors]\norigins = https://a.example shop.example", 2,
     '"shop.example" is no origin: give scheme://host[:port]'),
    ("[cors]\norigins = https://A.example", 2, "in lower case"),
    ("[cors]\norigins = https://a.example/", 2, "without a path"),
    ("[http]\ntrusted_proxies = 10.0.0.0/33", 2, '"10.0.0.0/33" is no network: give'),
    ("[auth]\nissuer = a.example\nclient_ids = a", 2, "[auth] issuer: an issuer is"),
    ("[auth]\nissuer = https://a.example", 2, "name in client_ids the app clients"),
    ("[auth]\nuser_pool_id = pool\nclient_ids = a", 2, "named like ap-southeast-1_"),
    ("[auth]\ntoken_use = id refresh", 2, "[auth] token_use: give id, access or"),
    ("[auth]\njwks_url = https://a.example/k", 2, "keys need an issuer"),
    ("[broker]\nsocket = broker.sock", 2, "[broker] socket: a socket has a path"),
    ("[tls]\nkey = /etc/key.pem", 2, "[tls] key: HTTPS needs both"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "told"), FAULTS, ids=range(len(FAULTS)))
def test_a_fault_is_told_by_file_line_key_and_remedy(
    shop: Site, text: str, line: int, told: str
) -> None:
    done = run(shop, text, "--check")
    assert done.returncode == 78
    assert done.stdout == ""
    [said] = [row for row in done.stderr.splitlines() if told in row]
    assert said.startswith(f"{shop.folder}/my.conf:{line}: ")
    assert run(shop, text).returncode == 78  # nor does it start


def test_every_fault_is_told_at_once(shop: Site) -> None:
    done = run(shop, "[http]\na = 1\nmax_body = x\n[log]\nlevel = y\n", "--check")
    places = re.findall(r"my\.conf:(\d+): ", done.stderr)
    assert places == ["2", "3", "5"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CLICKSPOOL_HTTP_MAX_BODY", "5", "[http] max_body: \"5\" will not do"),
        ("CLICKSPOOL_HTTP_MAX_BDY", "5KiB",
         'unknown key "max_bdy" in [http]: did you mean "max_body"?'),
        ("CLICKSPOOL_AUTH_ISSUER", "a", "[auth] issuer: an issuer is an URL"),
    ],
)  # fmt: skip
def test_a_fault_of_the_environment_is_told(
    shop: Site, name: str, value: str, told: str
) -> None:
    done = run(shop, "", "--check", env={name: value})
    assert done.returncode == 78
    assert f"environment: {told}" in done.stderr


def test_a_good_file_is_told_so(shop: Site) -> None:
    text = (
        "# comments\n; of both kinds\n[http]\nmax_body = 512KiB ; behind\n"
        "  header_timeout=500ms\n[spool]\ndir = \"/tmp/a # b\"\r\n"
        "[http]\nidle_timeout = 2m # again\n"
        "[auth]\nuser_pool_id = eu-west-1_Ab1\nclient_ids = web\n"
    )  # fmt: skip
    done = run(shop, text, "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("my.conf: the configuration is good\n")
    done = run(shop, text, "--print-config")
    conf = f"{shop.folder}/my.conf"
    for row in (
        f"max_body = 512KiB  ; {conf}:4",
        f"header_timeout = 500ms  ; {conf}:5",
        f'dir = "/tmp/a # b"  ; {conf}:7',
        f"idle_timeout = 2m  ; {conf}:9",
        "body_timeout = 15s  ; default",
    ):
        assert row in done.stdout.splitlines()


def test_doubts_are_warnings(shop: Site) -> None:
    text = (
        "[listen]\npublic = 0.0.0.0:8080 127.0.0.1:8081\n[cors]\norigins = *\n"
    )
    done = run(shop, text, "--check")
    assert done.returncode == 0
    rows = done.stderr.splitlines()
    assert len(rows) == 3 and all(row.startswith("warning: ") for row in rows)
    assert ':2: [listen] public: "0.0.0.0:8080" can be reached' in done.stderr
    assert ':4: [cors] origins: "*" lets every page' in done.stderr
    assert "[auth] user_pool_id: without an issuer no token is" in done.stderr


def test_the_environment_overrides_the_file(shop: Site) -> None:
    env = {"CLICKSPOOL_LOG_LEVEL": "debug", "CLICKSPOOL_HTTP_MAX_BODY": "1MiB"}
    done = run(shop, "[log]\nlevel = error\n", "--print-config", env=env)
    assert done.returncode == 0
    assert "level = debug  ; environment" in done.stdout.splitlines()
    assert "max_body = 1MiB  ; environment" in done.stdout.splitlines()


def test_what_is_printed_can_be_read_again(shop: Site) -> None:
    first = run(shop, "[http]\nmax_body = 1MiB\n", "--print-config").stdout
    second = run(shop, first, "--print-config").stdout

    def values(text: str) -> list[str]:
        return [row.partition("  ; ")[0] for row in text.splitlines()]

    assert values(first) == values(second)
    assert first.count("[http]") == 1


def test_a_secret_in_a_url_is_masked(shop: Site) -> None:
    text = "[aws]\nendpoint_url = https://user:s3cr3t@aws.example/\n"
    done = run(shop, text, "--print-config")
    assert "s3cr3t" not in done.stdout + done.stderr
    assert "@aws.example/" in done.stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[http]\n\0", "there is a NUL byte in the file"),
        (b"[http]\n" + b"#" * (1 << 20), "cannot be read"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_file(shop: Site, content: bytes | None, told: str) -> None:
    path = Path(shop.folder / "odd.conf")
    if content is not None:
        path.write_bytes(content)
    done = shop.run(PROGRAM, "--config", str(path), "--check")
    assert done.returncode == 78
    assert f"{path}:1: {told}" in done.stderr


def test_usage(shop: Site) -> None:
    for args in (["--bogus"], ["word"], ["--config"]):
        done = shop.run(PROGRAM, *args)
        assert (done.returncode, done.stdout) == (64, "")
        assert done.stderr
    done = shop.run(PROGRAM, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for option in ("--config", "--check", "--print-config", "--help", "--version"):
        assert option in done.stdout
    done = shop.run(PROGRAM, "--version")
    assert re.fullmatch(r"clickspool-ingest \d+\.\d+\.\d+\n", done.stdout)
