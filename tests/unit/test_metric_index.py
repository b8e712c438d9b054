"""``ingest/writing/metric_index.py``: the arrays say what a loop over the rows says, in whatever portions the rows
come."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ingest.writing.metric_index import SMALL, Groups, dictionary_encoded, index_rows
from schema.events.tables import DEBUG_IMAGE, INT64_MAX, INT64_MIN, LOG, PLOT, SCALAR

UINT64_MAX = 2**64 - 1
COLUMNS: dict[str, pa.DataType] = {
    "company": pa.string(),
    "task": pa.string(),
    "metric": pa.string(),
    "variant": pa.string(),
    "iter": pa.int64(),
    "has_iter": pa.bool_(),
    "timestamp": pa.int64(),
    "received_at": pa.int64(),
    "seq": pa.uint64(),
    "value": pa.float64(),
    "x_axis_label": pa.string(),
}
Row = dict[str, Any]
Group = tuple[str, str, str, str]
ENTITIES = itertools.product("cd", "tu")
SINCE = {entity: (number * 7, number) for number, entity in enumerate(ENTITIES)}


@dataclass(frozen=True)
class Kind:
    """How two summaries of one group become one, and the summary of nothing."""

    fold: Any
    none: Any


KINDS = {
    "min_iter": Kind(min, INT64_MAX),
    "max_iter": Kind(max, INT64_MIN),
    "timestamp": Kind(max, INT64_MIN),
    "received_at": Kind(max, 0),
    "arrived": Kind(max, 0),
    "latest": Kind(max, (0, 0, 0, 0, 0.0)),
    "lowest": Kind(min, (float("inf"), 0, 0)),
    "highest": Kind(min, (float("inf"), 0, 0)),
    "first": Kind(min, (UINT64_MAX, 0, 0, 0.0)),
    "label": Kind(max, (0, "")),
}


def summary(row: Row, event_type: str) -> Row:
    """What one row says, as the migration describes the columns."""
    found: Row = {"received_at": row["received_at"], "arrived": row["seq"]}
    if row["has_iter"]:
        found |= {"min_iter": row["iter"], "max_iter": row["iter"]}
    if row["timestamp"] != INT64_MAX:
        found["timestamp"] = row["timestamp"]
    if event_type == SCALAR and row["x_axis_label"] is not None:
        found["label"] = (row["seq"], row["x_axis_label"])
    if event_type == SCALAR and row["value"] is not None:
        batch, time = row["seq"] >> 16, INT64_MIN if row["timestamp"] == INT64_MAX else row["timestamp"]
        found["latest"] = (batch, row["iter"], time, row["seq"], row["value"])
        found["lowest"] = (row["value"], row["seq"], row["iter"])
        found["highest"] = (-row["value"], row["seq"], row["iter"])
        found["first"] = (batch, row["iter"], row["seq"], row["value"])
    return {name: found.get(name, kind.none) for name, kind in KINDS.items()}


def folded(summaries: Iterable[Row]) -> Row:
    """Many summaries of one group as one."""
    together = list(summaries)
    return {name: kind.fold(one[name] for one in together) for name, kind in KINDS.items()}


def expected(rows: list[Row], event_type: str) -> dict[Group, Row]:
    groups: dict[Group, list[Row]] = {}
    for row in rows:
        groups.setdefault(group_of(row), []).append(summary(row, event_type))
    return {group: folded(summaries) for group, summaries in groups.items()}


def group_of(row: Row) -> Group:
    return row["company"], row["task"], row["metric"], row["variant"]


def found(rows: list[Row], event_type: str) -> dict[Group, Row]:
    table = index_rows(event_type, Groups(dictionary_encoded(table_of(rows))), SINCE)
    result = {}
    for row in table.to_pylist():
        assert row["event_type"] == event_type
        assert (row["since"], row["since_reset"]) == SINCE[row["company"], row["task"]]
        assert group_of(row) not in result
        values = {name: row[name] for name in KINDS}
        result[group_of(row)] = {n: tuple(v.values()) if isinstance(v, dict) else v for n, v in values.items()}
    return result


def table_of(rows: list[Row]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in COLUMNS.items()})


ROWS = st.fixed_dictionaries(
    {
        "company": st.sampled_from("cd"),
        "task": st.sampled_from("tu"),
        "metric": st.sampled_from(["m", "é", ""]),
        "variant": st.sampled_from(["v", "w"]),
        "iter": st.integers(-3, 3) | st.sampled_from([INT64_MIN, INT64_MAX]),
        "has_iter": st.booleans(),
        "timestamp": st.integers(0, 3) | st.sampled_from([INT64_MAX, INT64_MIN, -5]),
        "received_at": st.integers(0, 3),
        "value": st.none() | st.sampled_from([0.0, 1.0, -1.0, 2.5, 1e38, -1e38, 5e-324]),
        "x_axis_label": st.none() | st.sampled_from(["steps", "epochs"]),
    }
)


@st.composite
def inserts(draw: st.DrawFn, min_size: int = 1) -> list[Row]:
    """Rows as inserted: in ascending seq, some of one batch."""
    rows: list[Row] = draw(st.lists(ROWS, min_size=min_size, max_size=25))
    seq = (1 << 56) + (5 << 16)
    for row in rows:
        seq = draw(st.sampled_from([seq + 1, (seq | 0xFFFF) + 1]))
        row["seq"] = seq
        row["iter"] = row["iter"] if row["has_iter"] else 0
    return rows


@given(inserts(), st.sampled_from([SCALAR, PLOT, LOG, DEBUG_IMAGE]), st.sampled_from([SMALL, 3]))
def test_the_index_says_what_a_loop_over_the_rows_says(rows: list[Row], event_type: str, small: int) -> None:
    with patch("ingest.writing.metric_index.SMALL", small):
        assert found(rows, event_type) == expected(rows, event_type)


@given(inserts(min_size=2), st.data())
def test_portions_come_to_the_same(rows: list[Row], data: st.DataObject) -> None:
    """What ClickHouse merges later: replays and other batch boundaries change nothing."""
    cut = data.draw(st.integers(1, len(rows) - 1))
    portions = [found(part, SCALAR) for part in (rows[:cut], rows[cut:], rows[:cut])]
    together = {
        group: folded(portion[group] for portion in portions if group in portion)
        for group in {group for portion in portions for group in portion}
    }
    assert together == found(rows, SCALAR)


def test_a_table_without_rows() -> None:
    assert index_rows(SCALAR, Groups(dictionary_encoded(table_of([]))), {}).num_rows == 0
