"""An independent model of the downsampled curves (API contract 3.18), in plain Python, from the text alone."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Literal

Key = Literal["iter", "timestamp", "iso_time"]
Name = tuple[str, str]  # metric, variant
FIRST_ITERATION = -(2**31)  # single values are here; curves begin above
GROUP_SIZE, GROUP_MEMBERS = 6000, 50


@dataclass(frozen=True)
class Point:
    """A stored scalar: the latest of its identity."""

    iteration: int | None
    timestamp: int | None
    value: float | None

    def place(self, key: Key) -> int | None:
        """The field that the curve is drawn over."""
        return self.iteration if key == "iter" else self.timestamp


@dataclass
class Width:
    """What step 1 knows of one curve."""

    name: Name
    interval: int
    size: int


def histogram(
    curves: dict[Name, Sequence[Point]], samples: int = 2000, key: Key = "iter"
) -> dict[str, dict[str, dict[str, Any]]]:
    """The answer's data, keys in the answer's order."""
    answer: dict[str, dict[str, dict[str, Any]]] = {}
    for (metric, variant), interval in intervals(curves, samples, key).items():
        x, y = _buckets(_drawn(curves[metric, variant], key), interval)
        answer.setdefault(metric, {})[variant] = {"name": variant, "x": _shown(x, key), "y": y}
    return answer


def intervals(curves: Mapping[Name, Sequence[Point]], samples: int, key: Key) -> dict[Name, int]:
    """How wide the buckets of each curve are (steps 1 and 2), in the answer's order."""
    drawn = {name: _drawn(points, key) for name, points in curves.items()}
    widths = [_width(name, places, samples) for name, places in sorted(drawn.items()) if places]
    groups = _groups(sorted(widths, key=lambda width: width.interval))
    return {name: max(w.interval for w in group) for group in groups for name in sorted(w.name for w in group)}


def float32(value: float) -> float:
    """The nearest 32-bit float, as a double."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _drawn(points: Sequence[Point], key: Key) -> list[tuple[int, float | None]]:
    """(place, value) of the points of the curve that have a place."""
    found = []
    for point in points:
        if point.iteration is not None and point.iteration > FIRST_ITERATION:
            place = point.place(key)
            if place is not None:
                found.append((place, point.value))
    return found


def _width(name: Name, drawn: Sequence[tuple[int, float | None]], samples: int) -> Width:
    """Step 1."""
    places = [place for place, _ in drawn]
    if len(places) < samples:
        return Width(name, 1, len(places))
    span = max(places) - min(places) + 1
    interval = max(1, math.ceil(Fraction(span, samples)))
    return Width(name, interval, math.ceil(Fraction(span, interval)))


def _groups(widths: Sequence[Width]) -> list[list[Width]]:
    """Step 2, of widths in ascending order."""
    groups: list[list[Width]] = []
    for width in widths:
        if groups:
            group = groups[-1]
            first = group[0].interval
            is_near = width.interval <= first + first // 10
            fits = sum(member.size for member in group) + width.size <= GROUP_SIZE
            if is_near and fits and len(group) < GROUP_MEMBERS:
                group.append(width)
                continue
        groups.append([width])
    return groups


def _buckets(drawn: Sequence[tuple[int, float | None]], interval: int) -> tuple[list[int], list[float | None]]:
    """Step 3."""
    buckets: dict[int, list[float]] = {}
    for place, value in drawn:
        bucket = buckets.setdefault(place // interval * interval, [])
        if value is not None:
            bucket.append(float32(value))
    starts = sorted(buckets)
    return starts, [math.fsum(buckets[start]) / len(buckets[start]) if buckets[start] else None for start in starts]


def _shown(starts: list[int], key: Key) -> list[Any]:
    if key != "iso_time":
        return list(starts)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    moments = [epoch + timedelta(milliseconds=start) for start in starts]
    return [f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z" for moment in moments]
