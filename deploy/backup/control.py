"""The socket in the data directory at which a running ``eventide up`` is asked for a backup.

Only the user that owns the directory can reach it, and needs no key.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from aiohttp import ClientConnectorError, ClientSession, ClientTimeout, UnixConnector, web
from pydantic import BaseModel

from deploy.backup.manifest import Manifest
from deploy.data_directory import CONTROL
from schema.errors import ConfigError, EventsError, Unavailable

MAX_PATH = 100  # bytes; the system's limit for the path of a socket is 104 to 108


class BackupRequest(BaseModel):
    """Where a backup is made, and the whole one that it builds on: absolute paths."""

    place: Path
    base: Path | None = None


@asynccontextmanager
async def listening(directory: Path, make: Callable[[Path, Path | None], Awaitable[Manifest]]) -> AsyncIterator[None]:
    """Answer requests for backups meanwhile."""

    async def answer(request: web.Request) -> web.Response:
        asked = BackupRequest.model_validate_json(await request.read())
        try:
            made = await make(asked.place, asked.base)
        except EventsError as error:
            status = 400 if isinstance(error, ConfigError) else 503
            return web.Response(status=status, text=str(error))
        return web.json_response(text=made.model_dump_json())

    app = web.Application()
    app.router.add_post("/backup", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        with _path(directory) as path:
            await web.UnixSite(runner, path).start()  # in the place of one that a killed process left
        yield
    finally:
        await runner.cleanup()


async def ask(directory: Path, request: BackupRequest) -> Manifest | None:
    """Ask the process on a data directory for a backup; None if there is none.

    Raises ConfigError and Unavailable, as the backup there did.
    """
    if not (directory / CONTROL).exists():
        return None
    try:
        with _path(directory) as path:
            return await _ask_at(path, request)
    except ClientConnectorError:  # the socket of a process that was killed
        return None


async def _ask_at(path: str, request: BackupRequest) -> Manifest:
    async with (
        ClientSession(connector=UnixConnector(path), timeout=ClientTimeout()) as session,
        session.post("http://up/backup", data=request.model_dump_json()) as response,
    ):
        return _read(response.status, await response.text())


def _read(status: int, text: str) -> Manifest:
    if status == 200:
        return Manifest.model_validate_json(text)
    raise ConfigError(text) if status == 400 else Unavailable(text)


@contextmanager
def _path(directory: Path) -> Iterator[str]:
    """Yield a path of the socket that is short enough."""
    path = str(directory.resolve() / CONTROL)
    if len(os.fsencode(path)) <= MAX_PATH:
        yield path
        return
    opened = os.open(directory, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{opened}/{CONTROL}"
    finally:
        os.close(opened)
