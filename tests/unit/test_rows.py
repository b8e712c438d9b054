"""``schema/events/rows.py``: few rows and columns say the same, and keep their order among each other."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.events.normalize import ParseContext, normalise
from schema.events.rows import MAX_PLAIN_ROWS, Row, Rows, columns, merge_rows, plain_or_columns, tasks_of, without_tasks
from schema.events.tables import EVENT_TYPES, TABLES
from tests.harness.events import SCALAR, one_of_each, scalar

CONTEXT = ParseContext(now_ms=5, batch_id=b"b" * 16, fresh_id=b"f" * 16)
TASKS = st.lists(st.sampled_from("tuv"), min_size=1, max_size=2 * MAX_PLAIN_ROWS)


def rows_of(tasks: str | list[str], first: int = 0) -> list[Row]:
    return [normalise(scalar(task, first + place), place, CONTEXT).row for place, task in enumerate(tasks)]


def as_list(rows: Rows) -> list[Row]:
    found: list[Row] = columns(SCALAR, rows).to_pylist()
    return found


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_rows_become_columns_of_their_type(event_type: str) -> None:
    (line,) = (line for line in one_of_each("t", note="é") if line["type"] == event_type)
    row = normalise(line, 3, CONTEXT).row
    batch = columns(event_type, [row])
    assert batch.schema == TABLES[event_type].block_schema
    assert batch.to_pylist() == [row]
    assert columns(event_type, batch) is batch


def test_only_few_rows_wait_for_others() -> None:
    assert isinstance(plain_or_columns(SCALAR, rows_of("t" * MAX_PLAIN_ROWS)), list)
    assert isinstance(plain_or_columns(SCALAR, rows_of("t" * (MAX_PLAIN_ROWS + 1))), pa.RecordBatch)


@given(TASKS, st.sets(st.sampled_from("tux")))
def test_both_forms_name_and_leave_out_the_same_entities(tasks: list[str], refused: set[str]) -> None:
    few = rows_of(tasks)
    batch = columns(SCALAR, few)
    assert tasks_of(few) == tasks_of(batch) == list(dict.fromkeys(tasks))
    (kept, left_out), (kept_columns, left_out_of_columns) = without_tasks(few, refused), without_tasks(batch, refused)
    assert as_list(kept) == as_list(kept_columns) == [row for row in few if row["task"] not in refused]
    assert left_out == left_out_of_columns == [task for task in tasks if task in refused]


@given(st.lists(st.tuples(TASKS, st.booleans()), min_size=1, max_size=8))
def test_what_is_merged_keeps_its_order(parts: list[tuple[list[str], bool]]) -> None:
    all_rows = [rows_of(tasks, 100 * place) for place, (tasks, _) in enumerate(parts)]
    forms = [
        columns(SCALAR, rows) if are_columns else rows for rows, (_, are_columns) in zip(all_rows, parts, strict=True)
    ]
    batches = merge_rows(SCALAR, forms)
    assert [row for batch in batches for row in batch.to_pylist()] == [row for rows in all_rows for row in rows]


def test_few_rows_of_neighbours_are_one_batch() -> None:
    few, batch = rows_of("t"), columns(SCALAR, rows_of("uv"))
    assert [len(found) for found in merge_rows(SCALAR, [few, few, batch, batch, few])] == [2, 2, 2, 1]
