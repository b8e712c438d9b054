"""Events -> rows of ``metric_index``: what each (entity, metric, variant) of an insert adds to what is known of it.

All in arrays. A group's rows stand in ascending ``seq``, as an entity's records come from one partition, in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schema.tables import INT64_MAX, INT64_MIN, SCALAR

UINT64_MAX = 2**64 - 1
LATEST = {
    "batch": pa.uint64(),
    "iter": pa.int64(),
    "timestamp": pa.int64(),
    "seq": pa.uint64(),
    "value": pa.float64(),
}
LOWEST = {"value": pa.float64(), "seq": pa.uint64(), "iter": pa.int64()}
HIGHEST = {"negated": pa.float64(), "seq": pa.uint64(), "iter": pa.int64()}
FIRST = {"batch": pa.uint64(), "iter": pa.int64(), "seq": pa.uint64(), "value": pa.float64()}
LABEL = {"seq": pa.uint64(), "text": pa.string()}
GROUP_BY = ("company", "task", "metric", "variant")
BATCH_SHIFT = np.uint64(16)

Array = npt.NDArray[Any]
Since = Mapping[tuple[str, str], tuple[int, int]]


def encoded(events: pa.Table) -> pa.Table:
    """The same rows with dictionaries of their names, which both ClickHouse and ``index_rows`` take in less time."""
    names = {name: events[name].combine_chunks().dictionary_encode() for name in GROUP_BY}
    return pa.table({name: names.get(name, events[name]) for name in events.column_names})


def index_rows(event_type: str, events: pa.Table, since: Since) -> pa.Table:
    """One row of ``metric_index`` for each (company, task, metric, variant) in ``events`` (``encoded``, as inserted).

    ``since``: (newest deletion of events, newest of everything) of each (company, task).
    """
    groups = Groups(events)
    firsts = pa.array(groups.first_rows())
    keys = {name: events[name].take(firsts).cast(pa.string()) for name in GROUP_BY}
    sinces = [since[entity] for entity in zip(keys["company"].to_pylist(), keys["task"].to_pylist(), strict=True)]
    columns = keys | {
        "event_type": pa.repeat(event_type, groups.count),
        "since": pa.array([newest for newest, _ in sinces], pa.uint64()),
        "since_reset": pa.array([newest for _, newest in sinces], pa.uint64()),
    }
    return pa.table(columns | _ranges(groups, events) | _summaries(groups, events, event_type))


def by_entity(index: pa.Table) -> dict[tuple[str, str], pa.Table]:
    """The rows of each (company, task) in what ``index_rows`` gave: they stand together."""
    if not index.num_rows:
        return {}
    company, task = (index[name].dictionary_encode().combine_chunks().indices.to_numpy() for name in GROUP_BY[:2])
    is_new = (np.diff(company) != 0) | (np.diff(task) != 0)
    starts = [0, *(np.flatnonzero(is_new) + 1).tolist(), index.num_rows]
    runs = (index.slice(start, end - start) for start, end in pairwise(starts))
    return {(run["company"][0].as_py(), run["task"][0].as_py()): run for run in runs}


class Groups:
    """The rows of a table, numbered by group."""

    def __init__(self, events: pa.Table) -> None:
        combined = np.zeros(events.num_rows, np.int64)
        for name in GROUP_BY:
            column = events[name].combine_chunks()
            combined = combined * len(column.dictionary) + column.indices.to_numpy()
        distinct, self.of_row = np.unique(combined, return_inverse=True)
        self.count = len(distinct)
        self.all_rows = np.arange(events.num_rows)

    def first_rows(self) -> Array:
        """The first row of each group."""
        return self.first(self.all_rows)

    def first(self, rows: Array) -> Array:
        """For each group the first of ``rows`` (ascending), -1 if it has none."""
        return self.last(rows[::-1])

    def last(self, rows: Array) -> Array:
        """For each group the last of ``rows``, -1 if it has none."""
        found = np.full(self.count, -1)
        found[self.of_row[rows]] = rows
        return found

    def extreme(self, reduce: np.ufunc, values: Array, rows: Array, start: int | float) -> Array:
        """For each group ``reduce`` (minimum or maximum) of the values of its ``rows``; ``start`` if it has none."""
        best: Array = np.full(self.count, start, values.dtype)
        reduce.at(best, self.of_row[rows], values[rows])
        return best

    def narrow(self, reduce: np.ufunc, values: Array, rows: Array) -> Array:
        """Those of ``rows`` that hold their group's extreme value."""
        limits = np.finfo(np.float64) if values.dtype.kind == "f" else np.iinfo(values.dtype)
        best = self.extreme(reduce, values, rows, limits.min if reduce is np.maximum else limits.max)
        held: Array = rows[values[rows] == best[self.of_row[rows]]]
        return held


def _ranges(groups: Groups, events: pa.Table) -> dict[str, Array]:
    iters, timestamps = _numpy(events, "iter"), _numpy(events, "timestamp")
    with_iter = np.flatnonzero(_numpy(events, "has_iter"))
    with_time = np.flatnonzero(timestamps != INT64_MAX)
    return {
        "min_iter": groups.extreme(np.minimum, iters, with_iter, INT64_MAX),
        "max_iter": groups.extreme(np.maximum, iters, with_iter, INT64_MIN),
        "timestamp": groups.extreme(np.maximum, timestamps, with_time, INT64_MIN),
        "received_at": groups.extreme(np.maximum, _numpy(events, "received_at"), groups.all_rows, 0),
    }


def _summaries(groups: Groups, events: pa.Table, event_type: str) -> dict[str, pa.Array]:
    """The tuples of scalars; of other types, the tuples that stand for "none"."""
    if event_type != SCALAR:
        none = np.full(groups.count, -1)
        empty: dict[str, Array] = {}
        return _tuples(empty, none, none, none, none) | {"label": _label(groups, None)}
    values = {name: _numpy(events, name) for name in ("iter", "timestamp", "seq", "value")}
    values["timestamp"] = np.where(values["timestamp"] == INT64_MAX, INT64_MIN, values["timestamp"])
    values["batch"] = values["seq"] >> BATCH_SHIFT
    rows = np.flatnonzero(~np.isnan(values["value"]))
    newest = oldest = rows
    for name in ("batch", "iter", "timestamp"):
        newest = groups.narrow(np.maximum, values[name], newest)
    for name in ("batch", "iter"):
        oldest = groups.narrow(np.minimum, values[name], oldest)
    lowest = groups.narrow(np.minimum, values["value"], rows)
    highest = groups.narrow(np.maximum, values["value"], rows)
    found = groups.last(newest), groups.first(lowest), groups.first(highest), groups.first(oldest)
    return _tuples(values, *found) | {"label": _label(groups, events)}


def _tuples(
    values: dict[str, Array], latest: Array, lowest: Array, highest: Array, first: Array
) -> dict[str, pa.Array]:
    values = values | {"negated": -values["value"]} if values else values
    return {
        "latest": _struct(LATEST, values, latest, {}),
        "lowest": _struct(LOWEST, values, lowest, {"value": np.inf}),
        "highest": _struct(HIGHEST, values, highest, {"negated": np.inf}),
        "first": _struct(FIRST, values, first, {"batch": UINT64_MAX}),
    }


def _struct(
    fields: dict[str, pa.DataType], values: dict[str, Array], rows: Array, none: dict[str, int | float]
) -> pa.Array:
    """A tuple of ``values`` at each of ``rows``; where a row is -1, ``none`` and zeros."""
    absent = rows < 0

    def column(name: str, data_type: pa.DataType) -> pa.Array:
        found = np.zeros(len(rows), data_type.to_pandas_dtype())
        if values:
            found = values[name][rows]
        return pa.array(np.where(absent, np.array(none.get(name, 0), found.dtype), found), data_type)

    arrays = [column(name, data_type) for name, data_type in fields.items()]
    return pa.StructArray.from_arrays(arrays, fields=[pa.field(*field) for field in fields.items()])


def _label(groups: Groups, events: pa.Table | None) -> pa.Array:
    labels = events["x_axis_label"] if events is not None else None
    if events is None or labels is None or labels.null_count == len(labels):
        seqs, texts = [0] * groups.count, [""] * groups.count
    else:
        rows = groups.last(np.flatnonzero(labels.is_valid().to_numpy())).tolist()
        seqs = [events["seq"][row].as_py() if row >= 0 else 0 for row in rows]
        texts = [labels[row].as_py() if row >= 0 else "" for row in rows]
    arrays = [pa.array(seqs, pa.uint64()), pa.array(texts, pa.string())]
    return pa.StructArray.from_arrays(arrays, fields=[pa.field(*field) for field in LABEL.items()])


def _numpy(events: pa.Table, name: str) -> Array:
    array: Array = events[name].to_numpy()
    return array
