"""The id of a request: the one that a proxy of ours gives it, so that both logs have the same, or a new one."""

from __future__ import annotations

import re

from aiohttp import web

from schema.http.client_address import Proxies

HEADER = "X-Request-Id"
FORM = re.compile(r"[0-9a-f]{32}", re.A)  # nginx's, and our own


def told_request_id(request: web.Request, proxies: Proxies) -> str:
    """Return the id that a proxy gives a request; empty if none does. Clients do not choose what is logged."""
    told = request.headers.get(HEADER, "")
    return told if told and FORM.fullmatch(told) and proxies.is_proxy(request.remote or "") else ""
