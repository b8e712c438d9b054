"""Limits of JSON documents: what is valid but cannot be encoded again, and too many values."""

from __future__ import annotations

import json
from typing import Any

from schema.api.json_count import has_more_values

MAX_EVENT_VALUES = 100_000  # of one event: to parse and encode as many takes 0.1 s, which blocks all other threads
MAX_LEVELS = 500  # of lists and objects; what encodes answers takes about twice as many


def check_values(text: str, limit: int) -> None:
    """Raise ValueError for a JSON ``text`` of more than ``limit`` values, which are counted without making them."""
    if len(text) > limit and has_more_values(text.encode("utf-8", "surrogatepass"), limit):
        raise ValueError(f"more than {limit} values")


def check_json_limits(text: str, value: Any) -> None:
    """Raise ValueError if no answer could hold the ``value`` of a JSON ``text``."""
    if text.count("[") + text.count("{") > MAX_LEVELS and _is_deeper(value):
        raise ValueError(f"more than {MAX_LEVELS} levels")
    if "\\ud" in text or "\\uD" in text:
        text = json.dumps(value, ensure_ascii=False)
    if not text.isascii():
        text.encode()


def _is_deeper(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_LEVELS):
        level = [inner for outer in level for inner in _members(outer) if isinstance(inner, list | dict)]
        if not level:
            return False
    return True


def _members(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value
