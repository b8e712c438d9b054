"""The worker of ``eventide up``: records of the write-ahead log -> the store, in order, many at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context

import pyarrow as pa

from ingest.local.wal import WalEntry, WriteAheadLog
from ingest.writing.backoff import backoff_seconds
from ingest.writing.change_collector import ChangeCollector
from ingest.writing.rejected_rows import record_of_row
from ingest.writing.writer import Writer, Wrote
from schema.changefeed.change_batch import ChangeBatch
from schema.changefeed.changefeed import Changefeed
from schema.errors import StoreRejected, Unavailable
from schema.events.blocks import Block, Deletion, Place, Record
from schema.fairness.shares import Share, current_share
from schema.json_logging import about_request
from schema.metrics import FRESHNESS_SECONDS, LAST_WRITE, ROWS_WAITING, WRITE_RETRIES, WRITE_SECONDS
from schema.store import Store
from schema.tracing import follow

GROUP_ROWS = 100_000
WAITING_ROWS, WAITING_BYTES = 2 * GROUP_ROWS, 64 << 20  # (compressed) beyond, writers wait; readers wait for these
GATHER_SECONDS = 0.2  # while nobody waits to read: few rows cost nearly as much as many
logger = logging.getLogger("eventide.applier")


class Applier:
    """The task that brings records into the store, and publishes to ``changefeed``.

    ``failure``: why the last attempt, which is repeated, did not succeed. ``running`` ends only by a defect.
    """

    def __init__(self, store: Store, wal: WriteAheadLog, changefeed: Changefeed, wrote: Wrote) -> None:
        self._changes = ChangeCollector(store)
        self._writer = Writer(store, self._park_row, wrote, self._changes)
        self._wal = wal
        self._changefeed = changefeed
        self._thread = ThreadPoolExecutor(1, "writer")
        self._waiting: deque[WalEntry] = deque()
        self._group: list[WalEntry] = []
        self._rows = 0  # of both
        self._taken: dict[str, list[int]] = {}  # company -> its rows and bytes in both
        self._deletions: dict[Place, asyncio.Future[int]] = {}
        self._keepers = 0  # that want the log to forget nothing
        self._came, self._left = asyncio.Event(), asyncio.Event()
        self.failure: Unavailable | None = None
        self.running = asyncio.create_task(self._run())

    def add(self, entries: Iterable[WalEntry]) -> None:
        """Take over records that are about to be acknowledged."""
        for entry in entries:
            self._waiting.append(entry)
            self._measure(entry, 1)
            self._changefeed.announce(entry.offset, entry.entities)
        if self._rows >= GROUP_ROWS:
            self._changefeed.wanted.set()
        if self._waiting:
            self._came.set()
        ROWS_WAITING.set(self._rows)

    async def room(self, company: str) -> None:
        """Return once there is room for more of a company, which has its share of it."""
        while self._is_full(company, current_share.get()):
            self._left.clear()
            await self._left.wait()

    async def deleted(self, deletion: WalEntry) -> int:
        """Return how many events a deletion removed, once it has. Raises Unavailable while it cannot."""
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._deletions[deletion.record.place] = done  # in time: a group takes more than one turn of the loop
        self._changefeed.wanted.set()
        return await done

    @asynccontextmanager
    async def keeping_log(self) -> AsyncIterator[None]:
        """Let the write-ahead log forget nothing meanwhile; what is in the store already goes with a later group."""
        self._keepers += 1
        await asyncio.get_running_loop().run_in_executor(self._thread, lambda: None)  # whoever is forgetting has
        try:
            yield
        finally:
            self._keepers -= 1

    async def close(self, seconds: float) -> None:
        """Stop after what can be done in time: the write-ahead log keeps the rest."""
        self._changefeed.wanted.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle(), seconds)
        self.running.cancel()
        await asyncio.to_thread(self._thread.shutdown)

    def _is_full(self, company: str, share: Share) -> bool:
        rows, size = self._taken.get(company, (0, 0))
        return rows >= share.most(WAITING_ROWS) or size >= share.most(WAITING_BYTES)

    async def _idle(self) -> None:
        while self._waiting or self._group:
            self._left.clear()
            await self._left.wait()

    async def _run(self) -> None:
        try:
            while True:
                await self._came.wait()
                await self._gather()
                await self._apply_group()
        except Exception:
            logger.exception("the writer stops; what was acknowledged is kept in the journal")
            raise

    async def _apply_group(self) -> None:
        self._take_group()
        with follow("write records", (entry.record.request.traceparent for entry in self._group)):
            self._settle(await self._write())
        await asyncio.get_running_loop().run_in_executor(self._thread, self._forget, self._group[-1].offset)
        self._drop_group()

    async def _gather(self) -> None:
        if self._rows < GROUP_ROWS and not self._changefeed.is_awaited and not self._deletions:
            self._changefeed.wanted.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changefeed.wanted.wait(), GATHER_SECONDS)

    def _take_group(self) -> None:
        rows = 0
        while self._waiting and rows < GROUP_ROWS:
            self._group.append(self._waiting.popleft())
            rows += _rows(self._group[-1])
        if not self._waiting:
            self._came.clear()

    async def _write(self) -> dict[Place, int]:
        """Write the group, however often it takes. Returns how many events each deletion removed."""
        seconds, loop = backoff_seconds(), asyncio.get_running_loop()
        while True:
            try:
                return await loop.run_in_executor(self._thread, copy_context().run, self._write_group)
            except Unavailable as error:
                self._fail(error)
                await asyncio.sleep(next(seconds))

    def _fail(self, error: Unavailable) -> None:
        self.failure = error
        self._changes.failed()
        WRITE_RETRIES.labels(error.number).inc()
        logger.warning("the same records are tried again: %s", error)
        self._changefeed.fail()
        for waiting in self._deletions.values():
            if not waiting.done():
                waiting.set_exception(error)
        self._deletions.clear()

    def _settle(self, deleted: Mapping[Place, int]) -> None:
        self.failure = None
        now = time.time()
        LAST_WRITE.set(now)
        for entry in self._group:
            FRESHNESS_SECONDS.observe(max(0.0, now - entry.record.content.received_at / 1000))
        for place, count in deleted.items():
            waiting = self._deletions.pop(place, None)
            if waiting and not waiting.done():
                waiting.set_result(count)
        ids = {entity for entry in self._group for entity in entry.entities}
        self._changefeed.apply(self._group[-1].offset, ids, self._collected())

    def _collected(self) -> ChangeBatch:
        contents = (entry.record.content for entry in self._group)
        return self._changes.take(
            (content.company, content.entity) for content in contents if isinstance(content, Deletion)
        )

    def _drop_group(self) -> None:
        for entry in self._group:
            self._measure(entry, -1)
        self._group = []
        ROWS_WAITING.set(self._rows)
        self._left.set()

    def _measure(self, entry: WalEntry, sign: int) -> None:
        rows, company = _rows(entry), entry.record.content.company
        self._rows += sign * rows
        taken = self._taken.setdefault(company, [0, 0])
        taken[0] += sign * rows
        taken[1] += sign * entry.size
        if not any(taken):
            del self._taken[company]

    def _write_group(self) -> dict[Place, int]:
        with WRITE_SECONDS.time():
            records = [entry.record for entry in self._group]
            self._changes.look_up(records)
            return self._write_records(records)

    def _write_records(self, records: Sequence[Record]) -> dict[Place, int]:
        """Write all at once; if the store rejects something, one by one, so that only the culprit is parked."""
        try:
            return self._writer.write(records)
        except StoreRejected as error:
            if len(records) > 1:
                return {place: n for record in records for place, n in self._write_records([record]).items()}
            self._park(records[0], str(error))
            return {}

    def _park_row(self, row: pa.Table, event_type: str, reason: str) -> None:
        self._park(record_of_row(row, event_type, (entry.record for entry in self._group)), reason)

    def _park(self, record: Record, reason: str) -> None:
        with about_request(record.request.request_id):
            logger.error("parked: %s: %s", record.place, reason)
        self._wal.park(record, reason)

    def _forget(self, through: int) -> None:
        """Remove records from the log, unless it is to keep them.

        What stays is removed with the next group, or written again at the next start, which changes nothing.
        """
        if self._keepers:
            return
        try:
            self._wal.forget(through)
        except Unavailable as error:
            logger.warning("%s", error)


def _rows(entry: WalEntry) -> int:
    content = entry.record.content
    return len(content.rows) if isinstance(content, Block) else 0
