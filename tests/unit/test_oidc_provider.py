"""``schema/http/oidc_provider.py``: which ID tokens are good. The whole flow: integration/test_oidc_login.py."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from schema.errors import ConfigError, LoginRefused
from schema.http.oidc_provider import Client, OidcProvider, verified_claims

CLIENT = Client("https://issuer.example.com", "eventide", "a secret of the client")
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
KEYS = {"keys": [KEY.as_dict(private=False), {"kty": "unknown"}]}
NONCE = "the nonce of this attempt"
YEAR_2001, YEAR_2100 = 1_000_000_000, 4_102_444_800  # seconds


def token(key: Any = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": CLIENT.issuer, "sub": "ann", "aud": CLIENT.client_id, "nonce": NONCE, "iat": now, "exp": now + 300}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": "one"}, claims, key, algorithms=[algorithm])


def test_a_token_for_this_client_and_attempt_is_good() -> None:
    assert verified_claims(token(groups=["x"]), KEYS, CLIENT, NONCE)["groups"] == ["x"]
    assert verified_claims(token(aud=[CLIENT.client_id]), KEYS, CLIENT, NONCE)["sub"] == "ann"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example.com"},
        {"iss": None},
        {"aud": "another client"},
        {"aud": ["another client"]},
        {"aud": None},
        {"azp": "another client"},
        {"nonce": "another nonce"},
        {"nonce": None},
        {"exp": YEAR_2001},
        {"exp": None},
        {"iat": YEAR_2100},
        {"nbf": YEAR_2100},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
    ids=str,
)
def test_other_claims_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(LoginRefused):
        verified_claims(token(**changes), KEYS, CLIENT, NONCE)


def test_other_signatures_are_refused() -> None:
    by_secret = token(OctKey.import_key(CLIENT.secret), "HS256")
    header, content, signature = token().split(".")
    unsigned = f"eyJhbGciOiJub25lIn0.{content}."
    for forged in (
        token(OTHER),
        by_secret,
        unsigned,
        f"{header}.{content}.",
        f"{header}.{content}.x{signature}",
        "",
        "x",
    ):
        with pytest.raises(LoginRefused):
            verified_claims(forged, KEYS, CLIENT, NONCE)


def test_without_keys_nothing_is_good() -> None:
    sets: list[dict[str, Any]] = [{}, {"keys": []}, {"keys": "x"}]
    sets.append({"keys": [KEY.as_dict(private=False) | {"use": "enc"}]})
    for keys in sets:
        with pytest.raises(LoginRefused):
            verified_claims(token(), keys, CLIENT, NONCE)


@pytest.mark.parametrize(
    "issuer", ["http://issuer.example.com", "issuer.example.com", "ftp://localhost", "https://", "http://["]
)
def test_a_provider_without_tls_is_refused(issuer: str) -> None:
    with pytest.raises(ConfigError, match="EVENTIDE_OIDC_ISSUER"):
        OidcProvider(Client(issuer, "eventide"))
    OidcProvider(Client("http://localhost:9400", "eventide"))
    OidcProvider(Client("https://issuer.example.com/tenant", "eventide"))
