"""Events as json lines, as Eventide's ``events.add_batch`` takes them.

A key ``a/b/c`` is metric ``a`` and variant ``b/c``; one without a slash is both.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from eventide_client.scalars import PLAIN, plain

SCALAR, IMAGE, PLOT, LOG = "training_stats_scalar", "training_debug_image", "plot", "log"
SINGLE_VALUE_ITER = -(2**31)  # API contract 2.4
SUMMARY = "Summary"
MAX_PREFIXES = 100_000  # of 200 bytes: keys beyond are formatted anew each time


def metric_and_variant(key: str) -> tuple[str, str]:
    """Return the names under which a key is stored."""
    key = encodable(key)
    metric, _, variant = key.partition("/")
    return (metric, variant) if metric and variant else (key, key)


def encodable(text: str) -> str:
    """Return a text without halves of surrogate pairs, of which one makes the server refuse all of a request."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class EventLines:
    """The encoder of one task's events. Not for concurrent use.

    Of a scalar all but value, step and time is formatted once for each key: 0.5 µs a value, of which the digits of a
    float take most; ``json.dumps`` of an event takes 5.
    """

    def __init__(self, task: str) -> None:
        self._task = task
        self._prefixes: dict[str, str] = {}

    def scalars(self, values: Mapping[str, float], step: int, seconds: float) -> bytes:
        """Return a line for each value, NaN and infinities as text (docs/client.md). Raises as ``plain``."""
        if not set(map(type, values.values())) <= PLAIN:
            values = plain(values)
        end = f',"iter":{step},"timestamp":{int(seconds * 1000)}}}\n'
        prefixes = self._prefixes
        try:
            # One pass, and the common end between them: a call of a function for each value would take as long again.
            if math.isfinite(sum(values.values())):
                return (end.join([prefixes[key] + repr(value) for key, value in values.items()]) + end).encode()
        except KeyError:
            self._learn(values)
        except OverflowError:  # an integer that no float holds
            pass
        return "".join([self._scalar(key, value) + end for key, value in values.items()]).encode()

    def summary(self, values: Mapping[str, float], milliseconds: int) -> bytes:
        """Return a line for each single value (API contract 2.4)."""
        return b"".join(
            self.event(SCALAR, SUMMARY, encodable(name), SINGLE_VALUE_ITER, milliseconds, **_value_fields(value))
            for name, value in values.items()
        )

    def log(self, text: str, level: str, milliseconds: int) -> bytes:
        """Return the line of a console message."""
        return self._line({"type": LOG, "level": encodable(level), "msg": encodable(text), "timestamp": milliseconds})

    def event(self, event_type: str, metric: str, variant: str, step: int, milliseconds: int, **fields: Any) -> bytes:
        """Return the line of any event that has a metric."""
        names = {"type": event_type, "metric": metric, "variant": variant}
        return self._line({**names, "iter": step, "timestamp": milliseconds, **fields})

    def _line(self, fields: Mapping[str, Any]) -> bytes:
        return json.dumps({"task": self._task, **fields}, separators=(",", ":")).encode() + b"\n"

    def _scalar(self, key: str, value: float) -> str:
        """Return the beginning of a scalar's line, of any value."""
        (name, shown), *_ = _value_fields(value).items()
        prefix = self._prefixes.get(key) or self._prefix(key)
        return prefix[: -len('"value":')] + f'"{name}":{json.dumps(shown)}'

    def _learn(self, keys: Mapping[str, float]) -> None:
        for key in keys:
            if key not in self._prefixes and len(self._prefixes) < MAX_PREFIXES:
                self._prefixes[key] = self._prefix(key)

    def _prefix(self, key: str) -> str:
        metric, variant = metric_and_variant(key)
        names = {"type": SCALAR, "task": self._task, "metric": metric, "variant": variant}
        return f'{json.dumps(names, separators=(",", ":"))[:-1]},"value":'


def _value_fields(value: float) -> dict[str, Any]:
    """Return the field that says a value; of one that is no number in JSON as text, as the API takes finite ones."""
    try:
        return {"value": value} if math.isfinite(value) else {"nonfinite": str(float(value))}
    except OverflowError:
        return {"nonfinite": "inf" if value > 0 else "-inf"}
