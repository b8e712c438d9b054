"""``auth.login``: credentials -> a token (specification section 1.10). Both tiers answer it."""

from __future__ import annotations

from schema.auth import COOKIE, Authenticator
from schema.requests import Integer, Request
from schema.wire import Caller, Endpoints, Reply, Tier

endpoints = Endpoints(Tier.BOTH)


class Login(Request):
    """How long the token is to live."""

    expiration_sec: Integer = 0


@endpoints.add("auth.login")
async def login(authenticator: Authenticator, caller: Caller, request: Login) -> Reply:
    """A token for whoever the request's credentials or token stand for, also as a cookie."""
    token = authenticator.token(caller, request.expiration_sec)
    return Reply({"token": token}, {COOKIE: token})
