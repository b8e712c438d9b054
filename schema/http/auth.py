"""Who is calling: credentials and tokens (API contract 1.10), impersonation (1.8).

The registry alone says who somebody is, what role they have, and whether key, session and user still are: each answer
is used for REVOKED_SECONDS, so that whatever is revoked ends within them, in every process.
"""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from schema.api.project_roles import EVERYBODYS, PrivateProjects, ProjectRoles
from schema.api.requests import first_of
from schema.api.roles import is_administrator, is_over
from schema.api.scopes import FULL, FULL_ONLY, Scopes
from schema.api.wire import Access, Caller
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
    OutOfScope,
    RequestError,
)
from schema.http.audit_log import FAILURE, LOGIN, AuditLog
from schema.http.file_permissions import FilePermissions
from schema.http.login_limits import LoginLimits
from schema.http.origin_policy import OriginPolicy
from schema.http.tokens import Claims, Tokens
from schema.http.ttl_cache import TtlCache
from schema.registry import WEB_ROLE, Credential, Registry, Session, User, digest_of

COOKIE = "clearml_token_basic"  # that of every server of this kind on a host, whatever its port
DEFAULT_LIFETIME_SECONDS = 2_592_000
MAX_LIFETIME_SECONDS = 31_536_000
NAME_SESSION_SECONDS = 86_400  # of sessions that were opened by a name alone, and of all that is made in them
IDENTITY = ("user", "company", "role", "user_name", "company_name")
NOBODY = Caller("", "", "")
CACHED = 10_000
REVOKED_SECONDS = 3.0  # 5 are promised; a read of a busy registry takes some
MAX_CLIENT_CHARACTERS = 200


@dataclass(frozen=True)
class Sender:
    """What a request says of who sends it.

    ``address``: that it comes from. ``is_change``: what it asks for changes something. ``is_media``: it asks for a
    file, which pages of this host's other ports show. ``is_secure``: it came by HTTPS.
    """

    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    method: str = "POST"
    address: str = ""
    is_change: bool = False
    is_media: bool = False
    is_secure: bool = False


@dataclass(frozen=True)
class Login:
    """A token, and the seconds that it is good for."""

    token: str
    lifetime_seconds: int


class Authenticator:
    """Tells callers by their headers. All replicas share ``secret``, the HS256 key of tokens.

    ``other_secrets``: keys whose tokens are accepted too, while ``secret`` is being changed.

    ``cookies``: the names of those that hold a token. Browsers send the cookies of a host to all of its ports, so one
    of them is of this deployment alone: who logs in to another on the same host stays logged in here.
    ``ended_cookies``: also those of the other secrets, which a log-out removes.

    ``asks_password``: the web application asks for keys, and its own credential is worth nothing; else a name is
    enough. ``origins``: whose pages may use a cookie. ``has_sso``: people also log in by a single sign-on provider.
    """

    def __init__(
        self,
        registry: Registry,
        secret: str,
        *,
        asks_password: bool = True,
        origins: OriginPolicy | None = None,
        has_sso: bool = False,
        audit_days: int = 90,
        other_secrets: Sequence[str] = (),
    ) -> None:
        self.asks_password = asks_password
        self.has_sso = has_sso
        self.origins = origins or OriginPolicy()
        self._registry = registry
        self._own_cookies = tuple(_own_cookie(accepted) for accepted in (secret, *other_secrets))
        self.cookies = (COOKIE, self._own_cookies[0])
        self.ended_cookies = (COOKIE, *self._own_cookies)
        self.audit = AuditLog(registry, audit_days)
        self.files = FilePermissions(registry)
        self._limits = LoginLimits()
        self._tokens = Tokens(secret, other_secrets)
        self._claims: TtlCache[str, Claims] = TtlCache("tokens", self._read_token, 60, CACHED)
        self._sessions = TtlCache("sessions", self._session, REVOKED_SECONDS, CACHED)
        self._credentials = TtlCache("credentials", self._credential, REVOKED_SECONDS, CACHED)
        self._users = TtlCache("users", registry.user, REVOKED_SECONDS, CACHED)
        self._keys = TtlCache("access_keys", registry.has_key, REVOKED_SECONDS, CACHED)
        self._private = TtlCache("private_projects", self._private_projects, REVOKED_SECONDS, CACHED)

    async def caller(self, sender: Sender, access: Access = Access.USERS, scopes: Scopes = FULL_ONLY) -> Caller:
        """Return the caller of a request: by its header, or else its cookie; NOBODY where anyone may call.

        ``scopes``: of keys that are good for the request. Raises the 401 errors, Forbidden, OutOfScope, and
        AmbiguousIdentity or BadImpersonation for the impersonation headers.
        """
        try:
            caller = await self._authenticated(sender)
        except RequestError as error:
            if access is not Access.ANYONE or error.code != 401:
                raise
            return NOBODY
        if caller.role == WEB_ROLE and access in (Access.USERS, Access.ONESELF):
            raise Forbidden("This credential only logs others in")
        if caller.scope not in scopes:
            raise OutOfScope(f"A key of scope `{caller.scope}` is not good for this")
        caller = await self._impersonated(caller, sender.headers)
        if caller.actor and access is Access.ONESELF:
            raise Forbidden("Nobody may do this in another's name")
        caller = _with_headers(caller, sender, await self._roles_of(caller))
        if caller.actor:
            self.audit.record_acting(caller)
        return caller

    async def log_in(self, caller: Caller, lifetime_seconds: int) -> Login:
        """Make a token for the caller; 0 means the default lifetime.

        A token is made for the session of the token that asked for it, and never outlives that; else a session is
        opened. Raises InvalidField beyond the maximum lifetime, and Forbidden for who acts as another.
        """
        if lifetime_seconds > MAX_LIFETIME_SECONDS:
            raise InvalidField(f"expiration_sec must not exceed {MAX_LIFETIME_SECONDS}")
        by_name = caller.actor_role == WEB_ROLE
        if caller.actor and not by_name:
            raise Forbidden("Nobody may log in as another")
        now = int(time.time())
        limits = [now + (lifetime_seconds or DEFAULT_LIFETIME_SECONDS)]
        limits += [now + NAME_SESSION_SECONDS] if by_name else []
        limits += [caller.expires_at] if caller.expires_at is not None else []
        claims = Claims(uuid.uuid4().hex if by_name else caller.session or uuid.uuid4().hex, max(0, min(limits)))
        if claims.session != caller.session and claims.expires_at > now:
            await self._registry.open_session(_session_of(caller, claims, now, by_name))
        token = self._tokens.make(claims, now, {name: getattr(caller, name) for name in IDENTITY}, caller.scope)
        return Login(token, claims.expires_at - now)

    async def log_in_user(self, user: User, sender: Sender, lifetime_seconds: int) -> Login:
        """Open a session for a user whom somebody else has authenticated; a token of it."""
        caller = _with_headers(_caller(user), sender)
        made = await self.log_in(caller, lifetime_seconds)
        self.audit.record(LOGIN, caller, {"by": "oidc"})
        return made

    def record_failure(self, sender: Sender, details: Mapping[str, str]) -> None:
        """Record a failed log-in in the audit log."""
        self.audit.record(FAILURE, _with_headers(NOBODY, sender), details)

    async def log_out(self, caller: Caller) -> None:
        """End the session of the caller's token, with whatever ends with it."""
        if caller.session:
            digest = digest_of(caller.session)
            await self._registry.end_sessions(caller.actor or caller.user, digest)
            self._sessions.invalidate(digest)

    async def check(self, caller: Caller) -> None:
        """Raise a 401 error if what the caller authenticated with is good no more: for answers that take long.

        Raises Forbidden if the projects that they may see are no longer the same.
        """
        if caller.projects.hidden != (await self._roles_of(caller)).hidden:
            raise Forbidden("The roles in projects have changed")
        if caller.expires_at is not None and caller.expires_at < time.time():
            raise BadToken("The credentials have expired")
        if caller.session:
            await self._sessions.get(digest_of(caller.session))
        elif not await self._keys.get(caller.access_key or ""):
            raise BadCredentials("Invalid credentials")

    async def _authenticated(self, sender: Sender) -> Caller:
        header = sender.headers.get("Authorization")
        if header is None:
            return await self._from_cookies(sender)
        scheme, _, payload = header.partition(" ")
        if scheme == "Bearer":
            return await self._from_token(payload.strip())
        if scheme == "Basic":
            return await self._from_basic(payload.strip(), sender)
        raise BadScheme("Unknown authorization scheme")

    async def _from_cookies(self, sender: Sender) -> Caller:
        """Return the caller of this deployment's own cookie; of the shared one if that is missing or has ended."""
        shared = sender.cookies.get(COOKIE)
        own = next((sender.cookies[name] for name in self._own_cookies if name in sender.cookies), None)
        if not shared and not own:
            raise NoCredentials("No credentials")
        self.origins.check_cookie(sender.headers, sender.method, is_change=sender.is_change, is_media=sender.is_media)
        if own and shared:
            with suppress(BadToken):
                return await self._from_token(own)
        return await self._from_token(shared or own or "")

    async def _from_token(self, token: str) -> Caller:
        claims = await self._claims.get(token)
        if claims.expires_at < time.time():
            raise BadToken("Invalid token: it has expired")
        session, user, scope = await self._sessions.get(claims.session_digest)
        return self._caller(user, session.name_session).but(
            session=claims.session,
            access_key=session.access_key,
            expires_at=min(claims.expires_at, session.expires_at),
            name_session=session.name_session,
            scope=scope or FULL,
        )

    async def _from_basic(self, payload: str, sender: Sender) -> Caller:
        key, _ = read_basic(payload)
        self._limits.check(sender.address, key, payload)
        try:
            credential, user = await self._credentials.get(payload)
        except BadCredentials:
            self._limits.failed(sender.address, key, payload)
            self.record_failure(sender, {"access_key": key[:MAX_CLIENT_CHARACTERS]})
            raise
        self._limits.succeeded(payload)
        return self._caller(user, credential.name_session).but(
            access_key=credential.access_key,
            expires_at=credential.expires_at,
            name_session=credential.name_session,
            scope=credential.scope or FULL,
        )

    def _caller(self, user: User, name_session: str | None) -> Caller:
        """Raise BadCredentials, unless names log in, for the web application's credential and what names opened."""
        if self.asks_password and (name_session or user.role == WEB_ROLE):
            raise BadCredentials("Invalid credentials")
        return _caller(user)

    async def _roles_of(self, caller: Caller) -> ProjectRoles:
        """Return the roles of a user in private projects: administrators are administrators of all."""
        if is_administrator(caller.role):
            return EVERYBODYS
        return (await self._private.get(caller.company)).roles_of(caller.user)

    async def _private_projects(self, company: str) -> PrivateProjects:
        members: dict[str, dict[str, str]] = {}
        for member in await self._registry.members_of_company(company):
            members.setdefault(member.project, {})[member.user] = member.role
        return PrivateProjects(members, await self._registry.names_of_projects(company) if members else {})

    async def _read_token(self, token: str) -> Claims:
        return self._tokens.read(token)

    async def _session(self, digest: str) -> tuple[Session, User, str | None]:
        """Raise BadToken if there is no such session, or its user is gone."""
        found = await self._registry.session(digest)
        if found is None:
            raise BadToken("Invalid token: its session has ended")
        return found

    async def _credential(self, payload: str) -> tuple[Credential, User]:
        """Raise BadBasic and BadCredentials."""
        key, secret = read_basic(payload)
        found = await self._registry.credential(key, secret) if "\0" not in key else None
        if found is None:
            raise BadCredentials("Invalid credentials")
        await self._registry.mark_used(found[0])
        return found

    async def _impersonated(self, caller: Caller, headers: Mapping[str, str]) -> Caller:
        impersonate = first_of(headers, "X-Clearml-Impersonate-As", "X-Trains-Impersonate-As")
        act = first_of(headers, "X-Clearml-Act-As", "X-Trains-Act-As")
        if impersonate and act:
            raise AmbiguousIdentity("Only one of the impersonation headers may be given")
        if not (user_id := impersonate or act):
            return caller
        if caller.scope != FULL:
            raise BadImpersonation(f"A key of scope `{caller.scope}` acts for its own user alone")
        user = await self._users.get(user_id)
        if user is None or not (is_over(caller, user) or _may_open_by_name(caller, user)):
            raise BadImpersonation("Impersonation is not permitted, or there is no such user")
        acting = caller.but(actor=caller.user, actor_role=caller.role)
        return acting.but(**{name: getattr(_caller(user), name) for name in IDENTITY})


def _may_open_by_name(caller: Caller, user: User) -> bool:
    """Whether the caller is the web application's credential, and a name alone opens a session of the user."""
    return caller.role == WEB_ROLE and user.role == "user" and user.company == caller.company


def _own_cookie(secret: str) -> str:
    return f"eventide_token_{hashlib.sha256(secret.encode()).hexdigest()[:12]}"


def read_basic(payload: str) -> tuple[str, str]:
    """Return key and secret of Basic credentials. Raises BadBasic."""
    try:
        key, _, secret = base64.b64decode(payload, validate=True).decode().partition(":")
    except ValueError as error:  # of base64 and of UTF-8
        raise BadBasic("Basic credentials cannot be decoded") from error
    return key, secret


def _caller(user: User) -> Caller:
    return Caller(user.id, user.company, user.role, user.name, user.company_name)


def _with_headers(caller: Caller, sender: Sender, projects: ProjectRoles = EVERYBODYS) -> Caller:
    headers = sender.headers
    client = first_of(headers, "X-Clearml-Client", "X-Trains-Client") or headers.get("User-Agent") or ""
    return caller.but(
        worker=first_of(headers, "X-Clearml-Worker", "X-Trains-Worker") or caller.worker,
        ack=headers.get("X-Eventide-Ack"),
        idempotency_key=headers.get("Idempotency-Key"),
        last_event_id=headers.get("Last-Event-ID"),
        projects=projects,
        address=sender.address,
        origin=f"{'https' if sender.is_secure else 'http'}://{headers.get('Host', '')}",
        authorization=headers.get("Authorization", ""),
        client=client[:MAX_CLIENT_CHARACTERS].encode("ascii", "replace").decode(),
    )


def with_authorization(request: web.Request, value: str) -> Mapping[str, str]:
    """Return the headers of a request with other credentials."""
    headers = request.headers.copy()
    headers["Authorization"] = value
    return headers


def _session_of(caller: Caller, claims: Claims, now: int, by_name: bool) -> Session:
    """Return the session that a log-in opens. One that a name opened ends alone, with all that was made in it."""
    digest = digest_of(claims.session)
    return Session(
        id=digest,
        user=caller.user,
        created_at=now,
        expires_at=claims.expires_at,
        access_key=None if by_name else caller.access_key,
        name_session=digest if by_name else caller.name_session,
        address=caller.address,
        client=caller.client,
    )
