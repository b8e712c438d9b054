"""Settings -> traces, in the processes that make them."""

from __future__ import annotations

from schema import tracing
from schema.errors import ConfigError
from schema.settings import PREFIX, Settings


def start_tracing(tier: str, settings: Settings) -> None:
    """Trace from now on, if the settings say so. Raises ConfigError if the libraries are missing."""
    if not settings.trace_endpoint:
        return
    if not settings.trace_endpoint.startswith(("http://", "https://")):
        raise ConfigError(f"{PREFIX}TRACE_ENDPOINT: http(s)://host:4318/v1/traces is expected")
    try:
        from schema.otel import OtelTracer
    except ImportError as error:
        raise ConfigError(f"{PREFIX}TRACE_ENDPOINT needs OpenTelemetry: `pip install eventide[otel]`") from error
    tracing.start(OtelTracer(tier, settings.trace_endpoint, settings.trace_ratio))
