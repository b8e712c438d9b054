"""Numbers of whatever kind a training has them in, as Python's own."""

from __future__ import annotations

from collections.abc import Mapping

PLAIN = frozenset((float, int))


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
