"""A receiver of OTLP over HTTP, which keeps the spans that it is sent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class Received:
    """A span; ids in hexadecimal, ``parent`` empty of a root, times in ns since the epoch."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    start: int
    end: int
    attributes: dict[str, str]
    links: list[str]


class Collector:
    """The spans that came, in the order of their arrival."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._spans: list[Received] = []
        self._lock = threading.Lock()

    def add(self, body: bytes) -> None:
        """Take a request of OTLP."""
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            for of_resource in request.resource_spans:
                known = {pair.key: pair.value.string_value for pair in of_resource.resource.attributes}
                for scope in of_resource.scope_spans:
                    self._spans += [_read(known["service.name"], span) for span in scope.spans]

    def all(self) -> list[Received]:
        """Everything so far."""
        with self._lock:
            return list(self._spans)

    def of_trace(self, trace: str) -> list[Received]:
        """The spans of one trace, by their start."""
        return sorted((span for span in self.all() if span.trace == trace), key=lambda span: span.start)


def _read(service: str, span: Span) -> Received:
    return Received(
        service,
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        {pair.key: pair.value.string_value or str(pair.value.int_value) for pair in span.attributes},
        [link.trace_id.hex() for link in span.links],
    )


@contextmanager
def collector() -> Iterator[Collector]:
    """A receiver on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.add(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Collector(f"http://127.0.0.1:{server.server_address[1]}/v1/traces")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
