"""Lines of a console log as they came: who follows it reads those of parked records once they come again."""

from __future__ import annotations

import asyncio

from ingest.parsing.batch import read_events
from ingest.writing.writer import Writer
from query.cache.entity_index import EntityIndexCache
from query.logs.arrivals import NEW_SQL, NEWEST_SQL
from query.logs.log_reader import LogReader
from schema.changefeed.changefeed import NoChangefeed
from schema.events.blocks import Block, Place, Record
from schema.events.normalize import ParseContext
from schema.events.tables import LOG
from schema.registry import Entity
from schema.store import Store
from tests.harness.events import log

COMPANY = "company"
TASK = Entity("followed", "", "in_progress", COMPANY, COMPANY, is_locked=False)
OTHER = Entity("of another partition", "", "in_progress", COMPANY, COMPANY, is_locked=False)


def record(task: Entity, offset: int, *lines: str, partition: int = 0, came_at: int | None = None) -> Record:
    """A record of some lines. ``came_at``: the offset at which it came again, once it was replayed."""
    batch_id = f"{partition:08}{offset:08}".encode()
    context = ParseContext(now_ms=1_700_000_000_000, batch_id=batch_id, fresh_id=batch_id)
    events = [log(task.id, line, timestamp=1_700_000_000_000 - offset) for line in lines]
    arrived = 0 if came_at is None else Place(1, partition, came_at).seq
    block = Block(COMPANY, LOG, 1_700_000_000_000, read_events(events, context).columns[LOG])
    return Record(Place(1, partition, offset), block, arrived)


class Follower:
    """Reads what is new of a log, a line at a time."""

    def __init__(self, store: Store, task: Entity) -> None:
        alive = asyncio.run(EntityIndexCache(store, NoChangefeed()).tombstone_filter(task))
        self.lines = LogReader(store, task).living(alive)
        self.position = asyncio.run(self.lines.read(NEWEST_SQL))[0]["position"]

    def read(self) -> list[str]:
        found: list[str] = []
        while page := asyncio.run(self.lines.read_page(NEW_SQL, after=self.position, size=1)):
            found += page.columns["msg"]
            self.position = page.columns["arrived"][-1]
        return found


def test_parked_lines_are_new_where_they_came_again(store: Store) -> None:
    writer = Writer(store)
    writer.write([record(TASK, 10, "first"), record(TASK, 12, "last")])
    follower, other = Follower(store, TASK), Follower(store, OTHER)
    parked = record(TASK, 11, "parked", "with it", came_at=13)
    writer.write([parked, record(TASK, 14, "after it"), record(OTHER, 11, "elsewhere", partition=1)])
    assert follower.read() == ["parked", "with it", "after it"]
    assert other.read() == ["elsewhere"]
    writer.write([parked])
    assert follower.read() == []


def test_a_page_tells_where_its_lines_came(store: Store) -> None:
    task = Entity("paged", "", "in_progress", COMPANY, COMPANY, is_locked=False)
    Writer(store).write([record(task, 20, "before"), record(task, 21, "parked", came_at=25)])
    lines = Follower(store, task).lines
    page = asyncio.run(lines.read_page(NEW_SQL, after=0, size=10))
    assert page.columns["msg"] == ["before", "parked"]
    assert asyncio.run(lines.arrivals(page)) == [Place(1, 0, 20).seq, Place(1, 0, 25).seq]
