"""Who the client is: the peer, or what trusted proxies say, and nobody else."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ask import event, post_bytes, spooled, taken
from support.daemons import MakeSite, Site
from support.http import RawClient

# 127.0.0.1 and ::1 are trusted by default.
TRUSTED = "127.0.0.1/32 10.0.0.0/8 192.0.2.7 2001:db8:ffff::/48"
CLIENT_IP = "CloudFront-Viewer-Address"


@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    settings = {"trusted_proxies": TRUSTED, "client_ip_header": CLIENT_IP}
    with Site(build, {"http": settings}) as site:
        site.ingest.start()
        yield site


def source(site: Site, *fields: str) -> str:
    """The client of an event sent with these header lines."""
    more = "".join(f"{field}\r\n" for field in fields).encode("latin-1")
    sent = post_bytes().replace(b"\r\nHost:", b"\r\n" + more + b"Host:", 1)
    with RawClient(site.ingest.port) as client:
        client.send(sent)
        obj = spooled(site, taken(client.read()))[0].obj
    return str(obj["sourceIp"])


CHAINS = {
    # The peer alone, or one hop
    "": "127.0.0.1",
    "203.0.113.5": "203.0.113.5",
    " 203.0.113.5 ": "203.0.113.5",
    "203.0.113.5:4711": "203.0.113.5",
    "2001:db8::5": "2001:db8::5",
    "2001:DB8:0:0::5": "2001:db8::5",
    "[2001:db8::5]": "2001:db8::5",
    "[2001:db8::5]:4711": "2001:db8::5",
    "::ffff:203.0.113.5": "203.0.113.5",
    # The rightmost that is not trusted
    "198.51.100.1, 203.0.113.5": "203.0.113.5",
    "198.51.100.1,203.0.113.5,10.1.2.3": "203.0.113.5",
    "198.51.100.1, 203.0.113.5, 10.1.2.3, 192.0.2.7": "203.0.113.5",
    "203.0.113.5, 2001:db8:ffff:1::1": "203.0.113.5",
    "203.0.113.5, ::ffff:10.1.2.3": "203.0.113.5",
    "203.0.113.5, 192.0.2.8": "192.0.2.8",
    "203.0.113.5, 11.0.0.1, 10.0.0.1": "11.0.0.1",
    # All of them trusted: the leftmost
    "10.9.9.9, 10.1.2.3": "10.9.9.9",
    # What is no address ends the walk
    "unknown": "127.0.0.1",
    "_hidden, 10.1.2.3": "10.1.2.3",
    "203.0.113.5, evil, 10.1.2.3": "10.1.2.3",
    "203.0.113.5,": "127.0.0.1",
    "203.0.113.5, , 10.1.2.3": "10.1.2.3",
    "203.0.113.256": "127.0.0.1",
    "203.0.113": "127.0.0.1",
    "0x7f.1": "127.0.0.1",
    "1" * 200: "127.0.0.1",
    "203.0.113.5 10.1.2.3": "127.0.0.1",
    "<script>": "127.0.0.1",
    "203.0.113.5%eth0": "127.0.0.1",
}


@pytest.mark.parametrize("chain", CHAINS)
def test_the_nearest_address_that_is_no_proxy_is_the_client(
    shop: Site, chain: str
) -> None:
    assert source(shop, f"X-Forwarded-For: {chain}") == CHAINS[chain]


def test_fields_that_come_twice_are_one_list(shop: Site) -> None:
    fields = ["203.0.113.5", "198.51.100.1, 10.0.0.1", "10.0.0.2"]
    lines = [f"X-Forwarded-For: {field}" for field in fields]
    assert source(shop, *lines) == "198.51.100.1"
    assert source(shop, *lines[::2]) == "203.0.113.5"


def test_a_chain_without_an_end_is_not_walked_to_it(shop: Site) -> None:
    chain = ", ".join(["203.0.113.5", *["10.0.0.1"] * 500])
    assert source(shop, f"X-Forwarded-For: {chain}") == "10.0.0.1"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("203.0.113.9:46532", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("[2001:db8::9]:46532", "2001:db8::9"),
        ("2001:db8:0:0:0:0:0:9:46532", "2001:db8::9"),  # as CloudFront has it
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("nonsense", "198.51.100.1"),  # then as if it were not there
        ("", "198.51.100.1"),
    ],
)
def test_the_header_of_the_setting_goes_first(
    shop: Site, value: str, told: str
) -> None:
    forwarded = "X-Forwarded-For: 198.51.100.1"
    assert source(shop, f"{CLIENT_IP}: {value}", forwarded) == told
    assert source(shop, forwarded, f"{CLIENT_IP.lower()}: {value}") == told


def test_other_headers_say_nothing(shop: Site) -> None:
    assert source(
        shop,
        "Forwarded: for=203.0.113.5",
        "X-Real-IP: 203.0.113.5",
        "True-Client-IP: 203.0.113.5",
        "X-Client-IP: 203.0.113.5",
    ) == "127.0.0.1"


def test_a_peer_that_is_not_trusted_is_not_believed(make_site: MakeSite) -> None:
    settings = {"trusted_proxies": "10.0.0.0/8", "client_ip_header": CLIENT_IP}
    site = make_site({"http": settings})
    site.ingest.start()
    lines = ["X-Forwarded-For: 203.0.113.5", f"{CLIENT_IP}: 203.0.113.9"]
    for fields in (lines, lines[:1], lines[1:], lines * 2):
        assert source(site, *fields) == "127.0.0.1"
    [told] = re.findall(r".* event=forwarded_ignored .*", site.ingest.stderr())
    assert "127.0.0.1" not in told and "203.0.113" not in told


def test_nobody_is_believed_where_the_list_is_empty(make_site: MakeSite) -> None:
    site = make_site({"http": {"trusted_proxies": ""}})
    site.ingest.start()
    assert source(site, "X-Forwarded-For: 203.0.113.5") == "127.0.0.1"


def test_loopback_is_believed_by_default_and_the_header_is_not(
    make_site: MakeSite,
) -> None:
    site = make_site()
    site.ingest.start()
    assert source(site, "X-Forwarded-For: 203.0.113.5") == "203.0.113.5"
    assert source(site, f"{CLIENT_IP}: 203.0.113.9:1") == "127.0.0.1"


def test_a_reload_changes_who_is_believed(make_site: MakeSite) -> None:
    site = make_site({"http": {"trusted_proxies": "10.0.0.0/8"}})
    site.ingest.start()
    with RawClient(site.ingest.port) as client:  # stays open over the reload
        sent = post_bytes(X_Forwarded_For="203.0.113.5")
        client.send(sent)
        before = taken(client.read())
        site.configure({"http": {"trusted_proxies": "127.0.0.0/8"}})
        site.write_config()
        site.ingest.hang_up()
        client.send(sent)
        after = taken(client.read())
    told = [spooled(site, receipt)[0].obj["sourceIp"] for receipt in (before, after)]
    assert told == ["127.0.0.1", "203.0.113.5"]


@pytest.mark.parametrize(
    "word", ["10.0.0.0/33", "10.0.0/8", "::/129", "proxy.example", "10.0.0.1/a", "/8"]
)
def test_what_is_no_network_is_told_by_check(make_site: MakeSite, word: str) -> None:
    site = make_site({"http": {"trusted_proxies": f"127.0.0.1 {word}"}})
    done = site.run("ingest/clickspool-ingest", "--check")
    assert done.returncode == 78
    assert "trusted_proxies" in done.stderr and word in done.stderr


def test_privacy_is_applied_to_the_client_behind_the_proxy(
    make_site: MakeSite,
) -> None:
    site = make_site({"privacy": {"source_ip": "network"}})
    site.ingest.start()
    answer = site.ingest.post(
        [event(), event(clientId="anon-0001")], {"X-Forwarded-For": "203.0.113.5"}
    )
    known, anonymous = spooled(site, taken(answer, 2))
    assert known.obj["sourceIp"] == "203.0.113.0"
    assert "sourceIp" not in anonymous.obj
