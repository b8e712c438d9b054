"""The login endpoints: credentials -> a token (API contract 1.10), and what the web application asks for."""

from __future__ import annotations

from schema.api.requests import Integer, Nothing, Request
from schema.api.wire import Access, Answer, Caller, Cookie, Endpoints, Reply, Tier
from schema.http.auth import Authenticator

SSO_ADDRESS = "login/oidc"  # relative to the root

endpoints = Endpoints(Tier.BOTH)


class Login(Request):
    """A login. ``expiration_sec``: how long the token is to live, in seconds."""

    expiration_sec: Integer = 0


@endpoints.add("auth.login", access=Access.WEB)
async def login(authenticator: Authenticator, caller: Caller, request: Login) -> Reply:
    """Return a token for the user of the request's credentials or token, also as a cookie.

    A token that is made from a token does not outlive it. Raises InvalidField, and Forbidden for a caller who acts as
    another.
    """
    made = await authenticator.log_in(caller, request.expiration_sec)
    cookie = Cookie(made.token, max(0, made.lifetime_seconds))
    return Reply({"token": made.token}, dict.fromkeys(authenticator.cookies, cookie))


@endpoints.add("login.supported_modes", access=Access.ANYONE)
async def supported_modes(authenticator: Authenticator, caller: Caller, request: Nothing) -> Answer:
    """Tell whether the caller is logged in, whether logging in takes keys, and where single sign-on begins."""
    return {
        "authenticated": bool(caller.user),
        "basic": {"enabled": authenticator.asks_password, "guest": {"enabled": False}},
        "sso": {"oidc": SSO_ADDRESS} if authenticator.has_sso else {},
        "sso_providers": [{"name": "oidc", "url": SSO_ADDRESS}] if authenticator.has_sso else [],
        "server_errors": {"missed_es_upgrade": False, "es_connection_error": False},
    }


@endpoints.add("login.logout", access=Access.ANYONE)
async def logout(authenticator: Authenticator, caller: Caller, request: Nothing) -> Reply:
    """Remove the cookie."""
    await authenticator.log_out(caller)
    return Reply({}, dict.fromkeys(authenticator.ended_cookies))
