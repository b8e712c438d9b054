"""What a training script logs under a key: a number, a text, something with a ``_type``, or a mapping of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.importers.point_buffer import PointBuffer
from ingest.importers.records import Line, Lines, Part, Skipped
from schema.adapters.metric_keys import names_of_path
from schema.adapters.nested_values import MAX_DEPTH

NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


@dataclass(frozen=True)
class Place:
    """Where something was logged. ``time``: ms since the epoch."""

    key: str
    step: float
    time: int


@dataclass(frozen=True)
class LoggedValues:
    """Turns values into parts: numbers wait in ``buffer``, what has a ``_type`` goes to ``typed``."""

    typed: Callable[[Mapping[str, Any], Place], Iterator[Part]]
    buffer: PointBuffer = field(default_factory=PointBuffer)

    def read(self, value: Any, place: Place, depth: int = 0) -> Iterator[Part]:
        """Yield the parts of a value, and points if enough of them wait."""
        if isinstance(value, int | float):  # truth values too
            self.buffer.add(names_of_path(place.key), place.step, float(value), place.time)
        elif isinstance(value, Mapping):
            yield from self._mapping(value, place, depth)
        elif isinstance(value, str) and value in NUMBERS:
            self.buffer.add(names_of_path(place.key), place.step, NUMBERS[value], place.time)
        elif isinstance(value, str):
            yield Lines([Line(place.time, f"[{place.key} @ {place.step:g}] {value}")])
        elif isinstance(value, list):
            yield Skipped("list of values")
        else:
            yield Skipped("empty value")

    def _mapping(self, value: Mapping[str, Any], place: Place, depth: int) -> Iterator[Part]:
        if "_type" in value:
            yield from self.typed(value, place)
        elif depth == MAX_DEPTH:
            yield Skipped("value nested too deeply")
        else:
            for name, inner in value.items():
                yield from self.read(inner, Place(f"{place.key}/{name}", place.step, place.time), depth + 1)
