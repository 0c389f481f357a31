"""clickspoolctl status: what the running daemons tell of themselves."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from support.certs import make
from support.daemons import MakeSite, Site
from support.shop import batch
from support.wait import wait_until

WIDTH = 80


def told(site: Site) -> dict[str, Any]:
    done = site.ctl("status", "--json")
    assert done.returncode == 0, done.stderr
    one: dict[str, Any] = json.loads(done.stdout)
    return one


def rows(site: Site) -> dict[str, str]:
    """The screen, by label."""
    lines = site.ctl("status").stdout.splitlines()[1:]
    return {line[2:15].strip(): line[16:] for line in lines if line[2:15].strip()}


def test_ingest_tells_rates_and_latencies(site: Site) -> None:
    site.ingest.start()
    site.ingest.post(batch(3))
    wait_until(lambda: told(site)["ingest"]["commits"], 30)  # a step of ten seconds
    ingest = told(site)["ingest"]
    assert ingest["lastHour"]["product_view"] == 3
    assert ingest["uptimeSeconds"] > 0
    for name in ("requests", "commits"):
        assert 0 < ingest[name]["p50Us"] <= ingest[name]["p99Us"]
    assert all(len(line) <= WIDTH for line in site.ctl("status").stdout.splitlines())
    shown = rows(site)
    assert f"running, {ingest['version']}, up " in shown["ingest"]
    assert shown["last hour"] == "product_view 3"
    assert "requests p50 " in shown["latency"] and "commits p50 " in shown["latency"]


def test_an_ingest_that_does_not_answer_is_no_failure(site: Site) -> None:
    site.ingest.start()
    site.configure({"listen": {"admin": "127.0.0.1:1"}})  # it is not there
    site.write_config()
    assert told(site)["ingest"] == {"running": True}
    assert "port 1 " in rows(site)["figures"]


def test_what_runs_out(make_site: MakeSite) -> None:
    site = make_site({"uploads": {"bucket": ""}})
    files = make(site.folder)
    site.configure({"tls": {"certificate": files.certificate, "key": files.key}})
    ends, read = time.time() + 3600, time.time() - 90
    family = "clickspool_secret_last_success_timestamp_seconds"
    (site.spool / "shipper.metrics").write_text(
        f"clickspool_credentials_expiry_timestamp_seconds {ends:.3f}\n"
        f'{family}{{secret="app_config"}} {read:.3f}\n'
        f'{family}{{secret="db_password"}} 0\n'
    )
    status = told(site)
    until = datetime.fromisoformat(status["ends"]["credentials"])
    assert abs(until.timestamp() - ends) < 0.01
    assert datetime.fromisoformat(status["ends"]["certificate"]) > datetime.now(UTC)
    last = datetime.fromisoformat(status["secrets"]["app_config"])
    assert abs(last.timestamp() - read) < 0.01
    assert status["secrets"]["db_password"] is None
    shown = rows(site)
    assert ", for 59m " in shown["credentials"]
    assert shown["secrets"].startswith("app_config read 1m 3")
    assert shown["certificate"].startswith("until ")

    files.certificate.unlink()
    assert shown.keys() == rows(site).keys()
    assert rows(site)["certificate"] == "No such file or directory"
