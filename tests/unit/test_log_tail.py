"""``ingest/writing/changed_log_tails.py``: the newest lines of each log in what is written."""

from __future__ import annotations

import pyarrow as pa
import pytest

from ingest.parsing.batch import read_events
from ingest.writing.changed_log_tails import log_tails_of_lines
from ingest.writing.metric_index import dictionary_encoded
from schema.changefeed.log_tail import KEPT_LINES
from schema.events.normalize import ParseContext
from schema.events.tables import INT64_MIN
from tests.harness.events import log


def written(*tasks: str) -> pa.Table:
    """A line of each of the tasks, as inserted."""
    events = [log(task, timestamp=time) for time, task in enumerate(tasks)]
    rows = pa.Table.from_batches([read_events(events, ParseContext(1, batch_id=b"abcdefgh" * 2)).columns["log"]])
    numbers = list(range(len(tasks)))
    known = {"received_at": pa.array(numbers, pa.int64()), "seq": pa.array(numbers, pa.uint64())}
    for name, values in ({"company": pa.array(["c"] * len(tasks))} | known).items():
        rows = rows.append_column(name, values)
    return dictionary_encoded(rows)


def test_each_log_has_its_own_lines_newest_first() -> None:
    found = log_tails_of_lines(written("a", "b", "a", "c", "a"))
    times = {task: newest.rows["timestamp"].to_pylist() for (_, task), newest in found.items() if newest}
    assert times == {"a": [4, 2, 0], "b": [1], "c": [3]}


@pytest.mark.parametrize("first", [0, 2])
def test_a_line_is_told_apart_by_its_request_and_place(first: int) -> None:
    newest = log_tails_of_lines(written(*"aaaa").slice(first))["c", "a"]
    of_request = int.from_bytes(b"abcdefgh", "little")
    assert newest
    assert newest.rows["copy_of"].to_pylist() == [of_request + place for place in range(3, first - 1, -1)]


def test_of_many_lines_the_newest_are_kept() -> None:
    newest = log_tails_of_lines(written(*["a"] * (2 * KEPT_LINES + 1)))["c", "a"]
    assert newest
    assert (newest.rows.num_rows, newest.since, newest.others) == (KEPT_LINES, KEPT_LINES + 1, KEPT_LINES + 1)


def test_nothing_is_left_out_of_few() -> None:
    newest = log_tails_of_lines(written("a"))["c", "a"]
    assert newest
    assert (newest.since, newest.others, newest.total) == (INT64_MIN, 0, 1)
