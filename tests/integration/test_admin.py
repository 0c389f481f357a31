"""/metrics, /readyz and /status on the admin address."""

import re
from pathlib import Path
from typing import Any

import pytest
from support.ask import check_problem, event
from support.daemons import MakeSite, Site
from support.http import Response, request
from support.standin import StandIn
from support.wait import wait_until

# The names that operators build their boards on.
INGEST = """
http_requests_total http_request_duration_seconds http_connections
http_parse_errors_total events_accepted_total events_rejected_total
events_duplicate_total auth_results_total keys_age_seconds uploads_total
rate_limited_total tls_certificate_not_after_timestamp_seconds
spool_commit_duration_seconds spool_sync_duration_seconds spool_commit_entries
spool_errors_total spool_bytes spool_limit_bytes spool_unshipped_bytes
spool_segments spool_oldest_unshipped_timestamp_seconds shipper_up build_info
config_last_reload_successful
""".split()
SHIPPER = """
ship_events_total ship_requests_total ship_request_duration_seconds
ship_batch_events ship_batch_bytes ship_compressed_bytes_total
ship_retries_total ship_lag_seconds ship_last_success_timestamp_seconds
dead_letters_total ambiguous_batches_total
credentials_expiry_timestamp_seconds secret_last_success_timestamp_seconds
clock_offset_seconds
""".split()
PROCESS = """
process_cpu_seconds_total process_resident_memory_bytes process_open_fds
process_max_fds process_start_time_seconds process_virtual_memory_bytes
""".split()

_SAMPLE = re.compile(
    r'([a-z_][a-z0-9_]*)(\{(?:[a-z_]+="[^"\\\n]*",?)+\})? '
    r"(-?[0-9.]+(?:e[+-]?\d+)?|\+Inf)"
)
Samples = dict[str, float]


def get(site: Site, path: str, **headers: str) -> Response:
    return request(
        site.ingest.admin_port, "GET", path, b"", {"Host": "localhost"} | headers
    )


def scrape(site: Site) -> Samples:
    """Every sample by name and labels, from text that is well formed: each
    family has its HELP and TYPE once, in front of all its samples."""
    answer = get(site, "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples: Samples = {}
    families: list[str] = []
    for line in answer.body.decode().splitlines():
        if line.startswith("# HELP "):
            families.append(line.split()[2])
        elif line.startswith("# TYPE "):
            name, kind = line.split()[2:4]
            assert name == families[-1]
            assert kind in ("counter", "gauge", "histogram")
            assert (kind == "counter") == name.endswith("_total")
        else:
            sample = _SAMPLE.fullmatch(line)
            assert sample, line
            family = re.sub(r"_(bucket|sum|count)$", "", sample[1])
            assert families[-1] in (family, sample[1]), line
            label = sample[1] + (sample[2] or "")
            assert label not in samples, line
            samples[label] = float(sample[3])
    assert len(families) == len(set(families))
    return samples


def names(samples: Samples) -> set[str]:
    return {re.sub(r"(_bucket|_sum|_count)?(\{.*)?$", "", name) for name in samples}


@pytest.fixture
def shop(site: Site) -> Site:
    site.ingest.start()
    return site


def test_every_series_is_there_from_the_start(shop: Site) -> None:
    shop.shipper.start()
    wait_until(lambda: scrape(shop)["clickspool_shipper_up"] == 1)
    samples = scrape(shop)
    wanted = {f"clickspool_{name}" for name in (*INGEST, *SHIPPER)} | set(PROCESS)
    assert wanted <= names(samples)
    for program in ("ingest", "shipper"):
        assert samples[f'process_resident_memory_bytes{{program="{program}"}}'] > 1e6
        assert samples[f'process_open_fds{{program="{program}"}}'] > 3
        assert samples[f'process_start_time_seconds{{program="{program}"}}'] > 1.7e9
    assert samples['clickspool_events_accepted_total{event="page_view",'
                   'login_state="guest"}'] == 0  # fmt: skip


def test_counters_move_by_what_was_done(shop: Site, cloud: StandIn) -> None:
    shop.shipper.start()
    before = scrape(shop)
    known = event(eventId="0b8e4c6a-7d1f-4a52-9c3e-2f1d5b6a7c8d")
    assert shop.ingest.post([known, event(), {**event(), "eventName": "x"}]).status == 202
    assert shop.ingest.post(known).json()["duplicates"] == 1
    assert shop.ingest.post(b"{").status == 400
    after = scrape(shop)

    def moved(name: str) -> float:
        return after[f"clickspool_{name}"] - before[f"clickspool_{name}"]

    assert moved('events_accepted_total{event="page_view",login_state="guest"}') == 2
    assert moved("events_duplicate_total") == 1
    assert moved('events_rejected_total{code="unknown_event"}') == 1
    assert moved('http_requests_total{route="/events",method="POST",code="202"}') == 2
    assert moved('http_requests_total{route="/events",method="POST",code="400"}') == 1
    assert moved('http_request_duration_seconds_count{route="/events"}') == 3
    assert after["clickspool_spool_segments"] >= 1
    delivered = 'clickspool_ship_events_total{result="delivered"}'
    wait_until(lambda: scrape(shop).get(delivered) == 2, timeout=20)
    shipped = scrape(shop)
    assert shipped['clickspool_ship_requests_total{code="OK"}'] == 1
    assert shipped["clickspool_ship_batch_events_sum"] == 2
    assert shipped["clickspool_ship_last_success_timestamp_seconds"] > 1.7e9
    wait_until(
        lambda: scrape(shop)["clickspool_spool_oldest_unshipped_timestamp_seconds"] == 0
    )


def test_no_label_is_a_clients(shop: Site) -> None:
    hostile = 'x"} 1\nevil_total 7\n'
    shop.ingest.post(event(eventName=hostile, clientId="c" * 8))
    request(shop.ingest.port, "POST", "/no/such", b"{}", {"X-Request-Id": "evil"})
    request(shop.ingest.port, "BREW", "/events")
    text = get(shop, "/metrics").body.decode()
    assert "evil" not in text
    assert "/no/such" not in text
    assert "BREW" not in text
    scrape(shop)


def test_shippers_figures_outlive_it(shop: Site) -> None:
    assert scrape(shop)["clickspool_shipper_up"] == 0
    shop.shipper.start()
    wait_until(lambda: scrape(shop)["clickspool_shipper_up"] == 1)
    assert shop.shipper.stop() == 0
    assert 'clickspool_ship_events_total{result="dead"}' in scrape(shop)


def test_a_bad_reload_shows(shop: Site) -> None:
    name = 'clickspool_config_last_reload_successful{program="ingest"}'
    assert scrape(shop)[name] == 1
    shop.configure({"log": {"level": "loud"}})
    shop.write_config()
    shop.ingest.hang_up()
    assert scrape(shop)[name] == 0
    shop.configure({"log": {"level": "info"}})
    shop.write_config()
    shop.ingest.hang_up()
    assert scrape(shop)[name] == 1


def checks(answer: Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/health+json"
    told = answer.json()["checks"]
    return {name: check[0]["status"] for name, check in told.items()}


def test_ready_and_all_is_well(shop: Site) -> None:
    shop.configure({"uploads": {"bucket": "shop-images"}})
    shop.shipper.start()
    wait_until(lambda: get(shop, "/readyz").json()["status"] == "pass", timeout=20)
    answer = get(shop, "/readyz")
    assert answer.status == 200
    assert set(checks(answer).values()) == {"pass"}


def test_ready_with_doubts(shop: Site) -> None:
    answer = get(shop, "/readyz")
    assert (answer.status, answer.json()["status"]) == (200, "warn")
    told = checks(answer)
    assert told["broker:connection"] == told["shipper:process"] == "warn"
    assert told["uploads:key"] == "warn"
    assert answer.json()["checks"]["uploads:key"][0]["output"]


def test_not_ready_without_room(make_site: MakeSite) -> None:
    site = make_site({"spool": {"min_free": "16384GiB"}})
    site.ingest.start()
    answer = get(site, "/readyz")
    assert (answer.status, answer.json()["status"]) == (503, "fail")
    assert checks(answer)["spool:room"] == "fail"
    assert "min_free" in answer.json()["checks"]["spool:room"][0]["output"]
    assert get(site, "/healthz").status == 200


def test_status_is_for_people(shop: Site) -> None:
    shop.shipper.start()
    shop.ingest.post([event(), event()])
    wait_until(lambda: get(shop, "/status").json()["shipper"] is not None)
    told = get(shop, "/status").json()
    assert told["accepted"] == 2
    assert told["version"]
    assert told["commits"]["count"] >= 1
    assert told["broker"] is True
    assert told["shipper"]["version"] == 1


def test_the_admin_address_looks_at_host(shop: Site) -> None:
    for path in ("/metrics", "/readyz", "/status"):
        check_problem(get(shop, path, Host="evil.example"), 403, "forbidden")
        assert request(shop.ingest.port, "GET", path).status == 404


def test_the_names_are_those_that_are_documented() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
    told = set(re.findall(r"`([a-z_]+)(?:\{[a-z_,]*\})?`", page.read_text()))
    assert {*INGEST, *SHIPPER} <= told

