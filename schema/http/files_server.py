"""The files server: ``POST /`` (multipart, the field's name is the path), ``GET``, ``HEAD`` (with ranges), ``DELETE``.

The SDK stores here what events, artifacts and models refer to by URL. Callers are authenticated as by the API, and see
their own company's files. Browsers open files from here with the API's cookie, so nothing that is sent to them may run.
"""

from __future__ import annotations

import asyncio
import logging
import mimetypes
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from email.utils import format_datetime
from urllib.parse import quote, unquote

from aiohttp import BodyPartReader, MultipartReader, web

from schema.api.dialect import message_of
from schema.api.scopes import FULL_ONLY, READS, WRITES
from schema.api.wire import Caller, new_request_id
from schema.errors import (
    BadPath,
    BodyTooLarge,
    ClientGone,
    EventsError,
    FileMissing,
    MalformedRequest,
    RequestError,
    Unavailable,
)
from schema.http.audit_log import MAX_TEXT
from schema.http.auth import Authenticator, Sender
from schema.http.bodies import check_encoding
from schema.http.browser_pages import error_page, wants_page
from schema.http.client_address import NO_PROXIES, Proxies
from schema.http.forms import BAD_PARTS
from schema.http.health import Health, add_health_routes
from schema.http.origin_policy import SAFE_METHODS, add_cross_origin_headers, host_middleware
from schema.http.request_ids import told_request_id
from schema.http.responses import add_common_headers, close_connection
from schema.json_logging import request_id
from schema.metrics import REQUESTS
from schema.store.object_store import FileChanged, FileInfo, FileStore

UPLOAD_CHUNK_BYTES = 1 << 18
UPLOAD_IDLE_SECONDS = 60.0
MAX_FILES = 1000  # of an upload
OPEN_ATTEMPTS = 5  # of a file that is overwritten meanwhile
# Other origins may show files: of the same site they have the cookie, of others they get a 401, as it is SameSite=Lax.
# "same-site" would keep pages of 127.0.0.1:8008 from files of 127.0.0.1:8081, which Chromium takes for two sites.
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; "
    "style-src 'unsafe-inline'",
    "Cache-Control": "private, no-cache",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
# The scopes of keys that may use a method; any other needs a full one.
SCOPES = {"GET": READS, "HEAD": READS, "POST": WRITES, "PUT": WRITES, "DELETE": WRITES}
OWN_ORIGIN = "/files"  # below which the API's origin has the same files
SCRIPTS = re.compile(r"(text|application)/(css|(x-)?(java|ecma|j|live)script[\d.]*)")
DEFAULT_TYPE = "application/octet-stream"

logger = logging.getLogger("eventide.files")


def create_files_app(
    store: FileStore,
    authenticator: Authenticator,
    health: Health,
    max_file_bytes: int,
    proxies: Proxies = NO_PROXIES,
    others: Sequence[type[Files]] = (),
) -> web.Application:
    """Create the HTTP application.

    ``max_file_bytes``: the largest upload; beyond: 413. ``proxies``: those between it and its clients. ``others``: who
    has the same files at other addresses.
    """
    app = web.Application(client_max_size=0, middlewares=[host_middleware(authenticator.origins)])
    add_health_routes(app, health)
    for kind in (*others, Files):
        kind(store, authenticator, max_file_bytes, proxies).add_routes(app)
    app.on_response_prepare.append(add_common_headers)
    app.on_cleanup.append(lambda _: authenticator.audit.close())
    app.on_response_prepare.append(add_cross_origin_headers(authenticator.origins))
    return app


Handler = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]


class Files:
    """The handlers of the files server: upload, download, delete, and a greeting. ``prefix``: of all paths."""

    def __init__(
        self,
        store: FileStore,
        authenticator: Authenticator,
        max_file_bytes: int,
        proxies: Proxies = NO_PROXIES,
        *,
        prefix: str = "",
    ) -> None:
        self._store = store
        self._authenticator = authenticator
        self._max_file_bytes = max_file_bytes
        self._proxies = proxies
        self._prefix = prefix

    def add_routes(self, app: web.Application) -> None:
        """Add them to an application."""
        for root in {f"{self._prefix}/", self._prefix or "/"}:
            app.router.add_get(root, self.answering(self.greet))
            app.router.add_post(root, self.answering(self.upload))
        app.router.add_get(f"{self._prefix}/{{path:.+}}", self.answering(self.download))
        app.router.add_delete(f"{self._prefix}/{{path:.+}}", self.answering(self.delete))
        app.router.add_route("OPTIONS", f"{self._prefix}/{{path:.*}}", _preflight)
        app.on_response_prepare.append(self._close_of_sdk)

    def answering(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Wrap a handler so that it gets its caller, and errors become responses."""

        async def answer(request: web.Request) -> web.StreamResponse:
            request_id.set(told_request_id(request, self._proxies) or new_request_id())
            try:
                check_encoding(request)  # a form is stored as it comes
                caller = await self._authenticator.caller(
                    self._sender(request), scopes=SCOPES.get(request.method, FULL_ONLY)
                )
                response = await handler(request, caller)
            except EventsError as error:
                response = self._refusal(request, error)
            REQUESTS.labels(f"files.{request.method.lower()}", response.status).inc()
            return response

        return answer

    def _refusal(self, request: web.Request, error: EventsError) -> web.Response:
        """Return an error; as a page for a browser that opens a file by itself."""
        if wants_page(request) and isinstance(error, RequestError):
            return error_page(request, error.code, str(error))
        return refusal_with({"error": message_of(error)}, error)

    def _sender(self, request: web.Request) -> Sender:
        is_change = request.method not in SAFE_METHODS
        address = self._proxies.client(request.remote or "", request.headers)
        asked = {"is_change": is_change, "is_media": not is_change}
        return Sender(request.headers, request.cookies, request.method, address, **asked)

    async def greet(self, request: web.Request, caller: Caller) -> web.Response:
        """Answer people who open the address."""
        return web.Response(text="Eventide keeps files here.\n")

    async def upload(self, request: web.Request, caller: Caller) -> web.Response:
        """Store every file of a form; answer with the paths under which they can be fetched."""
        if not request.content_type.startswith("multipart/"):
            raise MalformedRequest("multipart/form-data is expected")
        if request.content_length and request.content_length > self._max_file_bytes:
            raise BodyTooLarge(f"A file has at most {self._max_file_bytes} bytes")
        paths: list[str] = []
        try:
            await self._store_parts(await request.multipart(), caller, paths)
        except BAD_PARTS as error:
            raise MalformedRequest(f"The form cannot be read: {error}") from error
        except TimeoutError as error:
            raise MalformedRequest("The form did not arrive in time") from error
        except ConnectionError as error:
            raise ClientGone("The client left before the end of the form") from error
        if not paths:
            raise MalformedRequest("The form has no files")
        return self._answer(paths)

    def _answer(self, paths: list[str]) -> web.Response:
        return web.json_response(paths)

    async def _store_parts(self, form: MultipartReader, caller: Caller, paths: list[str]) -> None:
        """Store the files of a form by the paths that they ask for, and tell the paths."""
        while part := await next_part(form):
            if isinstance(part, BodyPartReader) and (path := part.name or part.filename):
                await self._authenticator.files.check_change(caller, path)
                await self._store.put(caller.company, path, self._limited(part))
                paths.append(quote(f"/{path.lstrip('/')}"))
            if len(paths) >= MAX_FILES:
                raise BodyTooLarge(f"A form has at most {MAX_FILES} files")

    async def download(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Send a file, or a range of it, in the one version that its headers describe."""
        path = self._path_of(request)
        await self._authenticator.files.check_read(caller, path)
        for _ in range(OPEN_ATTEMPTS):
            with suppress(FileChanged):
                return await self._download(request, caller, path)
        raise Unavailable(f"{path} is being overwritten")

    async def _download(self, request: web.Request, caller: Caller, path: str) -> web.StreamResponse:
        """Send a file. Raises FileChanged if another version replaces the one whose size and tag were read."""
        info = await self._store.info(caller.company, path)
        headers = _file_headers(path, info)
        if info.tag and request.headers.get("If-None-Match") == info.tag:
            return web.Response(status=304, headers=headers)
        start, end, status = _range_of(request, info)
        if status == 416:
            return web.Response(status=416, headers=SAFE_HEADERS | {"Content-Range": f"bytes */{info.size_bytes}"})
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.size_bytes}"
        chunks = await self._store.open(
            caller.company, path, start, start if request.method == "HEAD" else end, info.tag
        )
        response = web.StreamResponse(status=status, headers=headers | {"Content-Length": str(end - start)})
        with suppress(ConnectionResetError):  # the client may leave before the end
            await response.prepare(request)
            async for chunk in chunks:
                await response.write(chunk)
            await response.write_eof()
        return response

    async def delete(self, request: web.Request, caller: Caller) -> web.Response:
        """Remove a file."""
        path = self._path_of(request)
        await self._authenticator.files.check_change(caller, path, is_removal=True)
        await self._store.delete(caller.company, path)
        self._authenticator.audit.record("files.delete", caller, {"path": path[:MAX_TEXT]})
        return web.Response(text="deleted\n")

    async def _close_of_sdk(self, request: web.Request, response: web.StreamResponse) -> None:
        if "Authorization" in request.headers and request.rel_url.raw_path.startswith(self._prefix):
            close_connection(response)  # the SDK shares its sockets with the reporter that it forks

    def _path_of(self, request: web.Request) -> str:
        try:
            return unquote(request.rel_url.raw_path.removeprefix(self._prefix), errors="strict")
        except UnicodeDecodeError as error:
            raise BadPath("The path is not UTF-8") from error

    async def _limited(self, part: BodyPartReader) -> AsyncIterator[bytes]:
        """Yield the bytes of a file.

        Raises BodyTooLarge beyond the limit, TimeoutError if no more come.
        """
        size = 0
        while chunk := await next_bytes(part.read_chunk(UPLOAD_CHUNK_BYTES)):
            size += len(chunk)
            if size > self._max_file_bytes:
                raise BodyTooLarge(f"A file has at most {self._max_file_bytes} bytes")
            yield bytes(chunk)


async def next_part(form: MultipartReader) -> MultipartReader | BodyPartReader | None:
    """Return the next part of a form. Raises TimeoutError if nothing comes."""
    async with asyncio.timeout(UPLOAD_IDLE_SECONDS):
        return await form.next()


async def next_bytes(reading: Awaitable[bytes]) -> bytes:
    """Return the next bytes of a file that arrives. Raises TimeoutError if none come."""
    async with asyncio.timeout(UPLOAD_IDLE_SECONDS):
        return await reading


def _range_of(request: web.Request, info: FileInfo) -> tuple[int, int, int]:
    """Return the first byte, the byte after the last, and the status (200 or 206). Odd ranges mean all."""
    size = info.size_bytes
    try:
        asked = request.http_range
    except ValueError:
        return 0, size, 200
    if asked.start is None and asked.stop is None:
        return 0, size, 200
    start = asked.start or 0
    start = max(0, size + start) if start < 0 else start
    end = min(size, size if asked.stop is None else asked.stop)
    return (start, end, 206) if start < end else (0, 0, 416)


def _file_headers(path: str, info: FileInfo) -> dict[str, str]:
    modified = format_datetime(info.modified, usegmt=True)
    headers = {"Content-Type": content_type(path), "Accept-Ranges": "bytes", "Last-Modified": modified}
    return SAFE_HEADERS | headers | ({"ETag": info.tag} if info.tag else {})


def content_type(path: str) -> str:
    """Return the type by the name's ending. Scripts are text; pages stay pages, and their policy runs nothing."""
    found, encoding = mimetypes.guess_type(path)
    if encoding or not found:
        return DEFAULT_TYPE
    if SCRIPTS.fullmatch(found):
        found = "text/plain"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


def refusal_with(body: Mapping[str, str], error: EventsError) -> web.Response:
    """Return the response of an error with a JSON body; the server's own faults are logged."""
    if not isinstance(error, RequestError):
        logger.error("%s", error, exc_info=not isinstance(error, Unavailable))
    response = web.json_response(body, status=error.code, headers=SAFE_HEADERS)
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if not isinstance(error, FileMissing):
        response.force_close()  # the body may not have been read
    return response


async def _preflight(request: web.Request) -> web.Response:
    return web.Response()
