"""Who is calling: credentials and tokens (API contract 1.10), impersonation (1.8)."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import jwt

from schema.api.requests import first_of
from schema.api.wire import MAX_VERSION, Access, Caller
from schema.errors import (
    AmbiguousIdentity,
    BadBasic,
    BadCredentials,
    BadImpersonation,
    BadScheme,
    BadToken,
    Forbidden,
    InvalidField,
    NoCredentials,
    RequestError,
)
from schema.registry import WEB_ROLE, Registry, User

COOKIE = "clearml_token_basic"
ALGORITHM = "HS256"
DEFAULT_LIFETIME_SECONDS = 2_592_000
MAX_LIFETIME_SECONDS = 31_536_000
IDENTITY = ("user", "company", "role", "user_name", "company_name")
IMPERSONATORS = frozenset(("system", "root", "admin", WEB_ROLE))
NOBODY = Caller("", "", "")
CACHED_CREDENTIALS = 1000
CREDENTIALS_SECONDS = 5.0


class Authenticator:
    """Tells callers by their headers. All replicas share ``secret``, the HS256 key of tokens.

    ``asks_password``: the web application asks for keys; else a name is enough for it.
    """

    def __init__(self, registry: Registry, secret: str, *, asks_password: bool = True) -> None:
        self.asks_password = asks_password
        self._registry = registry
        self._secret = secret
        self._known: dict[str, tuple[float, User]] = {}
        self._tokens: dict[str, tuple[float, Caller]] = {}

    async def caller(
        self, headers: Mapping[str, str], cookies: Mapping[str, str], access: Access = Access.USERS
    ) -> Caller:
        """The caller of a request; the header wins over the cookie. Who is not known is NOBODY, where anyone may call.

        Raises the 401 errors, Forbidden, and AmbiguousIdentity or BadImpersonation for the impersonation headers.
        """
        try:
            caller = await self._authenticated(headers.get("Authorization"), cookies.get(COOKIE))
        except RequestError as error:
            if access is not Access.ANYONE or error.code != 401:
                raise
            return NOBODY
        if caller.role == WEB_ROLE and access is Access.USERS:
            raise Forbidden("This credential only logs others in")
        caller = await self._impersonated(caller, headers)
        return replace(
            caller,
            worker=first_of(headers, "X-Clearml-Worker", "X-Trains-Worker") or caller.worker,
            ack=headers.get("X-Eventide-Ack"),
            idempotency_key=headers.get("Idempotency-Key"),
            last_event_id=headers.get("Last-Event-ID"),
        )

    def token(self, caller: Caller, lifetime_seconds: int) -> str:
        """A token for the caller; 0 means the default lifetime. Raises InvalidField beyond the maximum."""
        if lifetime_seconds > MAX_LIFETIME_SECONDS:
            raise InvalidField(f"expiration_sec must not exceed {MAX_LIFETIME_SECONDS}")
        now = int(time.time())
        claims: dict[str, Any] = {
            "iat": now,
            "exp": now + (lifetime_seconds or DEFAULT_LIFETIME_SECONDS),
            "auth_type": "Bearer",
            "env": "<unknown>",
            "identity": {name: getattr(caller, name) for name in IDENTITY},
            "api_version": MAX_VERSION,
            "server_version": version("eventide"),
            "server_build": "eventide",
            "feature_set": "basic",
            "session_id": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._secret, ALGORITHM)

    async def _authenticated(self, header: str | None, cookie: str | None) -> Caller:
        if header is None:
            if not cookie:
                raise NoCredentials("No credentials")
            return self._from_token(cookie)
        scheme, _, payload = header.partition(" ")
        if scheme == "Bearer":
            return self._from_token(payload.strip())
        if scheme == "Basic":
            return _caller(await self._from_basic(payload.strip()))
        raise BadScheme(f"Unknown authorization scheme {scheme}")

    def _from_token(self, token: str) -> Caller:
        """The caller of a token; one that is known is not verified again until it ends."""
        expires, known = self._tokens.get(token, (0.0, NOBODY))
        if time.time() < expires:
            return known
        caller, expires = self._verified(token)
        if len(self._tokens) >= CACHED_CREDENTIALS:
            self._tokens.clear()
        self._tokens[token] = (expires, caller)
        return caller

    def _verified(self, token: str) -> tuple[Caller, float]:
        try:
            claims = jwt.decode(token, self._secret, [ALGORITHM], options={"require": ["exp"], "verify_iat": False})
            identity = claims["identity"]
            fields: dict[str, Any] = {name: identity.get(name) or "" for name in IDENTITY}
            return Caller(**fields), float(claims["exp"])
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadToken(f"Invalid token: {error}") from error

    async def _from_basic(self, payload: str) -> User:
        expires, known = self._known.get(payload, (0.0, None))
        if known and time.monotonic() < expires:
            return known
        try:
            key, _, secret = base64.b64decode(payload, validate=True).decode().partition(":")
        except (
            ValueError
        ) as error:  # binascii.Error and UnicodeDecodeError are; base64 raises it for a text beyond ASCII
            raise BadBasic("Basic credentials cannot be decoded") from error
        user = await self._registry.user_of_key(key, secret)
        if user is None:
            raise BadCredentials("Invalid credentials")
        if len(self._known) >= CACHED_CREDENTIALS:
            self._known.clear()
        self._known[payload] = (time.monotonic() + CREDENTIALS_SECONDS, user)
        return user

    async def _impersonated(self, caller: Caller, headers: Mapping[str, str]) -> Caller:
        impersonate = first_of(headers, "X-Clearml-Impersonate-As", "X-Trains-Impersonate-As")
        act = first_of(headers, "X-Clearml-Act-As", "X-Trains-Act-As")
        if impersonate and act:
            raise AmbiguousIdentity("Only one of the impersonation headers may be given")
        if not (user_id := impersonate or act):
            return caller
        if caller.role not in IMPERSONATORS:
            raise BadImpersonation("Impersonation is not permitted")
        user = await self._registry.user(user_id)
        if user is None or (caller.role != "root" and user.company != caller.company):
            raise BadImpersonation(f"Unknown user {user_id}")
        if caller.role == WEB_ROLE and user.role != "user":
            raise BadImpersonation(f"A user of role {user.role} has credentials of their own")
        return _caller(user)


def _caller(user: User) -> Caller:
    return Caller(user.id, user.company, user.role, user.name, user.company_name)
