"""The ClearML web application as the API sees it: a browser with a cookie, which asks for version 999.0."""

from __future__ import annotations

import secrets
from typing import Any

import httpx

from tests.harness.api import Data, Origins, data_of
from tests.harness.deployment import WEB_APP
from tests.harness.plain import plain_client

VERSION = "999.0"


class Browser:
    """The application in a browser: cookies, and whatever ``headers`` a call has besides."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self.client = plain_client(timeout=60)

    def ask(self, action: str, body: Any = None, **options: Any) -> httpx.Response:
        """A call; without a body there is no Content-Type either."""
        url = f"{self._origins.of(action)}/v{VERSION}/{action}"
        return self.client.post(url, **({"json": body} if body is not None else {}), **options)

    def call(self, action: str, body: Any = None, **options: Any) -> Data:
        """Its data."""
        return data_of(self.ask(action, body, **options))


def log_in(browser: Browser, name: str) -> str:
    """The id of the user, who is made if there is none of that name."""
    own = httpx.BasicAuth(WEB_APP.access_key, WEB_APP.secret_key)
    known = {user["name"]: user["id"] for user in browser.call("users.get_all", auth=own)["users"]}
    if name not in known:
        fields = {"email": secrets.token_hex(8), "name": name, "company": "x", "given_name": name, "family_name": ""}
        known[name] = browser.call("auth.create_user", fields, auth=own)["id"]
    data_of(browser.ask("auth.login", auth=own, headers={"X-Clearml-Impersonate-As": known[name]}))
    return str(known[name])
