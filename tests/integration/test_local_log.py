"""The log of ``eventide up`` on a real SQLite and a real chDB: nothing acknowledged is lost, whatever happens next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from ingest.local.log import LocalLog
from ingest.local.wal import WriteAheadLog
from ingest.parsing.batch import read_events
from ingest.writing.change_collector import WRITTEN_SQL
from schema.changefeed.changefeed import Changefeed
from schema.errors import EventsError, StoreRejected, Unavailable
from schema.events.blocks import ALL, Block, Deletion
from schema.events.normalize import ParseContext
from schema.events.rows import Row
from schema.store import EmbeddedEngine, Store
from schema.store.migrate import migrate
from tests.harness.events import scalar

COMPANY, TASK = "company", "task"
CONTEXT = ParseContext(now_ms=1, batch_id=b"b" * 16, fresh_id=b"f" * 16)
VALUES_SQL = "SELECT iter, value, seq FROM scalars FINAL WHERE seq > (SELECT max(seq) FROM tombstones) ORDER BY iter"


class Engine(EmbeddedEngine):
    """chDB on a disk that may be full."""

    is_full = False

    @contextmanager
    def writing(self, client: Client) -> Iterator[None]:
        if self.is_full:
            raise Unavailable("full")
        with super().writing(client):
            yield


class Setting:
    """A data directory, its store, and a log on it that can be started again."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "journal.sqlite"
        self.engine = Engine(directory / "chdb")
        self.store = Store(self.engine, readers=1)
        self.changefeed = Changefeed()
        migrate(self.store)

    @asynccontextmanager
    async def log(self) -> AsyncIterator[LocalLog]:
        log = LocalLog(self.store, WriteAheadLog(self.file), self.changefeed)
        try:
            yield log
        finally:
            await log.close()

    def append(self, *blocks: Block) -> None:
        """To the journal alone, as by a process that was killed then."""
        wal = WriteAheadLog(self.file)
        wal.append([blocks])
        wal.close()

    def values(self) -> dict[int, float]:
        return {row["iter"]: row["value"] for row in self.store.select(VALUES_SQL)}

    def parked(self) -> int:
        wal = WriteAheadLog(self.file)
        with wal._transaction() as connection:
            (count,) = connection.execute("SELECT count(*) FROM parked").fetchone()
        wal.close()
        return int(count)


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path)
    yield made
    made.store.close()


def block(values: dict[int, float], task: str = TASK) -> Block:
    events = [scalar(task, iter=place, value=value) for place, value in values.items()]
    ((event_type, rows),) = read_events(events, CONTEXT).columns.items()
    return Block(COMPANY, event_type, 1, rows)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scenario(), 60)

    asyncio.run(bounded())


def test_what_is_acknowledged_is_read_once_it_has_settled(setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.log() as log:
            await asyncio.gather(*(log.publish([block({place: place})], False) for place in range(50)))
            await setting.changefeed.wait_until_readable([TASK])
            assert setting.values() == {place: place for place in range(50)}

    run(scenario)


def test_a_visible_write_returns_when_it_is_read(setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.log() as log:
            await log.publish([block({1: 1})], True)
            assert setting.values() == {1: 1}

    run(scenario)


def test_what_a_killed_process_had_acknowledged_is_there_after_the_next_start(setting: Setting) -> None:
    setting.append(block({1: 1}), block({2: 2}))
    setting.append(block({2: 3}))

    async def scenario() -> None:
        async with setting.log():
            await setting.changefeed.wait_until_readable([TASK])
            assert setting.values() == {1: 1, 2: 3}

    run(scenario)


def test_places_are_never_given_twice(setting: Setting) -> None:
    async def write(value: float) -> None:
        async with setting.log() as log:
            await log.publish([block({1: value})], True)

    seqs = []
    for value in (1, 2, 3):
        asyncio.run(write(value))
        seqs.append(setting.store.select(VALUES_SQL)[0]["seq"])
    assert seqs == sorted(set(seqs))
    assert setting.values() == {1: 3}


def test_a_deletion_removes_what_was_acknowledged_before_it(setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.log() as log:
            await log.publish([block({1: 1, 2: 2})], False)
            deleting = asyncio.create_task(log.delete(Deletion(COMPANY, TASK, ALL, 1)))
            await asyncio.sleep(0)
            await log.publish([block({3: 3})], True)
            assert await deleting == 2
            assert setting.values() == {3: 3}

    run(scenario)


def test_who_gave_up_before_anything_was_done_has_written_nothing(setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.log() as log:
            writing = asyncio.create_task(log.publish([block({1: 1})], False))
            await asyncio.sleep(0)
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
            await log.publish([block({2: 2})], True)
            assert setting.values() == {2: 2}

    run(scenario)


def test_a_defective_request_fails_alone(setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.log() as log:
            defective = replace(block({9: 9}), rows=None)
            writing = [log.publish([one], False) for one in (block({1: 1}), defective, block({2: 2}))]
            outcomes = await asyncio.gather(*writing, return_exceptions=True)
            assert [type(outcome).__name__ for outcome in outcomes] == ["NoneType", "AttributeError", "NoneType"]
            await log.publish([block({3: 3})], True)
            assert setting.values() == {1: 1, 2: 2, 3: 3}

    run(scenario)


def test_a_full_disk_loses_nothing_and_takes_nothing_more(setting: Setting) -> None:
    async def scenario() -> None:
        async with setting.log() as log:
            setting.engine.is_full = True
            await log.publish([block({1: 1})], False)
            assert not await setting.changefeed.wait_until_readable([TASK])
            with pytest.raises(Unavailable):
                await log.publish([block({2: 2})], False)
            await log.check()  # there is nothing that a new start would mend
            setting.engine.is_full = False
            while not await setting.changefeed.wait_until_readable([TASK]):  # noqa: ASYNC110 - the next attempt is in its hands
                await asyncio.sleep(0.05)
            await log.publish([block({3: 3})], True)
            assert setting.values() == {1: 1, 3: 3}

    run(scenario)


def test_what_the_store_refuses_is_parked_alone_and_tried_again_with_its_place(setting: Setting) -> None:
    setting.store.execute("ALTER TABLE scalars ADD CONSTRAINT lucky CHECK value != 13")

    async def refused() -> None:
        async with setting.log() as log:
            await log.publish([block({1: 1, 2: 13, 3: 13, 4: 4})], True)
            await log.publish([block({3: 33})], True)
            assert setting.values() == {1: 1, 3: 33, 4: 4}

    run(refused)
    assert setting.parked() == 2
    run(refused)  # refused once more
    assert setting.parked() == 4
    setting.store.execute("ALTER TABLE scalars DROP CONSTRAINT lucky")

    async def taken() -> None:
        async with setting.log():
            await setting.changefeed.wait_until_readable([TASK])
            assert setting.values() == {1: 1, 2: 13, 3: 33, 4: 4}  # 33 was written after 13
            assert setting.store.select("SELECT max(mark.era) > 0 AS late FROM rollup_marks") == [{"late": 1}]

    run(taken)
    assert setting.parked() == 0


@pytest.mark.parametrize("error", [StoreRejected("no", 159), Unavailable("away")])
def test_a_failed_look_up_for_the_caches_parks_and_delays_nothing(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, error: EventsError
) -> None:
    select = setting.store.select

    def refusing(sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        if sql == WRITTEN_SQL:
            raise error
        return select(sql, parameters)

    async def scenario() -> None:
        async with setting.log() as log:
            monkeypatch.setattr(setting.store, "select", refusing)
            await log.publish([block({1: 1})], True)
            monkeypatch.undo()
            assert (setting.values(), setting.parked()) == ({1: 1}, 0)

    run(scenario)
