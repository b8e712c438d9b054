"""Statements of ClickHouse and of the registry are measured by kind, and counted where they fail."""

from __future__ import annotations

import asyncio
import gc
import math
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
from schema.store import ServerEngine, Store
from schema.store.store_state import StoreState
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


def test_the_size_of_a_disk_is_at_least_what_is_free_of_it(tmp_path: Path) -> None:
    measure_disk("whole", tmp_path)
    assert sample("disk_size_bytes", directory="whole") > sample("disk_free_bytes", directory="whole") > 0


def test_disks_and_tables_of_the_store(store: Store) -> None:
    store.execute("CREATE TABLE IF NOT EXISTS counted (n UInt8) ENGINE = MergeTree ORDER BY n")
    store.insert("counted", pa.table({"n": pa.array([1, 2, 3], pa.uint8())}))
    asyncio.run(StoreState(store).measure())
    assert sample("store_disk_size_bytes", disk="default") > sample("store_disk_free_bytes", disk="default") > 0
    assert (sample("store_parts", table="counted"), sample("store_rows", table="counted")) == (1, 3)
    assert sample("store_bytes", table="counted") > 0
    assert sample("store_mutations") == 0
    store.execute("DROP TABLE counted SYNC")
    asyncio.run(StoreState(store).measure())
    assert REGISTRY.get_sample_value("eventide_store_parts", {"table": "counted"}) is None


def test_nothing_is_said_of_a_store_that_is_away() -> None:
    async def measure() -> None:
        away = Store(ServerEngine(f"http://127.0.0.1:{free_port()}/none"), readers=1)
        with pytest.raises(Unavailable):
            await StoreState(away).measure()
        away.close()

    asyncio.run(measure())
    assert REGISTRY.get_sample_value("eventide_store_disk_free_bytes", {"disk": "default"}) is None
    assert math.isnan(sample("store_mutations"))


def test_connections_to_the_registry(tmp_path: Path) -> None:
    def counted() -> list[float]:
        used, idle = (sample("registry_connections", state=state) for state in ("used", "idle"))
        return [used, idle, sample("registry_connections_limit")]

    async def use() -> list[float]:
        registry = Registry(f"sqlite:///{tmp_path / 'registry.db'}")
        await registry.create_schema()
        await asyncio.gather(*(registry.ping() for _ in range(20)))
        counts = counted()
        await registry.close()
        return counts

    gc.collect()  # registries of earlier tests
    before = counted()
    used, idle, limit = (later - earlier for later, earlier in zip(asyncio.run(use()), before, strict=True))
    assert used == 0
    assert 1 <= idle <= limit


def test_threads_of_the_store_that_work_and_jobs_that_wait(store: Store) -> None:
    async def use() -> tuple[float, float]:
        slow = [asyncio.create_task(store.read("SELECT sleep(0.5)")) for _ in range(12)]
        await asyncio.sleep(0.2)
        seen = sample("threads_busy", pool="store-read"), sample("jobs_waiting", pool="store-read")
        await asyncio.gather(*slow)
        return seen

    busy, waiting = asyncio.run(use())
    assert 2 <= busy <= sample("threads", pool="store-read")
    assert waiting >= 12 - busy - 1
    assert sample("jobs_waiting", pool="store-read") == 0
    assert sample("store_connections") >= 2


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
