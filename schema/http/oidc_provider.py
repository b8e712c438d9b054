"""An OpenID Connect provider, as those who log people in by it see it. The only import of Authlib and joserfc.

The authorization code flow with PKCE (RFC 7636), state and nonce. What the provider says of itself is read from its
discovery document, at most METADATA_SECONDS ago.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from schema.errors import ConfigError, LoginRefused, Unavailable
from schema.http.loopback import is_loopback
from schema.http.ttl_cache import TtlCache

METADATA_SECONDS = 300.0
LEEWAY_SECONDS = 60  # by which clocks may differ
TIMEOUT = aiohttp.ClientTimeout(total=10)
MAX_ANSWER_BYTES = 1 << 20
DISCOVERY = "/.well-known/openid-configuration"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
# Signatures by keys that only the provider has: none that the client's secret, or nobody, could make.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
KEY_TYPES = ("RSA", "EC", "OKP")

Claims = Mapping[str, Any]


@dataclass(frozen=True)
class Client:
    """How a provider knows this server. Without ``secret`` it is a public client, which PKCE alone protects."""

    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)
    scopes: str = "openid profile email"


@dataclass(frozen=True)
class Attempt:
    """One log-in under way. ``state``, ``nonce`` and ``verifier`` (of PKCE) are random and used once."""

    redirect_uri: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))


class OidcProvider:
    """A provider. Raises ConfigError for an issuer without TLS, unless it is on this machine."""

    def __init__(self, client: Client) -> None:
        if not _is_safe(client.issuer):
            raise ConfigError("EVENTIDE_OIDC_ISSUER: https://… is expected")
        self.client = client
        self._metadata = TtlCache("oidc_metadata", self._discover, METADATA_SECONDS, 1)

    async def authorization_url(self, attempt: Attempt) -> str:
        """Return where a browser logs in. Raises Unavailable."""
        metadata = await self._metadata.get("")
        return str(
            prepare_grant_uri(
                metadata["authorization_endpoint"],
                self.client.client_id,
                "code",
                redirect_uri=attempt.redirect_uri,
                scope=self.client.scopes,
                state=attempt.state,
                nonce=attempt.nonce,
                code_challenge=create_s256_code_challenge(attempt.verifier),
                code_challenge_method="S256",
            )
        )

    async def claims(self, attempt: Attempt, code: str) -> Claims:
        """Return what the provider says of who logged in, for the code that their browser brought.

        Raises LoginRefused for a code that is not good, or an ID token that is not for this attempt; Unavailable.
        """
        metadata = await self._metadata.get("")
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            tokens = await self._exchange(session, metadata, attempt, code)
            keys = await _json(session, "GET", metadata["jwks_uri"])
            claims = verified_claims(str(tokens.get("id_token")), keys, self.client, attempt.nonce)
            return await self._with_userinfo(session, metadata, tokens, claims)

    async def _discover(self, _: str) -> Claims:
        """Return the provider's description of itself. Raises Unavailable, also for one of another issuer."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            metadata = await _json(session, "GET", self.client.issuer.rstrip("/") + DISCOVERY)
        if metadata.get("issuer") != self.client.issuer:
            raise Unavailable(f"The single sign-on provider calls itself {metadata.get('issuer')!r:.200}")
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(_is_safe(str(metadata.get(name))) for name in needed):
            raise Unavailable("The single sign-on provider names no safe addresses")
        return metadata

    async def _exchange(self, session: aiohttp.ClientSession, metadata: Claims, attempt: Attempt, code: str) -> Claims:
        """Return the tokens for a code. Raises LoginRefused and Unavailable."""
        uri = metadata["token_endpoint"]
        form = prepare_token_request(
            "authorization_code", redirect_uri=attempt.redirect_uri, code=code, code_verifier=attempt.verifier
        )
        auth = ClientAuth(self.client.client_id, self.client.secret, self._authentication(metadata))
        uri, headers, body = auth.prepare("POST", uri, dict(FORM), form)
        return await _json(session, "POST", uri, headers=headers, data=body)

    def _authentication(self, metadata: Claims) -> str:
        """Return how the client authenticates itself: by Basic, unless the provider only knows the form."""
        if not self.client.secret:
            return "none"
        known = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"

    async def _with_userinfo(
        self, session: aiohttp.ClientSession, metadata: Claims, tokens: Claims, claims: Claims
    ) -> Claims:
        """Return the claims with those that the provider tells at its userinfo endpoint alone."""
        if not _is_safe(str(metadata.get("userinfo_endpoint"))) or not tokens.get("access_token"):
            return claims
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        more = await _json(session, "GET", metadata["userinfo_endpoint"], headers=headers)
        if more.get("sub") != claims["sub"]:
            raise LoginRefused("The single sign-on provider tells of another person")
        return {**more, **claims}


def verified_claims(id_token: str, keys: Claims, client: Client, nonce: str) -> Claims:
    """Return the claims of an ID token that the issuer signed for this client and attempt. Raises LoginRefused.

    ``keys``: the issuer's, as a JSON Web Key Set.
    """
    values = {"iss": client.issuer, "aud": client.client_id}
    expected: Any = {name: {"essential": True, "value": value} for name, value in values.items()}
    try:
        token = jwt.decode(id_token, KeySet.import_key_set(_signing(keys)), algorithms=ALGORITHMS)
        params = {"nonce": nonce, "client_id": client.client_id}
        claims = CodeIDToken(token.claims, token.header, expected, params)
        claims.validate(now=int(time.time()), leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise LoginRefused(f"The single sign-on provider's token is not good: {error}"[:300]) from error
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise LoginRefused("The single sign-on provider's token names nobody")
    return dict(claims)


async def _json(session: aiohttp.ClientSession, method: str, url: str, **options: Any) -> Claims:
    """Return the JSON object that the provider answers. Raises LoginRefused for a refusal (4xx), and Unavailable."""
    try:
        async with session.request(method, url, allow_redirects=False, **options) as response:
            answer = _object(await _body(response))
            if 400 <= response.status < 500:
                reason = str(answer.get("error", response.status))[:200]
                raise LoginRefused(f"The single sign-on provider refuses: {reason}")
            if response.status != 200 or not answer:
                raise Unavailable(f"The single sign-on provider answers {response.status}")
            return answer
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(f"The single sign-on provider is away: {error}") from error


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer. Raises Unavailable for one of more than MAX_ANSWER_BYTES."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise Unavailable("The single sign-on provider's answer is too long")
    return bytes(body)


def _object(body: bytes) -> Claims:
    """Return a JSON object; an empty one for anything else."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _signing(keys: Claims) -> Any:
    """Return the keys of a set that sign, of the types that ALGORITHMS take."""
    found = keys.get("keys")
    listed = [key for key in found if isinstance(key, dict)] if isinstance(found, list) else []
    return {"keys": [key for key in listed if key.get("kty") in KEY_TYPES and key.get("use", "sig") == "sig"]}


def _is_safe(url: str) -> bool:
    """Tell whether nobody listens between here and an address: HTTPS, or this machine."""
    try:
        address = urlsplit(url)
        host = address.hostname or ""
    except ValueError:
        return False
    return bool(host) and (address.scheme == "https" or (address.scheme == "http" and is_loopback(host)))
