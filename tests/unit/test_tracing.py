"""Traces that are off, and settings that are wrong."""

from __future__ import annotations

import sys

import pytest

from deploy.tracing import start_tracing
from schema import tracing
from schema.errors import ConfigError
from schema.settings import Settings

ON = Settings(trace_endpoint="http://127.0.0.1:4318/v1/traces")


def test_nothing_is_traced_unless_a_setting_says_so() -> None:
    start_tracing("gateway", Settings())
    for span in (tracing.span("a"), tracing.request_span(""), tracing.follow("b", ["c"])):
        assert span is tracing.NO_SPAN
    assert tracing.traceparent() == ""


def test_libraries_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "schema.otel", None)
    with pytest.raises(ConfigError, match=r"eventide\[otel\]"):
        start_tracing("gateway", ON)


def test_an_endpoint_that_is_no_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="EVENTIDE_TRACE_ENDPOINT"):
        start_tracing("gateway", Settings(trace_endpoint="collector:4318"))
