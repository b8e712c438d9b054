"""Events -> rows of ``metric_index`` (docs/formats/metric_index.md), one for each curve of an insert.

All in arrays. A group's rows stand in ascending ``seq``, as an entity's records come from one partition, in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schema.changefeed.change_batch import EntityKey
from schema.changefeed.points import Array
from schema.events.blocks import Block, Record
from schema.events.tables import INT64_MAX, INT64_MIN, SCALAR

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
SMALL = 1 << 16

DeletedSeqs = Mapping[EntityKey, tuple[int, int]]


def dictionary_encoded(events: pa.Table) -> pa.Table:
    """Dictionary-encode the names of rows, which both ClickHouse and ``Groups`` take in less time."""
    names = {name: events[name].combine_chunks().dictionary_encode() for name in GROUP_BY}
    return pa.table({name: names.get(name, events[name]) for name in events.column_names})


def group_numbers(events: pa.Table, names: Sequence[str]) -> Array:
    """Return a number for each row (dictionary-encoded), the same where all of these columns are the same."""
    combined = np.zeros(events.num_rows, np.int64)
    for name in names:
        column = events[name].combine_chunks()
        combined = combined * len(column.dictionary) + column.indices.to_numpy()
    return combined


def sorted_runs(numbers: Array) -> tuple[Array, Array]:
    """Sort the rows by their numbers, stably; return their order, and where each number begins."""
    if numbers.max(initial=0) >= SMALL:
        _, numbers = np.unique(numbers, return_inverse=True)
    if numbers.max(initial=0) < SMALL:
        numbers = numbers.astype(np.uint16)  # sorted by radix
    order = np.argsort(numbers, kind="stable")
    return order, np.flatnonzero(np.diff(numbers[order].astype(np.int64), prepend=-1))


def index_rows(event_type: str, groups: Groups, since: DeletedSeqs, replayed: Sequence[Record] = ()) -> pa.Table:
    """Return a row of ``metric_index`` for each (company, task, metric, variant) of events, as inserted.

    ``since``: (newest deletion of events, newest of everything) of each (company, task). ``replayed``: records that did
    not arrive at their own place.
    """
    keys = {name: groups.values(name, groups.bounds[:-1]).cast(pa.string()) for name in GROUP_BY}
    sinces = [since[entity] for entity in zip(keys["company"].to_pylist(), keys["task"].to_pylist(), strict=True)]
    columns = keys | {
        "event_type": pa.repeat(event_type, groups.count),
        "since": pa.array([newest for newest, _ in sinces], pa.uint64()),
        "since_reset": pa.array([newest for _, newest in sinces], pa.uint64()),
    }
    return pa.table(columns | _ranges(groups) | _arrivals(groups, replayed) | _summaries(groups, event_type))


def split_by_entity(index: pa.Table) -> dict[EntityKey, pa.Table]:
    """Split the result of ``index_rows`` by (company, task), whose rows stand together."""
    if not index.num_rows:
        return {}
    company, task = (index[name].dictionary_encode().combine_chunks().indices.to_numpy() for name in GROUP_BY[:2])
    is_new = (np.diff(company) != 0) | (np.diff(task) != 0)
    starts = [0, *(np.flatnonzero(is_new) + 1).tolist(), index.num_rows]
    sorted_runs = (index.slice(start, end - start) for start, end in pairwise(starts))
    return {(run["company"][0].as_py(), run["task"][0].as_py()): run for run in sorted_runs}


class Groups:
    """The rows of a table (dictionary-encoded), group after group; those of a group in their order.

    ``count``: of groups. ``of_row``: the group of each row. ``bounds``: where each group begins, and the end of the
    last.
    """

    def __init__(self, events: pa.Table) -> None:
        self._events = events
        self._columns: dict[str, Array] = {}
        self._order, starts = sorted_runs(group_numbers(events, GROUP_BY))
        self.count = len(starts)
        self.bounds = np.append(starts, events.num_rows)
        self.of_row = np.repeat(np.arange(self.count), np.diff(self.bounds))
        self.all_rows = np.arange(events.num_rows)

    def column(self, name: str) -> Array:
        """Return a column of the table; not to be changed."""
        if name not in self._columns:
            self._columns[name] = self._events[name].to_numpy()[self._order]
        return self._columns[name]

    def values(self, name: str, rows: Array) -> pa.Array:
        """Return a column at these rows, in the type of the table."""
        return self._events[name].take(pa.array(self._order[rows])).combine_chunks()

    def with_value(self, name: str) -> Array:
        """Return the rows where a column is not null."""
        rows: Array = np.flatnonzero(self._events[name].is_valid().to_numpy()[self._order])
        return rows

    def first(self, rows: Array) -> Array:
        """Return for each group the first of ``rows`` (ascending), -1 if it has none."""
        return self.last(rows[::-1])

    def last(self, rows: Array) -> Array:
        """Return for each group the last of ``rows``, -1 if it has none."""
        found = np.full(self.count, -1)
        found[self.of_row[rows]] = rows
        return found

    def extreme(self, reduce: np.ufunc, values: Array, rows: Array, start: int | float) -> Array:
        """Return for each group ``reduce`` (minimum or maximum) of the values of its ``rows``, or ``start``."""
        best: Array = np.full(self.count, start, values.dtype)
        if len(rows) == len(values):
            return reduce.reduceat(values, self.bounds[:-1]) if self.count else best
        of_rows = self.of_row[rows]
        starts = np.flatnonzero(np.diff(of_rows, prepend=-1))
        if len(starts):
            best[of_rows[starts]] = reduce.reduceat(values[rows], starts)
        return best

    def narrow(self, reduce: np.ufunc, values: Array, rows: Array) -> Array:
        """Return those of ``rows`` that hold their group's extreme value."""
        best = self.extreme(reduce, values, rows, 0)
        if len(rows) == len(values):
            return np.flatnonzero(values == best[self.of_row])
        extremes: Array = rows[values[rows] == best[self.of_row[rows]]]
        return extremes


def _ranges(groups: Groups) -> dict[str, Array]:
    iters, timestamps = groups.column("iter"), groups.column("timestamp")
    with_iter = np.flatnonzero(groups.column("has_iter"))
    with_time = np.flatnonzero(timestamps != INT64_MAX)
    return {
        "min_iter": groups.extreme(np.minimum, iters, with_iter, INT64_MAX),
        "max_iter": groups.extreme(np.maximum, iters, with_iter, INT64_MIN),
        "timestamp": groups.extreme(np.maximum, timestamps, with_time, INT64_MIN),
        "received_at": groups.extreme(np.maximum, groups.column("received_at"), groups.all_rows, 0),
    }


def _arrivals(groups: Groups, replayed: Sequence[Record]) -> dict[str, Array]:
    seqs = arrivals = groups.column("seq")
    for record in replayed:
        if isinstance(record.content, Block):
            first = record.place.seq
            is_of_record = (seqs >= first) & (seqs < first + len(record.content.rows))
            arrivals = np.where(is_of_record, np.uint64(record.arrived), arrivals)
    return {"arrived": groups.extreme(np.maximum, arrivals, groups.all_rows, 0)}


def _summaries(groups: Groups, event_type: str) -> dict[str, pa.Array]:
    """Return the tuples of scalars; for other types, the tuples that stand for "none"."""
    if event_type != SCALAR:
        none = np.full(groups.count, -1)
        empty: dict[str, Array] = {}
        return _tuples(empty, none, none, none, none) | {"label": _labels(none + 1, pa.repeat("", groups.count))}
    values = {name: groups.column(name) for name in ("iter", "timestamp", "seq", "value")}
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
    return _tuples(values, *found) | {"label": _label(groups)}


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
    """Return a tuple of ``values`` at each of ``rows``; where a row is -1, ``none`` and zeros."""
    absent = rows < 0

    def column(name: str, data_type: pa.DataType) -> pa.Array:
        found = np.zeros(len(rows), data_type.to_pandas_dtype())
        if values:
            found = values[name][rows]
        return pa.array(np.where(absent, np.array(none.get(name, 0), found.dtype), found), data_type)

    arrays = [column(name, data_type) for name, data_type in fields.items()]
    return pa.StructArray.from_arrays(arrays, fields=[pa.field(*field) for field in fields.items()])


def _label(groups: Groups) -> pa.Array:
    rows = groups.last(groups.with_value("x_axis_label"))
    has_label, found = rows >= 0, np.maximum(rows, 0)
    seqs = np.where(has_label, groups.column("seq")[found], 0)
    return _labels(seqs, pc.if_else(pa.array(has_label), groups.values("x_axis_label", found), ""))


def _labels(seqs: Array, texts: pa.Array) -> pa.Array:
    arrays = [pa.array(seqs, pa.uint64()), texts.cast(pa.string())]
    return pa.StructArray.from_arrays(arrays, fields=[pa.field(*field) for field in LABEL.items()])
