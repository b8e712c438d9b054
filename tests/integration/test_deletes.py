"""Deletions of one batch share their statements: each makes ClickHouse look at every part of a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.parsing.batch import read_events
from ingest.writing.writer import Writer
from schema.events.blocks import ALL, EVENTS, LOGS, Block, Deletion, Place, Record
from schema.events.normalize import ParseContext
from schema.events.tables import INT64_MAX
from schema.store import EmbeddedEngine, Store
from schema.store.migrate import migrate
from tests.harness.api import until
from tests.harness.events import log, scalar

COMPANY = "company"
CONTEXT = ParseContext(now_ms=1, batch_id=b"b" * 16, fresh_id=b"f" * 16)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(EmbeddedEngine(tmp_path / "chdb"), readers=1)
    migrate(made)
    yield made
    made.close()


def test_a_batch_of_deletions_is_one_statement_for_each_table(store: Store) -> None:
    tasks = [f"task {number}" for number in range(6)]
    Writer(store).write([record for number, task in enumerate(tasks) for record in blocks(2 * number, task)])
    emptied, invalidated, quiet = tasks[:2], tasks[2:4], tasks[4]
    deletions = [*(deletion(task, EVENTS) for task in emptied), *(deletion(task, ALL) for task in invalidated)]
    deletions.append(deletion(quiet, LOGS))
    records = [Record(Place(1, 0, offset), content) for offset, content in enumerate(deletions, start=100)]
    deleted = Writer(store).write([*records, *blocks(200, emptied[0])])  # the last are written after all deletions
    assert list(deleted.values()) == [2, 2, 2, 2, 1]
    until(lambda: remaining(store, "scalars") == [emptied[0], quiet, tasks[5]])
    until(lambda: remaining(store, "logs") == [emptied[0], tasks[5]])
    until(lambda: remaining(store, "metric_index") == [*emptied, quiet, tasks[5]])
    assert mutations(store) == {"scalars": 1, "logs": 2, "metric_index": 1, "rollups": 1, "rollup_marks": 1}


def blocks(offset: int, task: str) -> Iterator[Record]:
    """A point and a log line, each a record."""
    columns = read_events([scalar(task), log(task)], CONTEXT).columns
    for number, (event_type, rows) in enumerate(columns.items()):
        yield Record(Place(1, 0, offset + number), Block(COMPANY, event_type, 1, rows))


def deletion(task: str, scope: str) -> Deletion:
    return Deletion(COMPANY, task, scope, 1, INT64_MAX)  # type: ignore[arg-type]


def remaining(store: Store, table: str) -> list[str]:
    return [row["task"] for row in store.select(f"SELECT DISTINCT task FROM {table} ORDER BY task")]


def mutations(store: Store) -> dict[str, int]:
    rows = store.select("SELECT table, toUInt32(count()) AS n FROM system.mutations GROUP BY table")
    return {row["table"]: row["n"] for row in rows}
