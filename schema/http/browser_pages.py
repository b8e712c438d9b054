"""Pages for people who open an address that is nothing, or not theirs, where programs get JSON."""

from __future__ import annotations

from html import escape

from aiohttp import web

STYLE = (
    "body{font:16px system-ui,sans-serif;color-scheme:light dark;display:grid;place-items:center;min-height:90vh}"
    "main{max-width:34rem;padding:1rem}code{overflow-wrap:anywhere}"
)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def wants_page(request: web.Request) -> bool:
    """Tell whether a browser asks for something to show: programs accept anything, or JSON."""
    return request.method in ("GET", "HEAD") and "text/html" in request.headers.get("Accept", "")


def up_to_root(request: web.Request) -> str:
    """Return the root as a relative address.

    It also leads there where a proxy has put a prefix before the path.
    """
    return "../" * (request.rel_url.raw_path.count("/") - 1) or "./"


def error_page(request: web.Request, status: int, message: str) -> web.Response:
    """Return a page that says what is wrong and leads to the start."""
    title = "There is nothing at this address" if status == 404 else f"Error {status}"
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title} · Eventide</title><style>{STYLE}</style>'
        f"<main><h1>{title}</h1><p>{escape(message)}</p>"
        f'<p><a href="{up_to_root(request)}">To the start</a></p></main></html>'
    )
    return web.Response(status=status, text=text, content_type="text/html", headers=HEADERS)
