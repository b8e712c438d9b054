"""The routes ``/openapi.json`` and ``/docs``: made once, off the event loop, when they are first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from schema.api import openapi
from schema.api.wire import Endpoints
from schema.http.static_site import Asset, json_asset

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Pages:
    """The description of the API for programs, and for people."""

    document: Asset
    page: Asset


class Description:
    """The pages, once they are made. ``described``: returns the endpoint table."""

    def __init__(self, described: Callable[[], Endpoints]) -> None:
        self._described = described
        self._pages: asyncio.Future[Pages] | None = None

    async def openapi_json(self, request: web.Request) -> web.Response:
        """Answer with the OpenAPI document."""
        return (await self._made()).document.response(request, POLICY)

    async def docs(self, request: web.Request) -> web.Response:
        """Answer with the page."""
        return (await self._made()).page.response(request, POLICY)

    async def _made(self) -> Pages:
        if self._pages is None:
            self._pages = asyncio.ensure_future(asyncio.to_thread(self._make))
        return await asyncio.shield(self._pages)

    def _make(self) -> Pages:
        endpoints = self._described()
        page = Asset(openapi.page(endpoints).encode(), "text/html")
        return Pages(json_asset(openapi.document(endpoints)), page)


def add_description_routes(app: web.Application, described: Callable[[], Endpoints]) -> None:
    """Add the two routes."""
    description = Description(described)
    app.router.add_get("/openapi.json", description.openapi_json)
    app.router.add_get("/docs", description.docs)
