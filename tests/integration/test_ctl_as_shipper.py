"""--as-shipper: root asks AWS with what the running shipper was given, and is
shipper's user from then on."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest
from support.daemons import MakeSite, Site
from support.standin import ACCESS_KEY, SECRET_KEY, StandIn
from support.wait import wait_until

OK, FINDINGS, USAGE, UNREACHABLE = 0, 1, 2, 3
NOBODY = 65534
CALLS = ("audit --cloudwatch", "cloudwatch", "insights", "trace", "doctor", "send")
CALLER = "AKIACALLERSOWN"
AS_NOBODY = (
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
)


@pytest.fixture
def shop(make_site: MakeSite, stream: StandIn) -> Iterator[Site]:
    """shipper has the keys that CloudWatch knows, the caller has others."""
    site = make_site()
    site.aws(stream)
    yield site


def becomes_caller(site: Site) -> None:
    site.env |= {"AWS_ACCESS_KEY_ID": CALLER, "AWS_SECRET_ACCESS_KEY": "caller's"}


def give_to_nobody(site: Site) -> None:
    """All of the site, and the way there."""
    site.write_config()
    for path in (site.folder, *site.folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    site.folder.chmod(0o755)


def keys_file(site: Site, text: str) -> None:
    """As systemd hands it over: readable to shipper alone."""
    folder = site.folder / "handed-over"
    folder.mkdir(mode=0o700)
    (folder / "logs").write_text(f"[default]\n{text}\n")
    (folder / "logs").chmod(0o400)
    site.shipper.env |= {
        "CREDENTIALS_DIRECTORY": os.fspath(folder),
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
    }


def test_the_environment_of_shipper_counts(shop: Site) -> None:
    shop.shipper.start()
    becomes_caller(shop)
    assert shop.ctl("cloudwatch").returncode == UNREACHABLE
    done = shop.ctl("cloudwatch", "--as-shipper", "--json")
    assert done.returncode == OK, done.stderr
    assert json.loads(done.stdout)["exists"] is True
    assert ACCESS_KEY not in done.stdout + done.stderr
    assert SECRET_KEY not in done.stdout + done.stderr


def test_so_does_what_systemd_handed_over(shop: Site) -> None:
    keys_file(
        shop,
        f"aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}",
    )
    shop.shipper.start()
    becomes_caller(shop)
    done = shop.ctl("cloudwatch", "--as-shipper")
    assert done.returncode == OK, done.stderr


def test_so_do_its_settings_and_no_other(shop: Site) -> None:
    shop.shipper.env["CLICKSPOOL_SHIPPER_LOG_GROUP"] = "/shippers/own"
    shop.shipper.start()
    shop.env["CLICKSPOOL_SHIPPER_LOG_GROUP"] = "/callers"
    shop.env["CLICKSPOOL_AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    done = shop.ctl("cloudwatch", "--as-shipper", "--json")
    assert done.returncode in (OK, FINDINGS), done.stderr
    assert json.loads(done.stdout)["group"] == "/shippers/own"


@pytest.mark.parametrize("command", ["cloudwatch", "audit --cloudwatch"])
def test_root_is_shipper_from_then_on(shop: Site, command: str) -> None:
    """A credential_process, which is shipper's to name, never runs as root."""
    told = shop.folder / "who"
    script = shop.folder / "keys.sh"
    answer = {
        "Version": 1,
        "AccessKeyId": ACCESS_KEY,
        "SecretAccessKey": SECRET_KEY,
    }
    script.write_text(
        f"grep -E '^(Uid|Gid|Groups):' /proc/self/status >> {told}\n"
        f"echo '{json.dumps(answer)}'\n"
    )
    keys_file(shop, f"credential_process = /bin/sh {script}")
    give_to_nobody(shop)
    # The socket of its notices is root's.
    shop.shipper.start(wrap=AS_NOBODY, wait=False)
    wait_until(lambda: told.exists() and (shop.folder / "broker.sock").exists())
    before = len(told.read_text().splitlines())
    becomes_caller(shop)
    done = shop.ctl(*command.split(), "--as-shipper")
    assert done.returncode == OK, done.stderr
    rows = [row.split() for row in told.read_text().splitlines()]
    assert len(rows) > before
    for name, *ids in rows:
        assert set(ids) <= {str(NOBODY)}, (name, ids)
        assert len(ids) == 4 or name == "Groups:"


@pytest.mark.parametrize("command", CALLS)
def test_without_shipper_nobody_is_asked(
    shop: Site, stream: StandIn, command: str
) -> None:
    """The caller's own keys do not stand in."""
    words = command.split()
    if words == ["insights"]:
        words.append("funnel")
    if words == ["trace"]:
        words.append("0199c2a4-5f0e-7cc1-9c40-0d52a7b1e6f3")
    done = shop.ctl(*words, "--as-shipper")
    assert (done.returncode, done.stdout) == (UNREACHABLE, "")
    assert "shipper does not listen" in done.stderr
    assert "start it" in done.stderr
    assert stream.calls() == []


def test_who_is_not_root_is_told(shop: Site) -> None:
    shop.shipper.start()
    give_to_nobody(shop)
    program = os.fspath(shop.build / "shipper" / "clickspoolctl")
    done = subprocess.run(
        [*AS_NOBODY, program, "--config", shop.conf, "cloudwatch", "--as-shipper"],
        capture_output=True,
        text=True,
        env=shop.environment(),
        check=False,
    )
    assert (done.returncode, done.stdout) == (UNREACHABLE, ""), done
    assert "is for root" in done.stderr and "sudo" in done.stderr


def test_only_what_calls_aws_has_it(shop: Site) -> None:
    for command in CALLS:
        assert "--as-shipper" in shop.ctl(*command.split(), "--help").stdout
    for command in ("ls", "tail", "status", "verify"):
        assert "--as-shipper" not in shop.ctl(command, "--help").stdout
        assert shop.ctl(command, "--as-shipper").returncode == USAGE
