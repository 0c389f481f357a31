"""Signatures of tokens: public vectors and our own, through jwt_probe."""

import json
import random
import string
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.tokens import Key, access_token, b64, encode, key_set, token

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "jws"
UNDECIDED = {367, 370, 372, 373}  # their labels contradict their own texts

needs_vectors = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="no vectors beside the project"
)
Verify = Callable[[Any, str], bool]


@pytest.fixture(scope="module")
def verify(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verify]:
    path = tmp_path_factory.mktemp("keys") / "jwks.json"

    def run(jwks: Any, text: str) -> bool:
        path.write_text(jwks if isinstance(jwks, str) else json.dumps(jwks))
        done = subprocess.run(
            [build / "tests" / "jwt_probe", path, text],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1, 2), done.stderr
        return done.returncode == 0

    yield run


def groups(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["testGroups"]
    return found


def keys_of(group: dict[str, Any]) -> dict[str, Any]:
    key = group.get("public") or group["private"]
    return key if "keys" in key else {"keys": [key]}


def takes_rs256(group: dict[str, Any]) -> bool:
    [key] = keys_of(group)["keys"][:1]
    return key["kty"] == "RSA" and key.get("alg") in ("RS256", None)


@needs_vectors
def test_signatures_as_labelled(verify: Verify) -> None:
    judged, wrong = {"valid": 0, "invalid": 0}, []
    for group in groups("json_web_signature_test.json"):
        for case in group["tests"]:
            if case["tcId"] in UNDECIDED or not isinstance(case["jws"], str):
                continue
            good = takes_rs256(group) and case["result"] == "valid"
            judged["valid" if good else "invalid"] += 1
            if verify(keys_of(group), case["jws"]) != good:
                wrong.append((case["tcId"], case["comment"], case["result"]))
    assert not wrong
    assert judged["valid"] >= 8
    assert judged["invalid"] >= 380


@needs_vectors
@pytest.mark.parametrize("name", ["json_web_key_test.json", "json_web_crypto_test.json"])
def test_keys_as_labelled(verify: Verify, name: str) -> None:
    judged, wrong = 0, []
    for group in groups(name):
        for case in group["tests"]:
            text = case.get("jws")
            if not isinstance(text, str) or "roca" in case["comment"].lower():
                continue
            rsa = any(
                key["kty"] == "RSA" and key.get("alg") in ("RS256", None)
                for key in keys_of(group)["keys"]
            )
            good = rsa and case["result"] == "valid"
            judged += 1
            if verify(keys_of(group), text) != good:
                wrong.append((case["tcId"], case["comment"], case["result"]))
    assert not wrong
    assert judged > 3


@needs_vectors
def test_the_examples_of_the_rfc(verify: Verify) -> None:
    examples = json.loads((VECTORS / "rfc7515-examples.json").read_text())
    found = {}
    for example in examples:
        keys = [example["jwk"]] if example["jwk"] else []
        found[example["id"]] = verify({"keys": keys}, example["jws"])
    assert found == {e["id"]: e["alg"] == "RS256" for e in examples}
    assert True in found.values()


@pytest.fixture(scope="module")
def key() -> Key:
    return Key()


def test_good_tokens(verify: Verify, key: Key) -> None:
    other = Key(which=1)
    assert verify(key_set(other, key), token(key))
    assert verify(key_set(key, other), access_token(key))
    assert not verify(key_set(other), token(key))


def test_no_character_can_be_changed(verify: Verify, key: Key) -> None:
    rng, good = random.Random(7), token(key)
    letters = string.ascii_letters + string.digits + "-_.=+/ \n"
    for _ in range(150):
        at = rng.randrange(len(good))
        letter = rng.choice([c for c in letters if c != good[at]])
        assert not verify(key_set(key), good[:at] + letter + good[at + 1 :])
    for odd in (good + "A", good + ".", "." + good, good[:-1], good + "=", " " + good):
        assert not verify(key_set(key), odd)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RS256", "crit": ["exp"]},
        {"alg": "RS256", "b64": False},
        {"alg": "RS256", "zip": "DEF"},
        {"alg": "rs256"},
        {"alg": "RS256 "},
        {"alg": ["RS256"]},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "PS256"},
        {},
    ],
)
def test_headers_that_are_refused(
    verify: Verify, key: Key, header: dict[str, Any]
) -> None:
    assert not verify(key_set(key), encode(key, b"{}", {"kid": key.kid} | header))


def test_keys_that_the_header_brings_are_ignored(verify: Verify, key: Key) -> None:
    mine = Key(key.kid, which=2)
    for member in ({"jwk": mine.jwk()}, {"jku": "http://127.0.0.1:1/"}, {"x5u": "x"}):
        header = {"kid": key.kid, "alg": "RS256"} | member
        assert not verify(key_set(key), encode(mine, b"{}", header))
        assert verify(key_set(key), encode(key, b"{}", header))


def test_a_header_with_a_name_twice_is_refused(verify: Verify, key: Key) -> None:
    for more, good in (("", True), (',"alg":"RS256"', False)):
        header = f'{{"kid":"{key.kid}","alg":"RS256"{more}}}'
        signed = f"{b64(header.encode())}.{b64(b'{}')}"
        assert verify(key_set(key), f"{signed}.{key.sign(signed)}") == good


@pytest.mark.parametrize(
    "members",
    [
        {"kty": "EC"},
        {"use": "enc"},
        {"alg": "RS512"},
        {"key_ops": ["sign"]},
        {"e": "AQ"},
        {"e": "Ag"},
        {"n": "AQAB"},
        {"kid": 7},
    ],
)
def test_keys_that_are_not_for_this(
    verify: Verify, key: Key, members: dict[str, Any]
) -> None:
    assert not verify({"keys": [key.jwk(**members)]}, token(key))


def test_weak_and_double_keys(verify: Verify, key: Key) -> None:
    weak = Key("weak", which=3, bits=1024)
    assert not verify(key_set(weak), token(weak))
    assert not verify({"keys": [key.jwk(), Key(key.kid, which=1).jwk()]}, token(key))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys":{}}', '{"keys":[]', "null"])
def test_what_is_no_key_set(verify: Verify, key: Key, text: str) -> None:
    assert not verify(text, token(key))


def test_odd_entries_spoil_nothing(verify: Verify, key: Key) -> None:
    odd: list[Any] = [7, None, {}, {"kty": "oct", "k": "AA"}, {"kty": "RSA", "n": "!"}]
    assert verify({"keys": [*odd, key.jwk(), *odd]}, token(key))
