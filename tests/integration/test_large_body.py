"""Large answers arrive whole, and are written in parts that copy nothing."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

from aiohttp import ClientSession, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.test_utils import TestServer

from schema.http.large_body import PART_BYTES, LargeBody

CONTENT = random.Random(1).randbytes(3 * PART_BYTES + 1)


class Parts:
    """A writer that keeps what is written."""

    def __init__(self) -> None:
        self.parts: list[memoryview] = []

    async def write(self, part: memoryview) -> None:
        self.parts.append(part)


def test_parts_are_views_of_the_content() -> None:
    writer = Parts()
    asyncio.run(LargeBody(CONTENT).write(cast("AbstractStreamWriter", writer)))
    assert [len(part) for part in writer.parts] == [PART_BYTES, PART_BYTES, PART_BYTES, 1]
    assert all(part.obj is CONTENT for part in writer.parts)


async def received() -> tuple[bytes, Any]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=LargeBody(CONTENT), content_type="application/json")

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server, ClientSession() as client, client.get(server.make_url("/")) as response:
        return await response.read(), response.headers


def test_a_client_receives_the_content_with_its_length_and_type() -> None:
    content, headers = asyncio.run(received())
    assert content == CONTENT
    assert headers["Content-Length"] == str(len(CONTENT))
    assert headers["Content-Type"].startswith("application/json")
