"""Rows of one event type: columns, or, of a small request, plain rows as they were parsed.

To make columns of one row takes longer than everything else that is done with it, and a hundred rows take little more
than one. So a few plain rows wait until they can be made columns together with those of other requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain, groupby
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from schema.events.tables import TABLES

MAX_PLAIN_ROWS = 16

Row = dict[str, Any]
MetricName = tuple[str, str]  # metric, variant
Rows: TypeAlias = "pa.RecordBatch | list[Row]"


def plain_or_columns(event_type: str, rows: list[Row]) -> Rows:
    """Return up to MAX_PLAIN_ROWS rows as they are, and more as columns."""
    return rows if len(rows) <= MAX_PLAIN_ROWS else columns(event_type, rows)


def columns(event_type: str, rows: Rows) -> pa.RecordBatch:
    """Return the rows as a record batch of ``Table.block_schema``."""
    if isinstance(rows, list):
        return pa.RecordBatch.from_struct_array(pa.array(rows, _row_type(event_type)))
    return rows


def rows_of_columns(columns: Mapping[str, Sequence[Any]]) -> list[Row]:
    """Turn columns into rows, one column after the other: half of the time of one row after the other."""
    rows: list[Row] = [{} for _ in next(iter(columns.values()), ())]
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return rows


def tasks_of(rows: Rows) -> list[str]:
    """Return the ids of the rows' entities, each once."""
    if isinstance(rows, list):
        return list(dict.fromkeys(row["task"] for row in rows))
    tasks: list[str] = rows["task"].unique().to_pylist()
    return tasks


def events_by_task(rows: Rows) -> Counter[str]:
    """Return how many of the rows each entity has."""
    if isinstance(rows, list):
        return Counter(row["task"] for row in rows)
    counts = rows["task"].value_counts()
    return Counter(dict(zip(*(column.to_pylist() for column in counts.flatten()), strict=True)))


def metric_names(rows: Rows) -> dict[str, set[MetricName]]:
    """Return the pairs of metric and variant that each entity has among the rows."""
    found: dict[str, set[MetricName]] = {}
    for task, metric, variant in _distinct(rows):
        found.setdefault(task, set()).add((metric, variant))
    return found


def _distinct(rows: Rows) -> Iterable[tuple[str, str, str]]:
    names = ["task", "metric", "variant"]
    if isinstance(rows, list):
        return {(row["task"], row["metric"], row["variant"]) for row in rows}
    groups = pa.Table.from_batches([rows.select(names)]).group_by(names).aggregate([])
    return zip(*(groups[name].to_pylist() for name in names), strict=True)


def without_tasks(rows: Rows, tasks: Collection[str]) -> tuple[Rows, list[str]]:
    """Return the rows of other entities, and the entity of each row that was left out."""
    if isinstance(rows, list):
        left_out = [row["task"] for row in rows if row["task"] in tasks]
        return [row for row in rows if row["task"] not in tasks], left_out
    found = pc.is_in(rows["task"], pa.array(list(tasks), pa.string()))
    return rows.filter(pc.invert(found)), rows["task"].filter(found).to_pylist()


def merge_rows(event_type: str, parts: Iterable[Rows]) -> list[pa.RecordBatch]:
    """Return the rows of all parts in their order; neighbouring parts of plain rows become one record batch."""
    batches: list[pa.RecordBatch] = []
    for are_few, neighbours in groupby(parts, lambda rows: isinstance(rows, list)):
        found = list(neighbours)
        batches += [columns(event_type, list(chain.from_iterable(found)))] if are_few else found
    return batches


@cache
def _row_type(event_type: str) -> pa.DataType:
    return pa.struct(TABLES[event_type].block_schema)
