"""What people see at ``/``: Eventide's own page. Its files are held in memory, and revalidated by their digests."""

from __future__ import annotations

import base64
import gzip
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COMPRESSED_TYPES = ("text/", "application/json", "image/svg+xml")
EMPTY_STYLE = f"'sha256-{base64.b64encode(hashlib.sha256(b'').digest()).decode()}'"  # plotly fills it by CSSOM
PAGE_POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {EMPTY_STYLE}; connect-src 'self'; "
    "img-src * data: blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Site(Protocol):
    """Something to see at ``/``."""

    def add_routes(self, app: web.Application, api: Handler) -> None:
        """Add its routes, which come before the API's. ``api`` answers what is not the site's."""


@dataclass(frozen=True)
class Asset:
    """One file, as it is sent."""

    body: bytes
    content_type: str

    @cached_property
    def etag(self) -> str:
        """The digest of the content."""
        return hashlib.sha256(self.body).hexdigest()[:32]

    @cached_property
    def compressed(self) -> bytes | None:
        """The body as gzip, if that is worth it."""
        return gzip.compress(self.body, mtime=0) if self.content_type.startswith(COMPRESSED_TYPES) else None

    def response(self, request: web.Request, policy: str) -> web.Response:
        """The answer to a GET: the file, or that the client has it."""
        headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
        headers |= {"Referrer-Policy": "no-referrer", "ETag": f'"{self.etag}"'}
        if request.if_none_match and any(known.value == self.etag for known in request.if_none_match):
            return web.Response(status=304, headers=headers)
        body = self.body
        if self.compressed and "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = self.compressed, "gzip"
        charset = "utf-8" if self.content_type.startswith("text/") else None
        return web.Response(body=body, content_type=self.content_type, charset=charset, headers=headers)


class Page:
    """Eventide's own page: ``index.html`` at ``/``, whatever else it needs below ``/page/``."""

    def __init__(self, directory: Path) -> None:
        files = (path for path in directory.rglob("*") if path.is_file())
        self._assets = {path.relative_to(directory).as_posix(): read_asset(path) for path in files}

    def add_routes(self, app: web.Application, api: Handler) -> None:
        """As a Site's."""

        async def answer(request: web.Request) -> web.StreamResponse:
            asset = self._assets.get(request.match_info.get("name", "index.html"))
            return asset.response(request, PAGE_POLICY) if asset else await api(request)

        app.router.add_get("/", answer)
        app.router.add_get("/page/{name:.+}", answer)


def read_asset(path: Path) -> Asset:
    """A file and its type."""
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(path.read_bytes(), "text/javascript" if path.suffix in (".js", ".mjs") else guessed)
