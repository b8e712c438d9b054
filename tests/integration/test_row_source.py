"""``query/curves/row_source.py``: the points of the curves asked for, whatever else is in the table."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from query.curves import row_source
from query.curves.curve_index import CurveIndex
from query.curves.downsampling import Curve
from query.curves.row_source import Drawing, RowSource
from schema.store import Store

POINTS = [
    (task, metric, variant, step)
    for task in ("t", "u")
    for metric in ("a", "b", "new")
    for variant in ("v", "w", "x")
    for step in range(4)
]


@pytest.fixture(scope="module")
def store(store: Store) -> Store:
    for seq, points in ((1, POINTS), (100, POINTS[::5])):  # some are there twice, the later one counts
        store.insert("scalars", rows(points, seq))
    return store


@pytest.fixture(autouse=True, params=["rows", "arrays"])
def read_as(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few points are read as rows, very many as arrays."""
    if request.param == "arrays":
        monkeypatch.setattr(row_source, "MAX_ROWS", 0)


def rows(points: Sequence[tuple[str, str, str, int]], first_seq: int) -> pa.Table:
    count = len(points)
    columns: dict[str, Any] = dict(zip(("task", "metric", "variant", "iter"), zip(*points, strict=True), strict=True))
    columns |= {"company": ["c"] * count, "has_iter": [True] * count, "timestamp": [1] * count}
    columns |= {"value": [float(first_seq > 1)] * count, "extras": [""] * count, "received_at": [1] * count}
    columns |= {name: [""] * count for name in ("discriminator", "worker")} | {"model_event": [False] * count}
    return pa.table(columns | {"seq": pa.array(range(first_seq, first_seq + count), pa.uint64())})


def scanned(store: Store, *curves: tuple[str, str, str], known: str = "ab", deleted: int = 0) -> dict[str, Any]:
    """``{curve: (count, low, high, x)}`` of a scan of an index that knows these metrics, wholly."""
    wanted = [Curve(metric, variant, 4, 0, 3, task=task) for task, metric, variant in curves]
    of_index = [{"metric": metric, "variant": variant} for metric in known for variant in "vw"]
    index = CurveIndex(of_index, True, ["c"], {"t": 0, "u": deleted})
    found = asyncio.run(RowSource(store, wanted, Drawing(), index).buckets())
    return {
        f"{curve.task} {curve.metric} {curve.variant}": (row["count"], row["low"], row["high"], row["x"].tolist())
        for curve, row in found
    }


WHOLE = (4, 0, 3, [0, 1, 2, 3])


def test_one_curve_among_others(store: Store) -> None:
    assert scanned(store, ("t", "a", "w")) == {"t a w": WHOLE}


def test_curves_that_the_index_does_not_know_yet_are_none_of_those_that_it_does(store: Store) -> None:
    known = [("t", metric, variant) for metric in "ab" for variant in "vw"]
    assert scanned(store, *known) == {f"t {metric} {variant}": WHOLE for _, metric, variant in known}


def test_curves_across_tasks_metrics_and_variants(store: Store) -> None:
    assert scanned(store, ("t", "a", "w"), ("u", "b", "v")) == {"t a w": WHOLE, "u b v": WHOLE}


def test_rows_that_were_deleted_do_not_count(store: Store) -> None:
    """Of four in a row the first two, as none of them was written again."""
    first = POINTS.index(("u", "a", "v", 0))
    assert [place for place in range(first, first + 4) if place % 5 == 0] == []
    found = scanned(store, ("t", "a", "v"), ("u", "a", "v"), deleted=first + 2)
    assert found == {"t a v": WHOLE, "u a v": (2, 2, 3, [2, 3])}


def test_what_was_written_again_is_drawn_as_it_was_written_last(store: Store) -> None:
    """Curves of several tasks are read with their copies first."""
    curves = [Curve("a", "v", 4, 0, 3, task=task) for task in "tu"]
    index = CurveIndex([], False, ["c"], {"t": 0, "u": 0})
    found = dict(asyncio.run(RowSource(store, curves, Drawing(), index).buckets()))
    again = [[POINTS.index((task, "a", "v", step)) % 5 == 0 for step in range(4)] for task in "tu"]
    assert [found[curve]["y"].tolist() for curve in curves] == again
