"""The tracer on OpenTelemetry's SDK: samples, and sends spans by OTLP over HTTP. Loaded only where traces are on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schema import tracing
from schema.build import build

EXPORT_SECONDS = 5.0
FLUSH_SECONDS = 3.0
PROPAGATOR = TraceContextTextMapPropagator()


class OtelTracer:
    """A tracer. ``endpoint``: of OTLP over HTTP; ``ratio``: of requests that are traced.

    A request is sampled where it comes in; what follows from it, in other tiers too, goes by that.
    """

    def __init__(self, tier: str, endpoint: str, ratio: float) -> None:
        self._sampler = TraceIdRatioBased(ratio)
        known = {"service.name": f"eventide-{tier}", "service.version": build().version}
        resource = Resource.create(known | {"service.instance.id": socket.gethostname()})
        self._provider = TracerProvider(sampler=ParentBased(self._sampler), resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("eventide", build().version)

    def span(
        self, name: str, kind: str, parent: str, links: Sequence[str], attributes: dict[str, Any]
    ) -> AbstractContextManager[tracing.Span]:
        if not parent and not _is_sampled(get_current_span().get_span_context()):
            return tracing.NO_SPAN  # what a process does by itself is no trace, and what is not sampled needs no span
        return self._tracer.start_as_current_span(
            name,
            context=set_span_in_context(NonRecordingSpan(_context_of(parent))) if parent else None,
            kind=SpanKind[kind],
            links=[Link(_context_of(link)) for link in links],
            attributes=attributes,
        )

    def request_span(self, traceparent: str) -> AbstractContextManager[tracing.Span]:
        """Return the span of a request; a client's trace goes on, but is sampled as our own ones are."""
        context = Context()
        told = _context_of(traceparent)
        if told.is_valid:
            is_sampled = self._sampler.should_sample(None, told.trace_id, "").decision is not Decision.DROP
            flags = TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT)
            ours = SpanContext(told.trace_id, told.span_id, is_remote=True, trace_flags=flags)
            context = set_span_in_context(NonRecordingSpan(ours), context)
        return self._tracer.start_as_current_span("request", context=context, kind=SpanKind[tracing.SERVER])

    def traceparent(self) -> str:
        context = get_current_span().get_span_context()
        if not _is_sampled(context):
            return ""
        return f"00-{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}-01"

    def stop(self) -> None:
        """Send what is left; where nobody takes it, the SDK would try for minutes, so not on this thread."""
        flushing = threading.Thread(target=self._provider.force_flush, daemon=True)
        flushing.start()
        flushing.join(FLUSH_SECONDS)


def _is_sampled(context: SpanContext) -> bool:
    return context.is_valid and context.trace_flags.sampled


def _context_of(traceparent: str) -> SpanContext:
    """Return the span that a header tells; an invalid one if it tells none."""
    return get_current_span(PROPAGATOR.extract({"traceparent": traceparent}, Context())).get_span_context()
