"""trackio's uploads: ``POST /api/upload``, a form whose files are stored by their names.

trackio names media uniquely, and metrics name them by the same names; other files get a folder of their own.
"""

from __future__ import annotations

import re
import uuid

from aiohttp import BodyPartReader, MultipartReader, web

from schema.adapters.trackio import FILES, MEDIA, TrackioDialect
from schema.api.dialect import message_of
from schema.api.wire import Caller
from schema.errors import BodyTooLarge, EventsError
from schema.http.auth import Sender, with_authorization
from schema.http.files_server import MAX_FILES, Files, next_part, refusal_with

PATH = "/api/upload"
UNIQUE = re.compile(r"[0-9a-f-]{32,36}\.\w{1,10}", re.A)
DIALECT = TrackioDialect()


class TrackioUploads(Files):
    """The handler of trackio's uploads, over the files of a files server."""

    def add_routes(self, app: web.Application) -> None:
        """Add it to an application."""
        app.router.add_post(PATH, self.answering(self.upload))

    def _answer(self, paths: list[str]) -> web.Response:
        return web.json_response({"paths": paths})

    async def _store_parts(self, form: MultipartReader, caller: Caller, paths: list[str]) -> None:
        """Store the files of a form by their names, and tell the paths."""
        while part := await next_part(form):
            if isinstance(part, BodyPartReader) and part.filename:
                path = path_of(part.filename)
                await self._authenticator.files.check_change(caller, path)
                await self._store.put(caller.company, path, self._limited(part))
                paths.append(path)
            if len(paths) >= MAX_FILES:
                raise BodyTooLarge(f"A form has at most {MAX_FILES} files")

    def _sender(self, request: web.Request) -> Sender:
        sender = super()._sender(request)
        own = DIALECT.authorization(request.headers)
        if own is None:
            return sender
        return Sender(with_authorization(request, own), {}, request.method, sender.address, is_change=True)

    def _refusal(self, request: web.Request, error: EventsError) -> web.Response:
        return refusal_with({"error": message_of(error)}, error)


def path_of(name: str) -> str:
    """Return where a file of a name is stored."""
    name = name.replace("\\", "/").rpartition("/")[2]
    return f"{MEDIA}/{name}" if UNIQUE.fullmatch(name) else f"{FILES}/{uuid.uuid4().hex}/{name}"
