"""Names of series: those in an expression of PromQL, and those that processes have."""

from __future__ import annotations

import re

from prometheus_client import REGISTRY

from schema import metrics

SERIES = re.compile(r"\b(?:eventide[:_]|process_)[a-z0-9_:]+|\bup\b|\bALERTS\b")
OF_PROMETHEUS = {"up", "ALERTS"}
ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "info": ("_info",)}


def series_in(expression: str) -> set[str]:
    """The series that an expression names."""
    return set(SERIES.findall(re.sub(r'"[^"]*"', "", expression)))


def known_series() -> set[str]:
    """The series that a process of Eventide may have, and Prometheus' own."""
    assert metrics.REQUESTS  # what is defined there is registered
    families = list(REGISTRY.collect())
    return OF_PROMETHEUS | {family.name + end for family in families for end in ENDINGS.get(family.type, ("",))}
