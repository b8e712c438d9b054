"""Log-ins by an OpenID Connect provider: two addresses that a browser visits, and a session as of any other log-in.

What belongs to a log-in under way (state, nonce, the verifier of PKCE) is in a signed cookie of the browser that began
it, for ATTEMPT_SECONDS: any process can end what another began, and another browser cannot.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any

from aiohttp import web
from itsdangerous import BadData, URLSafeTimedSerializer

from schema.api.group_map import Grant, grant_of
from schema.api.wire import Cookie
from schema.errors import EventsError, LoginRefused, RequestError
from schema.http.auth import Authenticator, Sender
from schema.http.browser_pages import error_page, up_to_root
from schema.http.client_address import NO_PROXIES, Proxies
from schema.http.login_limits import LoginLimits
from schema.http.oidc_provider import Attempt, Claims, OidcProvider
from schema.http.responses import is_https, set_cookie
from schema.registry import Identity, Registry, User

START, CALLBACK = "/login/oidc", "/login/oidc/callback"
COOKIE = "eventide_oidc"
ATTEMPT_SECONDS = 600
MAX_CODE_CHARACTERS = 4096
MAX_NAME = 200
NAMES = ("name", "preferred_username", "email", "sub")  # claims, the first that is there

logger = logging.getLogger("eventide.oidc")


@dataclass(frozen=True)
class OidcRules:
    """Who may log in. ``groups_claim``: has the groups. ``session_seconds``: for how long a log-in is good."""

    grants: tuple[Grant, ...]
    groups_claim: str = "groups"
    session_seconds: int = 43_200


class OidcLogin:
    """The two addresses. ``secret``: signs cookies, shared by all replicas."""

    def __init__(
        self,
        provider: OidcProvider,
        rules: OidcRules,
        authenticator: Authenticator,
        registry: Registry,
        secret: str,
        proxies: Proxies = NO_PROXIES,
    ) -> None:
        self._provider = provider
        self._rules = rules
        self._authenticator = authenticator
        self._registry = registry
        self._signer = URLSafeTimedSerializer(secret, salt=COOKIE)
        self._limits = LoginLimits()
        self._proxies = proxies

    def add_routes(self, app: web.Application) -> None:
        """Add them to an application."""
        app.router.add_get(START, self.start)
        app.router.add_get(CALLBACK, self.finish)

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Send the browser to the provider."""
        attempt = Attempt(_callback_url(request))
        try:
            found = web.HTTPFound(await self._provider.authorization_url(attempt))
        except EventsError as error:
            return _failed(request, error)
        response = web.Response(status=found.status, headers={"Location": str(found.location)})
        value = str(self._signer.dumps(list(astuple(attempt))))
        set_cookie(response, COOKIE, Cookie(value, ATTEMPT_SECONDS), is_secure=is_https(request), path=START)
        return response

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """Open a session for whom the provider sends back, and show the page."""
        try:
            attempt = self._attempt(request)
            user = await self._user(request, attempt)
            made = await self._authenticator.log_in_user(user, self._sender(request), self._rules.session_seconds)
        except EventsError as error:
            response = _failed(request, error)
            set_cookie(response, COOKIE, None, is_secure=is_https(request), path=START)
            return response
        response = web.Response(status=302, headers={"Location": up_to_root(request)})
        set_cookie(response, COOKIE, None, is_secure=is_https(request), path=START)
        for name in self._authenticator.cookies:
            set_cookie(response, name, Cookie(made.token, made.lifetime_seconds), is_secure=is_https(request))
        return response

    def _attempt(self, request: web.Request) -> Attempt:
        """Return the log-in that this browser began. Raises LoginRefused for another's, an older, and none."""
        try:
            values = self._signer.loads(request.cookies.get(COOKIE, ""), max_age=ATTEMPT_SECONDS)
            attempt = Attempt(*values)
        except (BadData, TypeError) as error:
            raise LoginRefused("This browser has begun no log-in, or too long ago") from error
        if not hmac.compare_digest(request.query.get("state", "").encode(), attempt.state.encode()):
            raise LoginRefused("This is the end of another log-in (state)")
        if request.query.get("iss", self._provider.client.issuer) != self._provider.client.issuer:
            raise LoginRefused("This comes from another provider (iss)")
        return attempt

    async def _user(self, request: web.Request, attempt: Attempt) -> User:
        """Return the user of who logged in. Raises LoginRefused, TooManyFailures and Unavailable."""
        sender = self._sender(request)
        code = request.query.get("code", "")
        self._limits.check(sender.address, COOKIE, code)
        try:
            if not 0 < len(code) <= MAX_CODE_CHARACTERS:
                raise LoginRefused(f"The provider refuses: {request.query.get('error', 'no code')[:MAX_NAME]}")
            return await self._signed_in(await self._provider.claims(attempt, code))
        except LoginRefused as error:
            self._limits.failed(sender.address, COOKIE, code)
            self._authenticator.record_failure(sender, {"oidc": str(error)[:MAX_NAME]})
            raise

    async def _signed_in(self, claims: Claims) -> User:
        """Return the user of some claims, made at the first log-in; company and role come from the groups each time."""
        grant = grant_of(self._rules.grants, _texts(claims.get(self._rules.groups_claim)))
        if grant is None:
            raise LoginRefused("None of your groups may use this server")
        name = next(str(claims[name]) for name in NAMES if claims.get(name))[:MAX_NAME]
        identity = Identity(self._provider.client.issuer, claims["sub"])
        return await self._registry.sign_in(identity, grant.company, name, grant.role)

    def _sender(self, request: web.Request) -> Sender:
        address = self._proxies.client(request.remote or "", request.headers)
        return Sender(request.headers, {}, request.method, address)


def _callback_url(request: web.Request) -> str:
    """Return the address to which the provider sends the browser back, as the browser knows this server."""
    return f"{'https' if is_https(request) else 'http'}://{request.host}{CALLBACK}"


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _failed(request: web.Request, error: EventsError) -> web.Response:
    """Return a page that says why nobody is logged in."""
    if not isinstance(error, RequestError):
        logger.warning("a log-in has failed: %s", error)
    return error_page(request, error.code, str(error))
