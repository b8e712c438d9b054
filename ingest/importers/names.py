"""Keys of other trackers -> metric and variant, and values of configurations -> hyper-parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

SECTION = "General"
MAX_DEPTH = 20  # of a configuration; deeper values are kept as JSON


def metric_and_variant(key: str) -> tuple[str, str]:
    """Return the first part of a path and the rest of it; both are the key if there are not two parts."""
    metric, _, variant = key.partition("/")
    return (metric, variant) if metric and variant else (key, key)


def hyper_parameters(config: Mapping[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
    """Return a configuration as a task has it: ``{section: {name: {section, name, value}}}``."""
    parameters = {}
    for name, value in flattened(config):
        parameters[name] = {"section": SECTION, "name": name, "value": as_text(value)}
    return {SECTION: parameters} if parameters else {}


def flattened(config: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings by their path, ``model/depth``."""
    for name, value in config.items():
        path = f"{prefix}/{name}" if prefix else str(name)
        if isinstance(value, Mapping) and value and depth < MAX_DEPTH:
            yield from flattened(value, path, depth + 1)
        else:
            yield path, value


def as_text(value: Any) -> str:
    """Return a value as text: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
