"""Who is calling: tokens, keys and the entries that tell of them."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ask import check_problem, count, event, post_bytes
from support.daemons import MakeSite, Site
from support.http import RawClient, Response
from support.issuer import Issuer
from support.spool import read_spool
from support.tokens import (
    CLIENT,
    ISSUER,
    Key,
    access_token,
    encode,
    hmac_token,
    id_claims,
    token,
    unsigned_token,
)
from support.wait import wait_until

GUEST = {"userLoginState": "guest", "identitySource": "client"}
HOUR = 3600


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def with_auth(issuer: Issuer, **auth: str) -> dict[str, dict[str, Any]]:
    usual = {"issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT}
    return {"auth": usual | auth}


def auth_entries(site: Site) -> list[dict[str, Any]]:
    return [e.obj for e in read_spool(site.spool) if e.obj["logCategory"] == "auth"]


@pytest.fixture(scope="module")
def key() -> Key:
    return Key("one+/=")


@pytest.fixture(scope="module")
def issuer(key: Key) -> Iterator[Issuer]:
    with Issuer(Key("other", which=1), key) as running:
        yield running


@pytest.fixture(scope="module")
def shop(build: Path, issuer: Issuer) -> Iterator[Site]:
    """Both daemons; AWS is away, which is nothing to tokens."""
    config = with_auth(issuer) | {"aws": {"endpoint_url": "http://127.0.0.1:1"}}
    with Site(build, config) as site:
        site.shipper.start()
        site.ingest.start()
        yield site


def ready(site: Site, key: Key) -> None:
    """Until ingest has keys."""
    wait_until(
        lambda: site.ingest.post(event(), bearer(token(key))).status != 503, timeout=20
    )


@pytest.mark.parametrize("make", [token, access_token])
def test_a_good_token_gives_its_identity(
    shop: Site, key: Key, make: Callable[..., str]
) -> None:
    ready(shop, key)
    answer = shop.ingest.post(event(userId="mallory"), bearer(make(key, sub="u-1")))
    assert answer.status == 202
    assert answer.json()["identity"] == "cognito"
    [entry] = [
        e.obj
        for e in read_spool(shop.spool)
        if e.event_id == answer.json()["eventIds"][0]
    ]
    assert entry["userId"] == "u-1"
    assert entry["userLoginState"] == "authenticated"
    assert entry["identitySource"] == "cognito"


def test_without_a_token_one_is_a_guest(shop: Site, key: Key) -> None:
    ready(shop, key)
    for headers in ({}, {"Authorization": "Basic YTpi"}):
        answer = shop.ingest.post(event(userId="u-1"), headers)
        assert answer.json()["identity"] == "client"
        [entry] = [
            e.obj
            for e in read_spool(shop.spool)
            if e.event_id == answer.json()["eventIds"][0]
        ]
        assert "userId" not in entry
        assert entry | GUEST == entry


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
def test_the_scheme_is_read_in_any_case(shop: Site, key: Key, scheme: str) -> None:
    ready(shop, key)
    headers = {"Authorization": f"{scheme} {token(key)}"}
    assert shop.ingest.post(event(), headers).json()["identity"] == "cognito"


def now() -> int:
    return int(time.time())


def renamed(key: Key) -> Key:
    """Another's key under the id of ours."""
    return Key(key.kid, which=2)


BAD: dict[str, tuple[str, Callable[[Key], str]]] = {
    "none": ("malformed", unsigned_token),
    "hs256": ("algorithm", lambda k: hmac_token(k, k.pem())),
    "foreign signature": ("signature", lambda k: token(renamed(k))),
    "foreign kid": ("unknown_key", lambda k: token(Key("nobody", which=2))),
    "jku": (
        "signature",
        lambda k: encode(
            renamed(k),
            json.dumps(id_claims()).encode(),
            {"alg": "RS256", "kid": k.kid, "jku": "http://127.0.0.1:1/"},
        ),
    ),
    "x5u": (
        "signature",
        lambda k: encode(
            renamed(k),
            json.dumps(id_claims()).encode(),
            {"alg": "RS256", "kid": k.kid, "x5u": "http://127.0.0.1:1/"},
        ),
    ),
    "no kid": ("header", lambda k: encode(k, b"{}", {"alg": "RS256"})),
    "expired": ("expired", lambda k: token(k, exp=now() - 61)),
    "not yet valid": ("not_yet_valid", lambda k: token(k, nbf=now() + 90)),
    "from the future": ("not_yet_valid", lambda k: token(k, iat=now() + 90)),
    "no expiry": ("payload", lambda k: token(k, exp=None)),
    "expiry as text": ("payload", lambda k: token(k, exp=str(now() + HOUR))),
    "negative expiry": ("payload", lambda k: token(k, exp=-1)),
    "huge expiry": ("payload", lambda k: token(k, exp=2**60)),
    "issuer": ("issuer", lambda k: token(k, iss=ISSUER + "/")),
    "issuer in a list": ("issuer", lambda k: token(k, iss=[ISSUER])),
    "audience": ("audience", lambda k: token(k, aud="another-app")),
    "no audience": ("audience", lambda k: token(k, aud=None)),
    "client of an access token": (
        "audience",
        lambda k: access_token(k, client_id=None, aud=CLIENT),
    ),
    "use": ("token_use", lambda k: token(k, token_use="refresh")),
    "no use": ("token_use", lambda k: token(k, token_use=None)),
    "no subject": ("subject", lambda k: token(k, sub="")),
    "long subject": ("subject", lambda k: token(k, sub="s" * 129)),
    "groups as text": ("groups", lambda k: token(k, **{"cognito:groups": "xadminx"})),
    "payload": ("payload", lambda k: encode(k, b"[]")),
    "a claim twice": (
        "payload",
        lambda k: encode(k, b'{"exp":1,' + json.dumps(id_claims()).encode()[1:]),
    ),
    "not utf-8": ("payload", lambda k: encode(k, b'{"a":"\xff"}')),
    "rubbish": ("malformed", lambda k: "rubbish"),
    "empty": ("malformed", lambda k: ""),
    "five parts": ("malformed", lambda k: "e30.e30.e30.e30.e30"),
    "long": ("too_long", lambda k: token(k, more="m" * 6500)),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_refused(
    make_site: MakeSite, issuer: Issuer, key: Key, name: str
) -> None:
    reason, make = BAD[name]
    site = make_site(with_auth(issuer))
    site.shipper.start()
    site.ingest.start()
    ready(site, key)
    before = count(site)

    answer = site.ingest.post(event(), bearer(make(key)))
    code = "token_expired" if reason == "expired" else "invalid_token"
    problem = check_problem(answer, 401, code)
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert reason not in json.dumps(problem) or reason == "expired"

    wait_until(lambda: count(site) == before + 1)  # the refusal's own entry
    entry = auth_entries(site)[-1]
    assert entry["action"] == "token"
    assert entry["outcome"] == "failure"
    assert entry["reason"] == reason
    assert entry["statusCode"] == 401
    assert entry["requestId"] == problem["requestId"]
    assert f"reason={reason}" in site.ingest.stderr()


def test_a_minute_of_skew_is_forgiven(shop: Site, key: Key) -> None:
    ready(shop, key)
    for claims in ({"exp": now() - 50}, {"nbf": now() + 50}, {"iat": now() + 50}):
        answer = shop.ingest.post(event(), bearer(token(key, **claims)))
        assert answer.status == 202, claims


def test_two_tokens_are_no_token(shop: Site, key: Key) -> None:
    ready(shop, key)
    good = token(key)
    fields = f"Authorization: Bearer {good}\r\nAuthorization: Bearer {good}\r\n"
    sent = post_bytes().replace(b"\r\n\r\n", b"\r\n" + fields.encode() + b"\r\n", 1)
    with RawClient(shop.ingest.port) as client:
        client.send(sent)
        check_problem(client.read(), 401, "invalid_token")


def test_a_token_in_the_query_is_nobody(shop: Site, key: Key) -> None:
    ready(shop, key)
    with RawClient(shop.ingest.port) as client:
        path = f"/events?access_token={token(key)[:1500]}".encode()
        client.send(post_bytes().replace(b"/events", path, 1))
        assert client.read().json()["identity"] == "client"


def test_success_is_told_once_a_token(
    make_site: MakeSite, issuer: Issuer, key: Key
) -> None:
    site = make_site(with_auth(issuer))
    site.shipper.start()
    site.ingest.start()
    ready(site, key)
    text = token(key, sub="u-7")
    for _ in range(5):
        assert site.ingest.post(event(), bearer(text)).status == 202
    mine = [e for e in auth_entries(site) if e.get("userId") == "u-7"]
    assert [e["outcome"] for e in mine] == ["success"]


def test_an_address_writes_few_refusals(
    make_site: MakeSite, issuer: Issuer, key: Key
) -> None:
    site = make_site(with_auth(issuer))
    site.shipper.start()
    site.ingest.start()
    ready(site, key)
    for _ in range(50):
        assert site.ingest.post(event(), bearer("rubbish")).status == 401
    wait_until(lambda: len(auth_entries(site)) >= 6)  # ready()'s success first
    assert site.ingest.post(event()).status == 202
    failures = [e for e in auth_entries(site) if e["outcome"] == "failure"]
    assert len(failures) == 5
    headers = bearer("rubbish") | {"X-Forwarded-For": "203.0.113.9"}
    assert site.ingest.post(event(), headers).status == 401
    wait_until(lambda: len(auth_entries(site)) == 7)


def test_no_issuer_no_token(make_site: MakeSite, key: Key) -> None:
    site = make_site()
    site.ingest.start()
    answer = site.ingest.post(event(), bearer(token(key)))
    check_problem(answer, 401, "invalid_token")
    assert count(site) == 0


# Keys


def test_without_keys_a_token_waits_for_later(
    make_site: MakeSite, issuer: Issuer, key: Key
) -> None:
    site = make_site(with_auth(issuer))
    site.ingest.start()
    check_problem(
        site.ingest.post(event(), bearer(token(key))), 503, "keys_unavailable"
    )
    assert site.ingest.post(event()).status == 202
    site.shipper.start()
    ready(site, key)
    assert site.ingest.post(event(), bearer(token(key))).status == 202


def test_a_restart_without_shipper_knows_the_keys(
    make_site: MakeSite, issuer: Issuer, key: Key
) -> None:
    site = make_site(with_auth(issuer))
    site.shipper.start()
    site.ingest.start()
    ready(site, key)
    assert site.shipper.stop() == 0
    site.ingest.restart()
    assert site.ingest.post(event(), bearer(token(key))).status == 202
    foreign = bearer(token(Key("nobody", which=2)))
    check_problem(site.ingest.post(event(), foreign), 503, "keys_unavailable")


@pytest.mark.parametrize("kept", [b"", b"{", b'{"v":1,"issuer":"x","keys":[]}'])
def test_kept_keys_that_are_none(
    make_site: MakeSite, issuer: Issuer, key: Key, kept: bytes
) -> None:
    site = make_site(with_auth(issuer))
    (site.folder / "state" / "keyset.json").write_bytes(kept)
    site.ingest.start()
    assert "keyset_not_read" in site.ingest.stderr()
    answer = site.ingest.post(event(), bearer(token(key)))
    check_problem(answer, 503, "keys_unavailable")


def test_a_rotation_is_taken_and_the_old_key_is_not(make_site: MakeSite) -> None:
    old, new = Key("old"), Key("new", which=1)
    with Issuer(old) as issuer:
        site = make_site(with_auth(issuer))
        site.shipper.start()
        site.ingest.start()
        ready(site, old)
        kept = token(old)
        assert site.ingest.post(event(), bearer(kept)).status == 202
        issuer.rotate(new)

        answers: list[Response] = []

        def taken() -> bool:
            answers.append(site.ingest.post(event(), bearer(token(new))))
            return answers[-1].status == 202

        wait_until(taken, timeout=25, every=0.5)
        assert {answer.status for answer in answers} <= {202, 401}
        check_problem(
            site.ingest.post(event(), bearer(kept)), 401, "invalid_token"
        )


def test_unknown_keys_cost_one_fetch_a_penalty(make_site: MakeSite) -> None:
    key = Key()
    with Issuer(key) as issuer:
        site = make_site(with_auth(issuer))
        site.shipper.start()
        site.ingest.start()
        ready(site, key)
        stranger = Key("x", which=2)
        began, fetches = time.monotonic(), len(issuer.fetches)
        for number in range(300):
            stranger.kid = f"random-{number}"
            answer = site.ingest.post(event(), bearer(token(stranger)))
            check_problem(answer, 401, "invalid_token")
        passed = time.monotonic() - began
        assert len(issuer.fetches) - fetches <= passed / 10 + 1
        assert site.ingest.post(event(), bearer(token(key))).status == 202


def test_a_request_waits_for_the_key_it_needs(make_site: MakeSite) -> None:
    """A slow issuer: requests behind the one that waits come after it, and a
    guest on another connection does not wait."""
    old, new = Key("old"), Key("new", which=1)
    with Issuer(old) as issuer:
        site = make_site(with_auth(issuer))
        site.shipper.start()
        site.ingest.start()
        ready(site, old)
        wait_until(lambda: time.monotonic() - issuer.fetches[-1] > 10.5, timeout=20)
        issuer.rotate(old, new)
        issuer.delay = 1.0
        with RawClient(site.ingest.port) as client:
            client.send(post_bytes(Authorization=f"Bearer {token(new)}"))
            client.send(post_bytes())
            assert site.ingest.post(event()).status == 202
            identities = [client.read().json()["identity"] for _ in range(2)]
        assert identities == ["cognito", "client"]


def test_who_waits_may_leave(make_site: MakeSite) -> None:
    old = Key("old")
    with Issuer(old) as issuer:
        site = make_site(with_auth(issuer))
        site.shipper.start()
        site.ingest.start()
        ready(site, old)
        wait_until(lambda: time.monotonic() - issuer.fetches[-1] > 10.5, timeout=20)
        issuer.delay = 2.0
        foreign = token(Key("nobody", which=2))
        for _ in range(5):
            with RawClient(site.ingest.port) as client:
                client.send(post_bytes(Authorization=f"Bearer {foreign}"))
        with RawClient(site.ingest.port) as client:
            client.send(post_bytes(Authorization=f"Bearer {foreign}"))
            check_problem(client.read(), 401, "invalid_token")
        assert site.ingest.stop() == 0


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (301, b""),
        (200, b"<html>"),
        (200, b'{"keys":[]}'),
        (200, b'{"keys":[' + b" " * 70_000 + b"]}"),
    ],
)
def test_a_bad_answer_keeps_the_last_keys(
    make_site: MakeSite, status: int, body: bytes
) -> None:
    key = Key()
    with Issuer(key) as issuer:
        site = make_site(with_auth(issuer))
        site.shipper.start()
        site.ingest.start()
        ready(site, key)
        issuer.status, issuer.body = status, body
        wait_until(lambda: time.monotonic() - issuer.fetches[-1] > 10.5, timeout=20)
        foreign = bearer(token(Key("nobody", which=2)))
        check_problem(site.ingest.post(event(), foreign), 401, "invalid_token")
        wait_until(lambda: len(issuer.fetches) > 1)
        assert site.ingest.post(event(), bearer(token(key))).status == 202
        assert "keys_not_fetched" in site.shipper.stderr()
