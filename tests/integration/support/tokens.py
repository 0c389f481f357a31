"""Tokens as Cognito makes them: an issuer with RSA keys, and what a caller may
do to a token on its way."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ISSUER = "https://cognito-idp.ap-southeast-1.amazonaws.com/ap-southeast-1_AbCdEfGhI"
CLIENT = "shop-web-client"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64_json(value: Any) -> str:
    return b64(json.dumps(value, separators=(",", ":")).encode())


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@cache  # a key takes a tenth of a second
def rsa_key(which: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


class Key:
    """A key pair of an issuer, under an id."""

    def __init__(self, kid: str = "", which: int = 0, bits: int = 2048) -> None:
        self.kid = kid or f"{uuid.uuid4().hex}+/="
        self.private = rsa_key(which, bits)

    def jwk(self, **members: Any) -> dict[str, Any]:
        public = self.private.public_key().public_numbers()
        return {
            "alg": "RS256",
            "e": number(public.e),
            "kid": self.kid,
            "kty": "RSA",
            "n": number(public.n),
            "use": "sig",
        } | members

    def pem(self) -> bytes:
        """The public half, as whoever confuses algorithms takes for a secret."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )

    def sign(self, text: str) -> str:
        signature = self.private.sign(
            text.encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        return b64(signature)


def key_set(*keys: Key) -> dict[str, Any]:
    return {"keys": [key.jwk() for key in keys]}


def id_claims(**claims: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "sub": "0b8e4c6a-7d1f-4a52-9c3e-2f1d5b6a7c8d",
        "iss": ISSUER,
        "aud": CLIENT,
        "token_use": "id",
        "auth_time": now,
        "iat": now,
        "exp": now + 3600,
        "cognito:username": "ada",
        "email": "ada@shop.example",
        "jti": str(uuid.uuid4()),
    } | claims


def access_claims(**claims: Any) -> dict[str, Any]:
    made = id_claims(token_use="access", client_id=CLIENT, username="ada")
    for name in ("aud", "cognito:username", "email"):
        del made[name]
    return made | claims


def encode(key: Key, payload: bytes, header: dict[str, Any] | None = None) -> str:
    """A token of any bytes, signed by RS256 whatever its header says."""
    told = {"kid": key.kid, "alg": "RS256"} if header is None else header
    text = f"{b64_json(told)}.{b64(payload)}"
    return f"{text}.{key.sign(text)}"


def token(key: Key, **claims: Any) -> str:
    """An ID token; a claim that is None is left out."""
    made = {k: v for k, v in id_claims(**claims).items() if v is not None}
    return encode(key, json.dumps(made).encode())


def access_token(key: Key, **claims: Any) -> str:
    made = {k: v for k, v in access_claims(**claims).items() if v is not None}
    return encode(key, json.dumps(made).encode())


def hmac_token(key: Key, secret: bytes, **claims: Any) -> str:
    """HS256 with a secret that anybody knows: the public key."""
    text = f"{b64_json({'kid': key.kid, 'alg': 'HS256'})}.{b64_json(id_claims(**claims))}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def unsigned_token(key: Key, **claims: Any) -> str:
    return f"{b64_json({'kid': key.kid, 'alg': 'none'})}.{b64_json(id_claims(**claims))}."
