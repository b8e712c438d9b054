"""Numbers as texts, where an event's value cannot hold them: what is not finite, and beyond 32-bit floats."""

from __future__ import annotations

import math


def exact_text(value: float) -> str:
    """Return a number as a text from which it can be read back; not finite ones as protobuf's JSON has them."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "NaN"
    return ("Infinity" if value > 0 else "-Infinity") if math.isinf(value) else repr(value)
