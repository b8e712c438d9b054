"""Nested mappings of other SDKs, as configurations and metrics are sent, by the paths of their leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MAX_DEPTH = 20  # what lies deeper is a value as a whole


def flattened(values: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings by their path, ``model/depth``."""
    for name, value in values.items():
        path = f"{prefix}/{name}" if prefix else str(name)
        if isinstance(value, Mapping) and value and depth < MAX_DEPTH:
            yield from flattened(value, path, depth + 1)
        else:
            yield path, value
