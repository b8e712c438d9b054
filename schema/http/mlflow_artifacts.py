"""MLflow's artifacts, through its ``mlflow-artifacts`` proxy: the same files, below ``mlflow/``, one a request.

``PUT``, ``GET`` and ``DELETE /api/2.0/mlflow-artifacts/artifacts/<path>``; ``GET …/artifacts?path=`` lists a folder. A
run's are at ``<experiment>/<run>/artifacts/…``: permissions follow the run, as a path names it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from schema.adapters.mlflow import error_code
from schema.api.dialect import message_of
from schema.api.wire import Caller
from schema.errors import BodyTooLarge, ClientGone, EventsError, MalformedRequest, UnknownEndpoint
from schema.http.files_server import UPLOAD_CHUNK_BYTES, Files, next_bytes, refusal_with

PREFIX = "/api/2.0/mlflow-artifacts"
FOLDER = "mlflow"  # of all artifacts among a company's files
UNSUPPORTED = "Multipart upload is not supported for the current artifact repository"  # at which clients send it whole


class MlflowArtifacts(Files):
    """The handlers of MLflow's artifacts, over the files of a files server."""

    def add_routes(self, app: web.Application) -> None:
        """Add them to an application."""
        self._prefix = f"{PREFIX}/artifacts"
        app.router.add_get(self._prefix, self.answering(self.list_folder))
        for method, handler in (("PUT", self.put), ("GET", self.download), ("DELETE", self.delete)):
            app.router.add_route(method, f"{self._prefix}/{{path:.+}}", self.answering(handler))
        app.router.add_route("*", f"{PREFIX}/{{path:.*}}", self.answering(self.refuse))

    async def list_folder(self, request: web.Request, caller: Caller) -> web.Response:
        """Return ``{"files": [{path, is_dir, file_size}]}`` of a folder, each by its last name."""
        folder = f"{FOLDER}/{request.query.get('path', '').strip('/')}"
        await self._authenticator.files.check_read(caller, folder)
        folders, files = await self._store.list_folder(caller.company, folder)
        found = [{"path": name, "is_dir": True} for name in folders]
        found += [{"path": name, "is_dir": False, "file_size": size} for name, size in files]
        return web.json_response({"files": found})

    async def put(self, request: web.Request, caller: Caller) -> web.Response:
        """Store the body as a file."""
        if (request.content_length or 0) > self._max_file_bytes:
            raise BodyTooLarge(f"A file has at most {self._max_file_bytes} bytes")
        path = self._path_of(request)
        await self._authenticator.files.check_change(caller, path)
        try:
            await self._store.put(caller.company, path, self._body(request))
        except TimeoutError as error:
            raise MalformedRequest("The file did not arrive in time") from error
        except ConnectionError as error:
            raise ClientGone("The client left before the end of the file") from error
        return web.json_response({})

    async def refuse(self, request: web.Request, caller: Caller) -> web.Response:
        """Refuse uploads in parts and signed addresses, so that clients send and fetch files whole."""
        raise UnknownEndpoint(UNSUPPORTED)

    def _path_of(self, request: web.Request) -> str:
        return f"{FOLDER}{super()._path_of(request)}"

    def _refusal(self, request: web.Request, error: EventsError) -> web.Response:
        is_unsupported = isinstance(error, UnknownEndpoint)
        message = str(error) if is_unsupported else message_of(error)
        return refusal_with({"error_code": error_code(error), "message": message}, error)

    async def _body(self, request: web.Request) -> AsyncIterator[bytes]:
        """Yield the bytes of a body. Raises BodyTooLarge beyond the limit, TimeoutError if no more come."""
        size = 0
        while chunk := await next_bytes(request.content.read(UPLOAD_CHUNK_BYTES)):
            size += len(chunk)
            if size > self._max_file_bytes:
                raise BodyTooLarge(f"A file has at most {self._max_file_bytes} bytes")
            yield chunk
