"""``schema/changefeed/points.py``, ``ingest/writing/changed_points.py``: the points of a curve, and those that a write
adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ingest.writing.changed_points import points_by_curve
from ingest.writing.metric_index import Groups, dictionary_encoded
from schema.changefeed.points import Points, join_points
from tests.harness.events import SINGLE_VALUE


def points(*iters: int, received: int | None = 1) -> Points:
    return Points(np.array(iters), np.array(iters, np.float32), received)


@pytest.mark.parametrize(
    ("known", "more", "joined"),
    [
        ((1, 2), (3, 7), (1, 2, 3, 7)),
        ((5, 6), (1, 2), (1, 2, 5, 6)),
        ((1, 9), (3, 4), (1, 3, 4, 9)),
        ((1, 2), (2, 3), None),
        ((1, 5), (0, 1), None),
        ((1, 5), (0, 9), None),
        ((1, 5, 9), (3, 7), None),
    ],
)
def test_points_that_lie_apart_are_joined(
    known: Sequence[int], more: Sequence[int], joined: Sequence[int] | None
) -> None:
    found = points(*known).joined(points(*more))
    assert (found and found.iters.tolist()) == (joined and [*joined])
    assert found is None or found.values.tolist() == found.iters.tolist()


@pytest.mark.parametrize(
    ("known", "more", "received"),
    [
        (points(1, received=5), points(2, received=7), 7),
        (points(1, received=5), points(2, received=4), None),  # a clock that was set back
        (points(2, received=5), points(1, received=7), None),  # the newest is not the last
        (points(1, received=None), points(2, received=7), None),
        (points(1, received=5), points(2, received=None), None),
    ],
)
def test_when_the_last_point_came_is_known_if_none_came_later(
    known: Points, more: Points, received: int | None
) -> None:
    joined = known.joined(more)
    assert joined
    assert joined.received == received


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_parts_may_come_in_any_order(first: int) -> None:
    parts = [points(0, 1, received=1), points(5, 6, received=2), points(7, 9, received=3), points(12, received=4)]
    found = join_points(parts[first:] + parts[:first][::-1])
    assert found
    assert (found.iters.tolist(), found.received) == ([0, 1, 5, 6, 7, 9, 12], 4)


@pytest.mark.parametrize(
    ("parts", "iters", "received"),
    [
        ([points(0, 9), points(3, 4), points(6, 7)], [0, 3, 4, 6, 7, 9], None),
        ([points(0, 9), points(3, 6), points(4, 5)], [0, 3, 4, 5, 6, 9], None),
        ([points(0, 9), points(3, 12)], None, None),
        ([points(0, 1), points(1, 2)], None, None),
        ([points(0, received=2), points(1, received=1), points(2, received=3)], [0, 1, 2], None),
        ([points(0, received=None), points(1)], [0, 1], None),
    ],
)
def test_parts_that_fit_are_joined(parts: list[Points], iters: list[int] | None, received: int | None) -> None:
    found = join_points(parts)
    assert (found and found.iters.tolist()) == iters
    assert found is None or found.received == received


Row = tuple[str, str, int, Any, bool, int]  # task, metric, iteration, value, whether it has one, received


def by_curve(*rows: Row) -> dict[str, Any]:
    """Iterations, values and the time of each curve's points."""
    names = ("task", "metric", "iter", "value", "has_iter", "received_at")
    columns: dict[str, Any] = dict(zip(names, zip(*rows, strict=True), strict=True))
    columns |= {
        "company": ["c"] * len(rows),
        "variant": ["v"] * len(rows),
        "value": pa.array(columns["value"], pa.float64()),
    }
    events = dictionary_encoded(pa.table({name: pa.array(column) for name, column in columns.items()}))
    found = points_by_curve(Groups(events))
    return {
        f"{task} {metric}": curve and (curve.iters.tolist(), curve.values.tolist(), curve.received)
        for (_, task), curves in found.items()
        for (metric, _), curve in curves.items()
    }


def test_each_curve_has_its_own() -> None:
    rows = [
        ("t", "a", 1, 1.5, True, 1),
        ("u", "a", 1, 2.5, True, 2),
        ("t", "a", 2, 3.5, True, 3),
        ("t", "b", 9, 4, True, 4),
    ]
    assert by_curve(*rows) == {"t a": ([1, 2], [1.5, 3.5], 3), "u a": ([1], [2.5], 2), "t b": ([9], [4], 4)}


def test_iterations_may_come_in_any_order() -> None:
    rows: list[Row] = [("t", "a", n, n, True, 1) for n in (3, 1, 2)] + [("t", "b", 1, 1, True, 1)]
    assert by_curve(*rows) == {"t a": ([1, 2, 3], [1, 2, 3], 1), "t b": ([1], [1], 1)}


@pytest.mark.parametrize("received", [(1, 2), (2, 2), (2, 1)])
def test_the_last_point_has_to_be_the_newest(received: tuple[int, int]) -> None:
    rows: list[Row] = [("t", "a", n, n, True, at) for n, at in enumerate(received)]
    assert by_curve(*rows)["t a"][2] == (received[1] if received[0] <= received[1] else None)


@pytest.mark.parametrize(
    "odd",
    [
        ("t", "a", 1, 5.0, True, 1),  # again
        ("t", "a", 2, None, True, 1),
        ("t", "a", 2, 1e300, True, 1),
        ("t", "a", 0, 1.0, False, 1),
        ("t", "a", SINGLE_VALUE, 1.0, True, 1),
    ],
)
def test_a_curve_with_anything_else_has_none(odd: Row) -> None:
    assert by_curve(("t", "a", 1, 1.0, True, 1), odd, ("t", "b", 1, 1.0, True, 1)) == {
        "t a": None,
        "t b": ([1], [1], 1),
    }
