"""What is served at ``/``: Eventide's own page, or the build of a web application.

The page's files are read once and revalidated by their digests; those of a web application are read from its folder.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from aiohttp import web

from schema.api.wire import PATH
from schema.http.app_addresses import page_address
from schema.http.browser_pages import up_to_root, wants_page
from schema.json_encoding import to_json

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

INDEX = "index.html"
MOVED = {"version.json": "assets/version.json"}  # where the build has what its application asks for elsewhere
CONFIGURATION = {"apiBaseUrl": "/api", "hideUpdateNotice": True, "displayTips": False, "showSurvey": False}
COMPRESSED_TYPES = ("text/", "application/json", "image/svg+xml")
EMPTY_STYLE = f"'sha256-{base64.b64encode(hashlib.sha256(b'').digest()).decode()}'"  # plotly fills it by CSSOM
# `worker-src blob:`: plotly's maps start a worker from their own text; only a script that already runs can make a blob.
PAGE_POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {EMPTY_STYLE}; connect-src 'self'; font-src 'self'; "
    "worker-src blob:; img-src * data: blob:; media-src * data: blob:; frame-src http: https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

WEB_APP_POLICY = "frame-ancestors 'self'"


class Site(Protocol):
    """Something that is served at ``/``."""

    def add_routes(self, app: web.Application, api: Handler) -> None:
        """Add routes that come before the API's. ``api`` answers what does not belong to the site."""


@dataclass(frozen=True)
class Asset:
    """One file as it is sent."""

    body: bytes
    content_type: str

    @cached_property
    def etag(self) -> str:
        """The digest of the content."""
        return hashlib.sha256(self.body).hexdigest()[:32]

    @cached_property
    def compressed(self) -> bytes | None:
        """The body as gzip, or None if that saves too little."""
        return gzip.compress(self.body, mtime=0) if self.content_type.startswith(COMPRESSED_TYPES) else None

    def response(self, request: web.Request, policy: str) -> web.Response:
        """Answer a GET with the file, or with 304 if the client has it."""
        headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
        headers |= {"Referrer-Policy": "no-referrer", "ETag": f'"{self.etag}"'}
        if request.if_none_match and any(known.value == self.etag for known in request.if_none_match):
            return web.Response(status=304, headers=headers)
        body = self.body
        if self.compressed and "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = self.compressed, "gzip"
        charset = "utf-8" if self.content_type.startswith("text/") else None
        return web.Response(body=body, content_type=self.content_type, charset=charset, headers=headers)


class PageFiles:
    """Eventide's own page: ``index.html`` at ``/``, its other files below ``/page/``.

    A browser that opens an address of the ClearML web application is led to the same on the page.
    """

    def __init__(self, directory: Path) -> None:
        files = (path for path in directory.rglob("*") if path.is_file())
        self._assets = {path.relative_to(directory).as_posix(): read_asset(path) for path in files}

    def add_routes(self, app: web.Application, api: Handler) -> None:
        """Add the routes of the page."""

        async def answer(request: web.Request) -> web.StreamResponse:
            asset = self._assets.get(request.match_info.get("name", INDEX))
            return asset.response(request, PAGE_POLICY) if asset else await api(request)

        async def lead(request: web.Request) -> web.StreamResponse:
            address = page_address(request.rel_url.raw_path) if wants_page(request) else None
            if address is None:
                return await api(request)
            return web.Response(status=302, headers={"Location": up_to_root(request) + address})

        app.router.add_get("/", answer)
        app.router.add_get("/page/{name:.+}", answer)
        app.router.add_get("/{path:.+}", lead)


class WebApp:
    """The build of a web application: its files, ``index.html`` for its own addresses, and its settings.

    ``credentials``: the content of ``/credentials.json``. The API is at ``/api``, and also where it always is.
    """

    def __init__(self, directory: Path, credentials: Mapping[str, str]) -> None:
        self._directory = directory
        self._files = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
        self._told = {
            "configuration.json": json_asset(CONFIGURATION),
            "credentials.json": json_asset(credentials),
            "env.js": Asset(b"", "text/javascript"),
        }

    def add_routes(self, app: web.Application, api: Handler) -> None:
        """Add the routes of the web application."""

        async def answer(request: web.Request) -> web.StreamResponse:
            name = request.match_info["name"]
            if name in self._told:
                return self._told[name].response(request, WEB_APP_POLICY)
            if name in self._files or name in MOVED:
                return self._file(MOVED.get(name, name))
            return await api(request) if PATH.fullmatch(name) else self._file(INDEX)

        app.router.add_get("/{name:.*}", answer)

    def _file(self, name: str) -> web.StreamResponse:
        lasting = "no-cache" if name == INDEX else "max-age=3600"
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": lasting}
        return web.FileResponse(self._directory / name, headers=headers)


def json_asset(value: object) -> Asset:
    """Return a value as a JSON file."""
    return Asset(to_json(value), "application/json")


def read_asset(path: Path) -> Asset:
    """Read a file and find its type."""
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(path.read_bytes(), "text/javascript" if path.suffix in (".js", ".mjs") else guessed)
