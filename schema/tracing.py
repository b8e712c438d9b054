"""Traces of requests through the tiers. ``schema/otel.py``, loaded only where they are on, knows OpenTelemetry.

While they are off a span costs 0.3 µs. Spans nest by context variables, so also through threads that run a call's work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Protocol

SERVER, INTERNAL, CLIENT, PRODUCER, CONSUMER = "SERVER", "INTERNAL", "CLIENT", "PRODUCER", "CONSUMER"
MAX_STATEMENT_CHARACTERS = 2000
MAX_LINKS = 32
# The names of spans, each made once.
SPAN_NAMES = {
    (system, kind): f"{system} {kind}"
    for system, kinds in {"clickhouse": ("read", "select", "insert", "execute"), "registry": ("read", "write")}.items()
    for kind in kinds
}


class Span(Protocol):
    """A step of a trace, as OpenTelemetry has it."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Add what is known only later."""

    def update_name(self, name: str) -> None:
        """Give it another name."""


class Tracer(Protocol):
    """What makes spans."""

    def span(
        self, name: str, kind: str, parent: str, links: Sequence[str], attributes: dict[str, Any]
    ) -> AbstractContextManager[Span]:
        """Return a span, the current one inside the ``with`` block; one that nobody sees outside of sampled traces."""

    def request_span(self, traceparent: str) -> AbstractContextManager[Span]:
        """Return the span of a request from outside."""

    def traceparent(self) -> str:
        """Return the current span as W3C's header; empty if it is not sampled."""

    def stop(self) -> None:
        """Send what is left, within seconds."""


class NoSpan:
    """A span that nobody sees."""

    __slots__ = ()

    def set_attribute(self, key: str, value: Any) -> None:
        """Do nothing."""

    def update_name(self, name: str) -> None:
        """Do nothing."""

    def __enter__(self) -> NoSpan:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


NO_SPAN = NoSpan()
_tracer: Tracer | None = None


def start(tracer: Tracer) -> None:
    """Have spans made by a tracer from now on."""
    global _tracer
    _tracer = tracer


def stop() -> None:
    """Make no more spans, and send those that were made; within seconds."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer:
        tracer.stop()


def request_span(traceparent: str) -> AbstractContextManager[Span]:
    """Return the span of a request, part of its client's trace if ``traceparent`` (a header, or empty) tells one.

    Whether it is sampled is decided here, not by the client.
    """
    return NO_SPAN if _tracer is None else _tracer.request_span(traceparent)


def span(
    name: str, kind: str = INTERNAL, *, parent: str = "", links: Sequence[str] = (), **attributes: Any
) -> AbstractContextManager[Span]:
    """Return a span below the current one, or below ``parent``; one that nobody sees where neither is sampled.

    ``parent``, ``links``: as ``traceparent`` tells them.
    """
    return NO_SPAN if _tracer is None else _tracer.span(name, kind, parent, links, attributes)


def statement_span(system: str, kind: str, text: str = "") -> AbstractContextManager[Span]:
    """Return the span of a statement. ``text``: without values, which are parameters; of an insert, its table."""
    if _tracer is None:
        return NO_SPAN
    attributes = {"db.system.name": system}
    if text:
        attributes["db.collection.name" if kind == "insert" else "db.query.text"] = text[:MAX_STATEMENT_CHARACTERS]
    return _tracer.span(SPAN_NAMES[system, kind], CLIENT, "", (), attributes)


def follow(name: str, traceparents: Iterable[str]) -> AbstractContextManager[Span]:
    """Return the span of work for several requests: below the first that is traced, with links to others."""
    if _tracer is None:
        return NO_SPAN
    first, *others = list(islice(filter(None, dict.fromkeys(traceparents)), 1 + MAX_LINKS)) or [""]
    return _tracer.span(name, CONSUMER, first, others, {}) if first else NO_SPAN


def describe(span: Span, name: str, request_id: str, status: int) -> None:
    """Have the span of a request tell its call, id and answer."""
    if span is NO_SPAN:
        return
    span.update_name(name or "unknown")
    for key, value in (("eventide.request_id", request_id), ("http.response.status_code", status)):
        span.set_attribute(key, value)


def traceparent() -> str:
    """Return the current span as the header ``traceparent`` of W3C; empty if there is none, or it is not sampled."""
    return "" if _tracer is None else _tracer.traceparent()
