"""Statements of ClickHouse and of the registry are measured by kind, and counted where they fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from prometheus_client import REGISTRY

from deploy.disks import measure_disk
from ingest.local.wal import WriteAheadLog
from ingest.parsing.batch import read_events
from schema.errors import StoreRejected, Unavailable
from schema.events.blocks import Block, Place, Record
from schema.events.normalize import ParseContext
from schema.registry import Registry
from schema.store import Store
from tests.harness.events import log
from tests.servers.process import free_port

UNKNOWN_IDENTIFIER, UNKNOWN_TABLE = "47", "60"  # ClickHouse's numbers


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"eventide_{name}", labels) or 0.0


def test_statements_of_the_store(store: Store) -> None:
    before = {kind: sample("store_seconds_count", statement=kind) for kind in ("read", "select", "insert", "execute")}
    asyncio.run(store.read("SELECT 1"))
    asyncio.run(store.read_table("SELECT 1 AS one"))
    store.select("SELECT 1")
    store.execute("CREATE TABLE IF NOT EXISTS measured (n UInt8) ENGINE = Memory")
    store.insert("measured", pa.table({"n": pa.array([1], pa.uint8())}))
    counts = {kind: sample("store_seconds_count", statement=kind) - count for kind, count in before.items()}
    assert counts == {"read": 2, "select": 1, "insert": 1, "execute": 1}


def read_nothing(store: Store) -> None:
    asyncio.run(store.read("SELECT nothing"))


def drop_nothing(store: Store) -> None:
    store.execute("DROP TABLE nothing")


@pytest.mark.parametrize(
    ("refused", "statement", "number"),
    [(read_nothing, "read", UNKNOWN_IDENTIFIER), (drop_nothing, "execute", UNKNOWN_TABLE)],
)
def test_statements_that_the_store_refuses(
    store: Store, refused: Callable[[Store], None], statement: str, number: str
) -> None:
    before = sample("store_errors_total", statement=statement, number=number)
    with pytest.raises((StoreRejected, Unavailable)):
        refused(store)
    assert sample("store_errors_total", statement=statement, number=number) == before + 1


def test_transactions_of_the_registry(tmp_path: Path) -> None:
    async def use() -> None:
        registry = Registry(f"sqlite:///{tmp_path / 'registry.db'}")
        await registry.create_schema()
        await registry.ping()
        await registry.close()

    before = [sample("registry_seconds_count", statement=kind) for kind in ("read", "write")]
    asyncio.run(use())
    after = [sample("registry_seconds_count", statement=kind) for kind in ("read", "write")]
    assert [later - earlier for later, earlier in zip(after, before, strict=True)] == [1, 1]


def test_a_registry_that_is_away() -> None:
    before = sample("registry_errors_total", statement="read")

    async def use() -> None:
        registry = Registry(f"postgresql+psycopg://nobody:secret@127.0.0.1:{free_port()}/none")
        with pytest.raises(Unavailable):
            await registry.ping()
        await registry.close()

    asyncio.run(use())
    assert sample("registry_errors_total", statement="read") == before + 1


def test_free_disk_also_of_a_directory_that_is_not_there_yet(tmp_path: Path) -> None:
    measure_disk("here", tmp_path)
    measure_disk("to come", tmp_path / "not" / "yet")
    here, to_come = (sample("disk_free_bytes", directory=name) for name in ("here", "to come"))
    assert here > 0
    assert to_come == pytest.approx(here, rel=0.1)


def test_what_is_parked_in_the_journal(tmp_path: Path) -> None:
    wal = WriteAheadLog(tmp_path / "journal.sqlite")
    ((event_type, rows),) = read_events(
        [log("task")], ParseContext(now_ms=1, batch_id=b"b" * 16, fresh_id=b"f" * 16)
    ).columns.items()
    for offset in (1, 1, 2):
        wal.park(Record(Place(2, 0, offset), Block("company", event_type, 1, rows)), "refused")
    assert sample("dlq_records") == 2
    wal.replay_parked()
    assert sample("dlq_records") == 0
    wal.close()
