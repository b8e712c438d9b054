"""The one route over the endpoint table: from an aiohttp request to its response."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import Counter, Histogram

from schema.api.dialect import Dialect
from schema.api.requests import first_of
from schema.api.wire import Call, Caller, Endpoint, Endpoints, Stream
from schema.errors import ClientGone, EventsError, MalformedRequest, UnknownEndpoint, WrongTier
from schema.events.request_context import TRACEPARENT
from schema.fairness.admission import Admission
from schema.fairness.shares import UNKNOWN, current_share
from schema.http.audit_log import AUDITED, details_of
from schema.http.auth import NOBODY, Authenticator, Sender, with_authorization
from schema.http.bodies import Incoming, Limits, check_encoding, read_parameters, receive_body, receive_rest
from schema.http.body_memory import BodyMemory, Reservation
from schema.http.browser_pages import error_page, wants_page
from schema.http.client_address import Proxies
from schema.http.description import add_description_routes
from schema.http.disconnects import cancelled_without_client, is_disconnected
from schema.http.health import Health, add_health_routes
from schema.http.origin_policy import add_cross_origin_headers, host_middleware
from schema.http.request_ids import told_request_id
from schema.http.responses import add_common_headers, enveloped, error_response, is_https, streamed
from schema.http.static_site import Site
from schema.json_logging import request_id
from schema.lru_cache import caches_hit
from schema.metrics import REQUEST_SECONDS, REQUESTS
from schema.tracing import describe, request_span

if TYPE_CHECKING:  # gateways keep no files and show no pages, and need not load what does
    from schema.http.files_server import Files
    from schema.http.oidc_login import OidcLogin

logger = logging.getLogger("eventide.web")


def create_app(
    endpoints: Endpoints,
    authenticator: Authenticator,
    health: Health,
    limits: Limits,
    described: Callable[[], Endpoints],
    site: Site | None = None,
    proxies: Proxies | None = None,
    files: Sequence[Files] = (),
    admission: Admission | None = None,
    sso: OidcLogin | None = None,
    dialects: Sequence[Dialect] = (),
) -> web.Application:
    """Create the HTTP application of one process.

    ``endpoints``: bound to their services. ``described``: returns the endpoints of all tiers, for ``/openapi.json`` and
    ``/docs``, when they are first asked for. ``site``: what is served at ``/``. ``proxies``: those between it and its
    clients. ``admission``: of calls, by company. ``sso``: the addresses of single sign-on. ``dialects``: of other SDKs.
    """
    middlewares = [host_middleware(authenticator.origins)]
    app = web.Application(client_max_size=limits.body_bytes, middlewares=middlewares)
    add_health_routes(app, health)
    add_description_routes(app, described)
    admitted = admission or Admission()
    dispatcher = Dispatcher(endpoints, authenticator, limits, described, proxies or Proxies(), admitted, dialects)
    for some in files:
        some.add_routes(app)
    if sso:
        sso.add_routes(app)
    if site:
        site.add_routes(app, dispatcher.handle)
    app.router.add_route("*", "/{path:.*}", dispatcher.handle)
    app.on_response_prepare.append(add_common_headers)
    app.on_cleanup.append(lambda _: authenticator.audit.close())
    app.on_response_prepare.append(add_cross_origin_headers(authenticator.origins))
    return app


class Dispatcher:
    """Every call, in the order of API contract 1.4: encoding, path, endpoint, caller, body, fields, handler."""

    def __init__(
        self,
        endpoints: Endpoints,
        authenticator: Authenticator,
        limits: Limits,
        described: Callable[[], Endpoints],
        proxies: Proxies,
        admission: Admission,
        dialects: Sequence[Dialect] = (),
    ) -> None:
        self._endpoints = endpoints
        self._dialects = dialects
        self._described = described
        self._authenticator = authenticator
        self._limits = limits
        self._memory = BodyMemory(limits.inflight_bytes)
        self._proxies = proxies
        self._admission = admission

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request; raises nothing but cancellation."""
        if request.method == "OPTIONS":
            return web.Response()
        started = time.perf_counter()
        call = Call(trx=first_of(request.headers, "X-Clearml-Trx", "X-Trains-Trx") or "")
        call.id = told_request_id(request, self._proxies) or call.id
        call.dialect = next((one for one in self._dialects if one.owns(request.rel_url.raw_path)), None)
        request_id.set(call.id)
        current_share.set(UNKNOWN)
        with request_span(request.headers.get(TRACEPARENT, "")) as span:
            response = await self._response(call, request)
            describe(span, call.name, call.id, response.status)
        if not await receive_rest(request):
            response.force_close()  # the rest of the body is not read
        name = call.endpoint.name if call.endpoint else "unknown"
        answered, seconds = _metrics_of(name, response.status)
        answered.inc()
        seconds.observe(time.perf_counter() - started)
        return response

    async def _response(self, call: Call, request: web.Request) -> web.StreamResponse:
        """Answer, also with an error."""
        try:
            return await self._answer(call, request)
        except EventsError as error:
            return _refusal(call, request, error)
        except Exception:
            logger.exception("unexpected error in %s", call.name)
            return error_response(call, EventsError("Internal error"))

    async def _answer(self, call: Call, request: web.Request) -> web.StreamResponse:
        _check_headers(request)
        call.parse(request.rel_url.raw_path, request.method)
        endpoint = await self._resolve(call)
        sender = self._sender(request, call, endpoint)
        caller = await self._authenticator.caller(sender, endpoint.access, endpoint.scopes)
        with self._reservation(caller, request) as reservation:
            incoming = Incoming(request, endpoint, self._limits, reservation, call.path_parameters)
            answer = await self._admitted(call, caller, incoming, await receive_body(incoming))
        if isinstance(answer, Stream):
            return await streamed(request, answer, partial(self._authenticator.check, caller))
        return answer

    async def _admitted(self, call: Call, caller: Caller, incoming: Incoming, body: bytes) -> web.Response | Stream:
        """Answer a call once its company's turn has come. Raises TooManyCalls, and ClientGone if its client left."""
        request, endpoint = incoming.request, incoming.endpoint
        share = self._admission.share_of(caller.company)
        calls = self._admission.queue(is_change=endpoint.is_change)
        if not calls.start(share):
            with cancelled_without_client(request):
                await calls.wait(share)
        try:
            if endpoint.is_change:
                return await self._handled(call, caller, incoming, body)
            with cancelled_without_client(request):
                return await self._handled(call, caller, incoming, body)
        finally:
            calls.leave(share)

    async def _handled(self, call: Call, caller: Caller, incoming: Incoming, body: bytes) -> web.Response | Stream:
        request, endpoint = incoming.request, incoming.endpoint
        parameters = await read_parameters(incoming, body)
        waiting = caller.but(version=call.version, is_abandoned=partial(is_disconnected, request.transport))
        if endpoint.is_change and waiting.is_abandoned():  # what reads is cancelled by itself
            raise ClientGone("The client has closed its connection")
        caches_hit.set(set())  # from here on: those of the answer, not those of the caller
        answer = await endpoint.handler(waiting, parameters)
        if endpoint.name in AUDITED and caller is not NOBODY:
            self._authenticator.audit.record(endpoint.name, caller, details_of(parameters))
        return answer if isinstance(answer, Stream) else await enveloped(call, request, answer)

    async def _resolve(self, call: Call) -> Endpoint:
        """Find the endpoint. Raises WrongTier if another tier has it, and UnknownEndpoint."""
        try:
            return call.resolve(self._endpoints)
        except UnknownEndpoint:
            elsewhere = (await asyncio.to_thread(self._described)).tier_of(call.name, call.version)
            if elsewhere is None:
                raise
            raise WrongTier(f"{call.name} is answered by the {elsewhere.title}, and this is another tier") from None

    def _reservation(self, caller: Caller, request: web.Request) -> Reservation:
        """Reserve memory for the request's body; none for the few KB of an unknown caller."""
        if caller is NOBODY:
            return Reservation(self._memory, ())
        return self._memory.reserve((caller.company, caller.user), caller.address)

    def _sender(self, request: web.Request, call: Call, endpoint: Endpoint) -> Sender:
        address = self._proxies.client(request.remote or "", request.headers)
        headers: Mapping[str, str] = request.headers
        if call.dialect and (own := call.dialect.authorization(headers)):
            headers = with_authorization(request, own)
        told = {"is_change": endpoint.is_change, "is_secure": is_https(request)}
        return Sender(headers, _cookies(request), request.method, address, **told)


def _refusal(call: Call, request: web.Request, error: EventsError) -> web.Response:
    """Return the error as programs read it, or as a page for a browser that is at no call's address."""
    if call.endpoint is None and call.dialect is None and error.code < 500 and wants_page(request):
        return error_page(request, 404, f"{request.rel_url.path} is neither a page nor a call of the API.")
    return error_response(call, error)


def _check_headers(request: web.Request) -> None:
    """Raise EncodedBody for an encoded body.

    Raises MalformedRequest for a header that is not UTF-8, of which no text can be made.
    """
    check_encoding(request)
    text = "".join(request.headers.values())
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise MalformedRequest("A header is not UTF-8") from error


@lru_cache(1024)
def _metrics_of(name: str, status: int) -> tuple[Counter, Histogram]:
    """Return the metrics of an endpoint and status: to look a label up takes longer than to count."""
    return REQUESTS.labels(name, status), REQUEST_SECONDS.labels(name)


def _cookies(request: web.Request) -> Mapping[str, str]:
    """Return the cookies; few programs send any, and aiohttp would make a parser first."""
    return request.cookies if "Cookie" in request.headers else {}
