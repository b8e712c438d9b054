"""Limits of JSON documents: what is valid but cannot be encoded again, and too many values."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_EVENT_VALUES = 100_000  # of one event: to parse and encode as many takes 0.1 s, which blocks all other threads
MAX_LEVELS = 500  # of lists and objects; what encodes answers takes about twice as many
STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # one without an end goes to the end of the text


def check_values(text: str, limit: int) -> None:
    """Raise ValueError for a JSON ``text`` of more than ``limit`` values, which are counted without making them."""
    if len(text) > limit and _count_values(text) > limit and _count_values(STRING.sub("", text)) > limit:
        raise ValueError(f"more than {limit} values")


def _count_values(text: str) -> int:
    """Count the values of a JSON text without strings; too many if strings have commas or brackets."""
    return text.count(",") + text.count("[") + text.count("{") + 1


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
