"""JSON documents that are valid, and could not be told again: half characters, and nesting without end."""

from __future__ import annotations

import json
from typing import Any

MAX_LEVELS = 500  # of lists and objects; what encodes answers takes about twice as many


def check_json_limits(text: str, value: Any) -> None:
    """Raises ValueError for the ``value`` of a JSON ``text`` that no answer could hold."""
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
