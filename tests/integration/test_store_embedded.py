"""Inserts into chDB: whatever is not stored is an error, for chDB itself would keep some of them to itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from schema.errors import StoreRejected, Unavailable
from schema.store import EmbeddedEngine, Store

CREATE = (
    "CREATE TABLE t (name String, number Int64, CONSTRAINT known CHECK name != 'bad') ENGINE = MergeTree ORDER BY ()"
)

LIMITS = "parts_to_throw_insert = 2, parts_to_delay_insert = 1000000, number_of_mutations_to_throw = 1"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(EmbeddedEngine(tmp_path / "chdb"), readers=1)
    made.execute(f"{CREATE} SETTINGS {LIMITS}")
    made.execute("SYSTEM STOP MERGES t")
    yield made
    made.close()


def rows(*names: str) -> pa.Table:
    return pa.table({"name": list(names), "number": list(range(len(names)))})


def stored(store: Store) -> list[str]:
    return [row["name"] for row in store.select("SELECT name FROM t ORDER BY number")]


def test_what_is_inserted_is_there(store: Store) -> None:
    store.insert("t", rows("one", "it's", "two\nlines"))
    assert stored(store) == ["one", "it's", "two\nlines"]


def test_a_table_without_rows_is_no_error(store: Store) -> None:
    store.insert("t", rows("one").slice(1))
    assert stored(store) == []


def test_a_row_behind_the_parser_is_rejected_with_its_number(store: Store) -> None:
    with pytest.raises(StoreRejected) as error:
        store.insert("t", rows("good", "bad", "good"))
    assert error.value.number == 469
    assert stored(store) == []


def test_too_many_parts_are_not_now(store: Store) -> None:
    store.insert("t", rows("one"))
    store.insert("t", rows("two"))
    with pytest.raises(Unavailable) as failure:
        store.insert("t", rows("three"))
    assert failure.value.number == 252
    assert len(stored(store)) == 2


def test_too_many_mutations_are_not_now(store: Store) -> None:
    store.insert("t", rows("one"))
    store.execute("DELETE FROM t WHERE name = 'one'")
    with pytest.raises(Unavailable) as failure:
        store.execute("DELETE FROM t WHERE name = 'two'")
    assert failure.value.number == 692


def test_settings_that_come_after_the_version_is_checked(store: Store) -> None:
    assert store.select("SELECT getSetting('use_skip_indexes_on_data_read') AS it") == [{"it": False}]


FAILING = ("SELECT throwIf(number = 70000) AS one FROM numbers(100000)", "SELECT no_such_column")


@pytest.mark.parametrize("failing", FAILING)
def test_what_a_failed_statement_found_is_in_no_other_answer(store: Store, failing: str) -> None:
    async def read() -> tuple[object, object]:
        with pytest.raises(StoreRejected):
            await store.read(failing)
        rows = await store.read("SELECT 1 AS one")  # on the only thread
        with pytest.raises(StoreRejected):
            await store.read_table(failing)
        return rows, (await store.read_table("SELECT 1 AS one")).to_pylist()

    assert asyncio.run(read()) == ([{"one": 1}], [{"one": 1}])
