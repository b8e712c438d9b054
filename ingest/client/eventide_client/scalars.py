"""Numbers of whatever kind a training has them in, as Python's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PLAIN = frozenset((float, int))


def are_constant(values: Mapping[str, Any]) -> bool:
    """Tell whether values stay what they are: numbers of Python's, which may be looked at later.

    By their sum, which takes a quarter of a look at each: that of anything else, such as tensors, is no ``float``.
    """
    try:
        return type(sum(values.values())) in PLAIN
    except Exception:  # no numbers, or of devices that do not add up
        return False


def plain(values: Mapping[str, object]) -> dict[str, float]:
    """Return values as ``int`` and ``float``. Raises TypeError and ValueError for what is no number."""
    return {str(key): _number(key, value) for key, value in values.items()}


def _number(key: str, value: object) -> float:
    try:
        if hasattr(value, "item"):  # arrays and tensors of one element
            value = value.item()
        if isinstance(value, bool):
            return int(value)
        return value if isinstance(value, int) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise type(error)(f"{key}: a number is expected, not {type(value).__name__}: {error}") from error
