"""Bearer tokens for SASL OAUTHBEARER: from a file that something else renews, or from a token endpoint."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import SaslAuthenticationFailed

ANSWER_SECONDS = 10.0
RENEWED_SHARE = 0.8  # of a token's lifetime, after which a new connection gets a new one
DEFAULT_LIFETIME_SECONDS = 60.0
MAX_ANSWER_BYTES = 1 << 20


class FileTokens(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """The token in a file, read anew for each connection: Kubernetes renews those of service accounts so."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def token(self) -> str:
        """Return the token. Raises OSError and SaslAuthenticationFailed."""
        text = (await asyncio.to_thread(self._path.read_text)).strip()
        if not text:
            raise SaslAuthenticationFailed(f"{self._path} is empty")
        return text


@dataclass(frozen=True)
class TokenEndpoint:
    """An OAuth 2 token endpoint, and the client that asks there (RFC 6749, 4.4)."""

    url: str
    client: str
    secret: str = field(repr=False)
    scope: str
    tls: ssl.SSLContext


class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Tokens of a token endpoint, each used until it nears its end. Faust's consumer asks from a thread of its own."""

    def __init__(self, endpoint: TokenEndpoint) -> None:
        self._endpoint = endpoint
        self._asked = threading.Lock()
        self._token, self._renewed_at = "", 0.0

    async def token(self) -> str:
        """Return a token. Raises OSError and SaslAuthenticationFailed."""
        return await asyncio.to_thread(self._current)

    def _current(self) -> str:
        with self._asked:
            if time.monotonic() >= self._renewed_at:
                self._token, seconds = _new_token(self._endpoint)
                self._renewed_at = time.monotonic() + seconds * RENEWED_SHARE
            return self._token


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A refusal of redirects, which would carry the client's secret elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none: the redirect is the answer."""


def _new_token(endpoint: TokenEndpoint) -> tuple[str, float]:
    """Return a new token, and its lifetime in seconds. Raises OSError and SaslAuthenticationFailed."""
    form = {"grant_type": "client_credentials"} | ({"scope": endpoint.scope} if endpoint.scope else {})
    body = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(endpoint.url, body)  # noqa: S310 -- settings take https alone
    request.add_header("Authorization", f"Basic {_basic(endpoint)}")
    request.add_header("Accept", "application/json")
    opener = urllib.request.build_opener(NoRedirects, urllib.request.HTTPSHandler(context=endpoint.tls))
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            found = json.loads(answer.read(MAX_ANSWER_BYTES))
        return str(found["access_token"]), float(found.get("expires_in") or DEFAULT_LIFETIME_SECONDS)
    except urllib.error.HTTPError as error:
        raise SaslAuthenticationFailed(f"{endpoint.url} answers {error.code}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SaslAuthenticationFailed(f"{endpoint.url} answers no token") from error


def _basic(endpoint: TokenEndpoint) -> str:
    """Encode client and secret (RFC 6749, 2.3.1)."""
    pair = f"{urllib.parse.quote_plus(endpoint.client)}:{urllib.parse.quote_plus(endpoint.secret)}"
    return base64.b64encode(pair.encode()).decode()
