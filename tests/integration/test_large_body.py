"""Large answers arrive whole, and are written in pieces that copy nothing."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

from aiohttp import ClientSession, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.test_utils import TestServer

from schema.http.large_body import PIECE_BYTES, LargeBody

CONTENT = random.Random(1).randbytes(3 * PIECE_BYTES + 1)
PARTS = (CONTENT[:7], CONTENT[7:])


class Writer:
    """A writer that keeps what is written."""

    def __init__(self) -> None:
        self.pieces: list[memoryview] = []

    async def write(self, piece: memoryview) -> None:
        self.pieces.append(piece)


def test_pieces_are_views_of_the_content() -> None:
    writer = Writer()
    asyncio.run(LargeBody(PARTS).write(cast("AbstractStreamWriter", writer)))
    assert [len(piece) for piece in writer.pieces] == [7, PIECE_BYTES, PIECE_BYTES, PIECE_BYTES - 6]
    assert all(any(piece.obj is part for part in PARTS) for piece in writer.pieces)


async def received() -> tuple[bytes, Any]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=LargeBody(PARTS), content_type="application/json")

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server, ClientSession() as client, client.get(server.make_url("/")) as response:
        return await response.read(), response.headers


def test_a_client_receives_the_content_with_its_length_and_type() -> None:
    content, headers = asyncio.run(received())
    assert content == CONTENT
    assert headers["Content-Length"] == str(len(CONTENT))
    assert headers["Content-Type"].startswith("application/json")
