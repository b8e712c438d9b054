"""What a task's events are after any sequence of writes and deletes: the API contract's rules, in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.harness.events import LOG, PLOT, SCALAR, TYPES, Event
from tests.harness.reference import Name, Point

IGNORED_METRICS = (":monitor:machine", ":monitor:gpu")
IDENTITY = ("task", "iter", "metric", "variant", "key")


@dataclass
class Summary:
    """One curve in ``last_metrics``: extremes as (value, iteration)."""

    value: float
    first: tuple[float, int]
    low: tuple[float, int]
    high: tuple[float, int]


@dataclass
class Oracle:
    """One task. ``events`` are in write order, keyed by identity; every line must bring a timestamp."""

    events: dict[Any, Event] = field(default_factory=dict)
    summaries: dict[Name, Summary] = field(default_factory=dict)
    last_iteration: int = 0

    # --- writes -------------------------------------------------------------------------------------------------------

    def add(self, lines: Sequence[Event]) -> None:
        """One batch. The same batch again is known by its content (log lines), or overwrites (the rest)."""
        batch = json.dumps(lines)
        for place, line in enumerate(lines):
            event = _stored(line)
            key = (batch, place) if event["type"] == LOG else _identity(event)
            self.events.pop(key, None)  # to the end of the write order
            self.events[key] = event
        self._summarise(lines)

    def delete(self) -> int:
        """``delete_for_task``: how many events there were."""
        count = len(self.events)
        self.events.clear()
        return count

    def clear_log(self, invalidated: Callable[[Event], bool]) -> int:
        """``clear_task_log`` of those log lines."""
        keys = [key for key, event in self.events.items() if event["type"] == LOG and invalidated(event)]
        for key in keys:
            del self.events[key]
        return len(keys)

    def reset(self) -> None:
        """``tasks.reset``."""
        self.events.clear()
        self.summaries.clear()
        self.last_iteration = 0

    def _summarise(self, lines: Sequence[Event]) -> None:
        counted = [line.get("iter") for line in lines if line.get("metric") not in IGNORED_METRICS]
        self.last_iteration = max([self.last_iteration, *(n for n in counted if n is not None)])
        of_curve: dict[Name, list[tuple[int, int, int, float]]] = {}
        for place, line in enumerate(lines):
            if line["type"] == SCALAR:
                order = (line.get("iter") or 0, line["timestamp"], place, line["value"])
                of_curve.setdefault((line["metric"], line["variant"]), []).append(order)
        for name, points in of_curve.items():
            self._summarise_curve(name, points)

    def _summarise_curve(self, name: Name, points: list[tuple[int, int, int, float]]) -> None:
        """``points``: (iteration, timestamp, place in the batch, value)."""
        value = max(points)[-1]
        known = self.summaries.get(name)
        if known is None:
            first_iteration = min(point[0] for point in points)
            first = next(point for point in points if point[0] == first_iteration)
            start = (points[0][-1], points[0][0])
            known = self.summaries[name] = Summary(value, (first[-1], first_iteration), start, start)
        known.value = value
        for iteration, _, _, found in points:
            if found < known.low[0]:
                known.low = (found, iteration)
            if found > known.high[0]:
                known.high = (found, iteration)

    # --- reads --------------------------------------------------------------------------------------------------------

    def of(self, *event_types: str) -> list[Event]:
        """The events of these types, in write order."""
        return [event for event in self.events.values() if event["type"] in event_types]

    def by_iteration(self, event_types: Iterable[str] = TYPES, *, descending: bool = False) -> list[Event]:
        """The order of ``get_task_events``."""

        def key(event: Event) -> tuple[bool, int, int]:
            iteration = event.get("iter")
            place = iteration or 0
            return iteration is None, -place if descending else place, TYPES.index(event["type"])

        return sorted(self.of(*event_types), key=key)

    def log_page(self, size: int, start: int, *, earlier: bool) -> list[Event]:
        """A page of ``get_task_log`` ≥ 2.9, completed by ties."""
        lines = sorted(self.of(LOG), key=lambda line: -line["timestamp"] if earlier else line["timestamp"])
        if start:
            lines = [line for line in lines if (line["timestamp"] < start if earlier else line["timestamp"] > start)]
        page = lines[:size]
        return page + [line for line in lines[size:] if page and line["timestamp"] == page[-1]["timestamp"]]

    def names(self, event_type: str) -> dict[str, list[str]]:
        """Metrics and variants, sorted."""
        pairs = sorted({(event["metric"], event["variant"]) for event in self.of(event_type)})
        names: dict[str, list[str]] = {}
        for metric, variant in pairs:
            names.setdefault(metric, []).append(variant)
        return names

    def curves(self) -> dict[Name, Sequence[Point]]:
        """The scalars, as the histograms' model takes them."""
        curves: dict[Name, list[Point]] = {}
        for event in self.of(SCALAR):
            point = Point(event.get("iter"), event["timestamp"], event["value"])
            curves.setdefault((event["metric"], event["variant"]), []).append(point)
        return dict(curves)

    def last_plots(self, count: int) -> list[Event]:
        """``get_task_plots`` ≥ 1.8."""
        by_name: dict[Name, list[Event]] = {}
        for event in self.by_iteration([PLOT], descending=True):
            by_name.setdefault((event["metric"], event["variant"]), []).append(event)
        return [event for _, events in sorted(by_name.items()) for event in events[:count]]


def _stored(line: Event) -> Event:
    """A line as it is returned, but for ``@timestamp``."""
    defaults: Event = {"metric": "", "variant": "", "worker": "<unknown>", "model_event": False}
    event = defaults | line
    if event["type"] == PLOT:
        event["plot_len"] = len(event["plot_str"])
    return event


def _identity(event: Event) -> Any:
    return event["type"], *(json.dumps(event[name]) if name in event else "absent" for name in IDENTITY)
