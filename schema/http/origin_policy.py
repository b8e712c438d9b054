"""The hosts that this server is known by, and the web pages that may use a person's cookie.

A browser sends its cookies along with whatever a page asks for, and a page of another site can ask for anything. So a
call that is authenticated by a cookie must show that a page of the same origin, or of a listed one, makes it; and a
name that somebody else's DNS points here (DNS rebinding) is none of the server's own, so that no page is of its origin.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from schema.api.wire import Call
from schema.errors import CrossSite, WrongHost
from schema.http.loopback import is_loopback
from schema.http.responses import error_response

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SAFE_METHODS = ("GET", "HEAD")
FORM_TYPES = ("", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain")  # need no CORS preflight
OWN_HEADERS = ("x-clearml-", "x-trains-", "x-eventide-", "x-requested-with")  # of requests that no form can make
PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".svc", ".localdomain")
UNCHECKED_PATHS = ("/healthz", "/readyz")  # probes name whatever host they like, and learn nothing
# Nothing else, such as "a@b", which some read as host a, and others as b.
HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[\w.-]+)(:\d{0,5})?", re.A | re.I)
DEFAULT_PORTS = {"http": 80, "https": 443}


class OriginPolicy:
    """The policy of hosts and origins.

    ``host``: that the server listens on. ``allowed_hosts``: further names that it has, of proxies for instance;
    ``.example.com`` stands for all names below, ``*`` for any. ``allowed_origins``: of further pages that may call with
    cookies, as ``https://web.example.com``.
    """

    def __init__(
        self, host: str = "", allowed_hosts: frozenset[str] = frozenset(), allowed_origins: frozenset[str] = frozenset()
    ) -> None:
        self._host = host
        self._is_private = is_loopback(host)
        self._allowed_hosts = allowed_hosts
        self._allowed_origins = allowed_origins
        self._own_name = socket.gethostname().lower()
        self._knows = lru_cache(1000)(self._knows_name)

    def check_host(self, header: str | None) -> None:
        """Raise WrongHost for a Host header that names none of the server's hosts.

        Browsers always send one, so that its absence is accepted.
        """
        if header is not None and not self._knows(header):
            raise WrongHost("The Host header names no host of this server's (EVENTIDE_ALLOWED_HOSTS)")

    def is_allowed(self, origin: str, host: str | None) -> bool:
        """Tell whether a page of an origin may call with cookies.

        It must be the origin that the Host header names, or a listed one.
        """
        return origin in self._allowed_origins or (host is not None and _is_same(origin, host))

    def check_cookie(self, headers: Mapping[str, str], method: str, *, is_change: bool, is_media: bool = False) -> None:
        """Raise CrossSite unless a call with a cookie is shown to come from a page of an allowed origin.

        ``is_change``: the call changes something: such calls are never made by GET, as images and links are.
        ``is_media``: pages of the same site may show the answer, which they cannot read.
        """
        if is_change and method in SAFE_METHODS:
            raise CrossSite("With a cookie, changes are not made by GET")
        site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
        if site == "same-origin" or (origin and self.is_allowed(origin, headers.get("Host"))):
            return
        is_shown = not is_change and (_is_navigation(headers, method) or (is_media and site == "same-site"))
        if (origin or site) and (origin or not is_shown):
            raise CrossSite("With a cookie, only pages of this server may do this (EVENTIDE_ALLOWED_ORIGINS)")
        if not site and is_change and not _is_beyond_forms(headers):
            raise CrossSite("With a cookie, a change needs the header Origin, or X-Requested-With")

    def _knows_name(self, header: str) -> bool:
        name = _name_of(header)
        if "*" in self._allowed_hosts or name == self._host.lower() or name in self._allowed_hosts:
            return True
        if any(listed.startswith(".") and name.endswith(listed) for listed in self._allowed_hosts):
            return True
        if name.endswith(".localhost") or is_loopback(name):
            return True
        return not self._is_private and self._is_nobody_elses(name)

    def _is_nobody_elses(self, name: str) -> bool:
        """Tell whether no stranger's DNS answers for a name.

        That is so for addresses, names of this machine and of private networks.
        """
        is_local = "." not in name.rstrip(".") or name == self._own_name or name.endswith(PRIVATE_SUFFIXES)
        return bool(name) and (is_local or _is_address(name))


def host_middleware(policy: OriginPolicy) -> Middleware:
    """Refuse requests that name another host, whatever they are for."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in UNCHECKED_PATHS:
            try:
                policy.check_host(request.headers.get("Host"))
            except WrongHost as error:
                return error_response(Call(), error)
        return await handler(request)

    return check


def add_cross_origin_headers(
    policy: OriginPolicy,
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Add headers by which browsers let pages of allowed origins read an answer, with credentials."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        origin = request.headers.get("Origin")
        if origin and policy.is_allowed(origin, request.headers.get("Host")):
            response.headers.update(
                {
                    "Access-Control-Allow-Origin": origin,
                    "Access-Control-Allow-Credentials": "true",
                    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS",
                    "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "*"),
                    "Access-Control-Max-Age": "600",
                }
            )

    return add


def _name_of(header: str) -> str:
    """Return the host of a Host header, in lower case and without its port; empty for what is none."""
    found = HOST.fullmatch(header)
    return found["name"].strip("[]").lower().rstrip(".") if found else ""


def _is_same(origin: str, host: str) -> bool:
    """Tell whether an origin is that of a Host header.

    The scheme is the proxy's matter, and a port may be left out.
    """
    try:
        page = urlsplit(origin)
        own = urlsplit(f"//{host}")
        default = DEFAULT_PORTS[page.scheme]
        return bool(page.hostname) and (page.hostname, page.port or default) == (own.hostname, own.port or default)
    except (ValueError, KeyError):
        return False


def _is_navigation(headers: Mapping[str, str], method: str) -> bool:
    """Tell whether a person opens an address by itself, which shows nothing to the page that linked to it."""
    opened = (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")) == ("navigate", "document")
    return method in SAFE_METHODS and (opened or headers.get("Sec-Fetch-Site") == "none")


def _is_beyond_forms(headers: Mapping[str, str]) -> bool:
    """Tell whether a request has what a page of another origin could send only after a preflight.

    Such a preflight is refused.
    """
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return content_type not in FORM_TYPES or any(name.lower().startswith(OWN_HEADERS) for name in headers)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
