"""Arrays of points are those of their rows, in whatever order ClickHouse's threads have put them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from query.curves.point_tables import arrays, ungrouped

Found = list[tuple[int, dict[str, Any]]] | None


def table(*curves: tuple[int, list[int], list[float]]) -> pa.Table:
    numbers, x, y = zip(*curves, strict=True)
    return pa.table({"curve": pa.array(numbers, pa.uint64()), "x": list(x), "y": pa.array(y, pa.list_(pa.float32()))})


def plain(found: Found) -> Any:
    """The same with lists for arrays, in the order of the curves."""
    assert found is not None
    return sorted((n, {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in row.items()}) for n, row in found)


def test_curves_are_read_with_their_ranges() -> None:
    found = plain(arrays(table((7, [1, 2, 5], [0.5, 0.25, 1.5]), (3, [0], [2.0])), ["y", "y_max"]))
    assert found == [
        (3, {"count": 1, "low": 0, "high": 0, "x": [0], "y": [2.0], "y_max": [2.0]}),
        (7, {"count": 3, "low": 1, "high": 5, "x": [1, 2, 5], "y": [0.5, 0.25, 1.5], "y_max": [0.5, 0.25, 1.5]}),
    ]


def test_the_points_of_two_threads_are_sorted() -> None:
    found = plain(arrays(table((1, [3, 4, 1], [0.3, 0.4, 0.1]), (2, [9, 8], [0.9, 0.8])), ["y"]))
    points = pa.table(
        {"curve": [1, 1, 1, 2, 2], "x": [1, 3, 4, 8, 9], "y": pa.array([0.1, 0.3, 0.4, 0.8, 0.9], pa.float32())}
    )
    assert found == plain(ungrouped(points, ["y"]))


def test_an_answer_in_several_parts_is_read_whole() -> None:
    parts = [table((1, [1, 2], [0.5, 1.0])), table((2, [1], [2.0]), (3, [0, 9], [0.0, 9.0]))]
    found = plain(arrays(pa.concat_tables(parts), ["y"]))
    assert [(number, row["x"], row["y"]) for number, row in found] == [
        (1, [1, 2], [0.5, 1.0]),
        (2, [1], [2.0]),
        (3, [0, 9], [0.0, 9.0]),
    ]


def test_two_points_at_one_place_are_none_of_these() -> None:
    assert arrays(table((1, [1, 2], [0.0, 0.0]), (2, [4, 4], [0.0, 0.0])), ["y"]) is None
    assert arrays(table((1, [1, 2, 1], [0.0, 0.0, 0.0])), ["y"]) is None


def test_no_curve() -> None:
    assert arrays(table((1, [1], [1.0])).slice(1), ["y"]) == []
