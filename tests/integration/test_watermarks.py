"""Watermarks rise with every write in the order of arrival, whatever the gateways' and the clients' clocks say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ingest.parsing.batch import read_events
from ingest.writing.writer import Writer
from query.cache.statistics import METRIC_STATS, StatisticsCache, md5
from query.live.watermarks import EntityWatermark, read_watermarks
from schema.changefeed.changefeed import NoChangefeed
from schema.events.blocks import Block, Place, Record
from schema.events.normalize import ParseContext
from schema.registry import Entity
from schema.store import Store
from tests.harness.events import Event, image, log, plot, scalar, vector

COMPANY = "company"
NOON_MS = 1_700_000_000_000
MINUTE_MS = 60_000
CONTEXT = ParseContext(now_ms=NOON_MS, batch_id=b"b" * 16, fresh_id=b"f" * 16)


def record(event: Event, offset: int, received_at: int, arrived: int = 0) -> Record:
    """A record of one event, at an offset of the only partition."""
    ((event_type, rows),) = read_events([dict(event)], CONTEXT).columns.items()
    return Record(Place(1, 0, offset), Block(COMPANY, event_type, received_at, rows), arrived)


def watermark(store: Store, task: str) -> EntityWatermark:
    entity = Entity(task, "", "created", COMPANY, COMPANY, is_locked=False)
    return asyncio.run(read_watermarks(store, [entity]))[task]


MAKERS = [log, plot, image, vector, scalar]


@pytest.mark.parametrize("make", MAKERS)
def test_a_gateway_whose_clock_is_a_minute_behind(store: Store, make: Callable[..., Event]) -> None:
    """Neither the time of receipt, nor the client's timestamp, nor the iteration is a new maximum."""
    task = f"minute behind {make.__name__}"
    event = make(task, iter=5, metric="m", variant="v", timestamp=NOON_MS)
    Writer(store).write([record(event, 10, NOON_MS)])
    before = watermark(store, task)
    older = event | {"iter": 4, "timestamp": NOON_MS - MINUTE_MS}
    Writer(store).write([record(older, 11, NOON_MS - MINUTE_MS)])
    assert watermark(store, task).changed_since(before) == [event["type"]]


@pytest.mark.parametrize("make", MAKERS)
def test_a_replayed_record_arrives_where_it_came_again(store: Store, make: Callable[..., Event]) -> None:
    """It keeps the place that it had before it was parked, below what was written since."""
    task = f"replayed {make.__name__}"
    event = make(task, iter=5, metric="m", variant="v", timestamp=NOON_MS)
    Writer(store).write([record(event, 20, NOON_MS)])
    before = watermark(store, task)
    parked = record(event | {"iter": 3}, 15, NOON_MS, arrived=Place(1, 0, 21).seq)
    Writer(store).write([parked])
    assert watermark(store, task).changed_since(before) == [event["type"]]


def test_writing_records_again_is_no_change(store: Store) -> None:
    task = "again"
    records = [record(log(task, timestamp=NOON_MS), 30 + step, NOON_MS) for step in range(4)]
    Writer(store).write(records)
    before = watermark(store, task)
    for portion in (records[:1], records[1:3], records):
        Writer(store).write(portion)
        assert watermark(store, task) == before


def test_statistics_are_read_again_after_a_write_through_a_clock_behind(store: Store) -> None:
    """What a log's newest event is would else stay, until somebody writes a scalar."""
    task, cache = "statistics", StatisticsCache(store, NoChangefeed())

    def newest() -> int:
        found = asyncio.run(cache.of({task: COMPANY}, [METRIC_STATS]))[task][METRIC_STATS]
        return int(found[md5("m")]["event_stats_by_type"]["log"]["last_update"])

    Writer(store).write([record(log(task, metric="m", timestamp=NOON_MS), 40, NOON_MS)])
    assert newest() == NOON_MS
    later = log(task, metric="m", timestamp=NOON_MS + 1)
    Writer(store).write([record(later, 41, NOON_MS - MINUTE_MS)])
    assert newest() == NOON_MS + 1
