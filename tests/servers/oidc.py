"""An OpenID Connect provider for tests: `oidc-provider-mock`, which issues real codes and signed tokens, over HTTP.

It knows one client, and checks neither that client's secret nor PKCE; what stands before it here does.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from oidc_provider_mock import run_server_in_thread

CLIENT_ID, CLIENT_SECRET = "eventide-of-tests", "a-client-secret-of-tests"
NO_FOREIGN_STYLE = ("Content-Security-Policy", "style-src 'unsafe-inline'")  # its page asks a CDN for one
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class Guard:
    """Checks the client's secret and its verifier at the token endpoint, as providers do (WSGI)."""

    inner: Application
    challenges: dict[str, str] = field(default_factory=dict)  # by code

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] == "/oauth2/authorize":
            asked = parse_qs(environ["QUERY_STRING"])
            return self.inner(environ, self._remembering(asked.get("code_challenge", [""])[0], start))
        if environ["PATH_INFO"] == "/oauth2/token":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            if not self._is_good(parse_qs(body.decode()), environ.get("HTTP_AUTHORIZATION", "")):
                start("400 Bad Request", [("Content-Type", "application/json")])
                return [b'{"error": "invalid_grant"}']
        return self.inner(environ, start)

    def _remembering(self, challenge: str, start: Callable[..., Any]) -> Callable[..., Any]:
        def answer(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            place = dict(headers).get("Location", "")
            if code := parse_qs(urlsplit(place).query).get("code"):
                self.challenges[code[0]] = challenge
            return start(status, [*headers, NO_FOREIGN_STYLE], *more)

        return answer

    def _is_good(self, form: dict[str, list[str]], authorization: str) -> bool:
        verifier = form.get("code_verifier", [""])[0]
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        return authorization == f"Basic {pair}" and self.challenges.get(form.get("code", [""])[0]) == challenge


@dataclass(frozen=True)
class OidcServer:
    """A running provider."""

    issuer: str

    def set_user(self, subject: str, **claims: object) -> None:
        """Make a person, or change them."""
        request = urllib.request.Request(
            f"{self.issuer}/users/{subject}",
            json.dumps(claims).encode(),
            {"Content-Type": "application/json"},
            method="PUT",
        )
        urllib.request.urlopen(request, timeout=10).close()


@contextmanager
def oidc_server() -> Iterator[OidcServer]:
    """A provider on a free port."""
    with run_server_in_thread(require_nonce=True) as server:
        server.app = Guard(server.app)
        yield OidcServer(f"http://localhost:{server.server_port}")
