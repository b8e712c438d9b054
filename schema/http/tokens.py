"""Tokens: JSON Web Tokens that name a session (API contract 1.10), whose user the registry knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import jwt

from schema.api.wire import MAX_VERSION
from schema.errors import BadToken
from schema.registry import digest_of

ALGORITHM = "HS256"
OPTIONS: Any = {"require": ["exp"], "verify_iat": False}
MAX_TOKEN_CHARACTERS = 8192  # a token of ours has about 700


@dataclass(frozen=True)
class Claims:
    """The claims of a token that matter: its session, and when it ends (seconds since the epoch)."""

    session: str
    expires_at: int

    @cached_property
    def session_digest(self) -> str:
        """The digest by which the registry knows the session."""
        return digest_of(self.session)


class Tokens:
    """The maker and verifier of tokens.

    ``secret``: the HS256 key that all replicas share. ``other_secrets``: keys whose tokens are accepted too.
    """

    def __init__(self, secret: str, other_secrets: Sequence[str] = ()) -> None:
        self._secret = secret
        self._accepted = (secret, *other_secrets)

    def make(self, claims: Claims, issued_at: int, identity: Mapping[str, str], scope: str) -> str:
        """Make a token with the claims that SDKs read; ``identity`` and ``scope`` are for clients alone."""
        content: dict[str, Any] = {
            "iat": issued_at,
            "exp": claims.expires_at,
            "auth_type": "Bearer",
            "env": "<unknown>",
            "identity": dict(identity),
            "api_version": MAX_VERSION,
            "server_version": version("eventide"),
            "server_build": "eventide",
            "feature_set": "basic",
            "session_id": claims.session,
            "scope": scope,
        }
        return jwt.encode(content, self._secret, ALGORITHM)

    def read(self, token: str) -> Claims:
        """Return the claims of a token that is ours and has not expired. Raises BadToken."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise BadToken("Invalid token: too long")
        try:
            claims = self._decoded(token)
            if not isinstance(claims.get("identity"), dict) or not isinstance(claims.get("session_id"), str):
                raise BadToken("Invalid token: it names no session")
            return Claims(claims["session_id"], int(claims["exp"]))
        except (jwt.InvalidTokenError, TypeError, ValueError) as error:
            raise BadToken(f"Invalid token: {error}") from error

    def _decoded(self, token: str) -> dict[str, Any]:
        """Return the content of a token that one of the keys has signed. Raises jwt.InvalidTokenError, of the last."""
        for secret in self._accepted[:-1]:
            with suppress(jwt.InvalidSignatureError):
                return jwt.decode(token, secret, [ALGORITHM], options=OPTIONS)
        return jwt.decode(token, self._accepted[-1], [ALGORITHM], options=OPTIONS)
