"""The log of ``eventide up``: acknowledges what is in the write-ahead log, which the applier brings into the store.

While one transaction runs the next gathers, so that many small requests share its sync. A read of an entity waits for
what was acknowledged of it (``schema/changefeed``); only while the store takes nothing (its disk is full) reads go on
without it, and writes are 503.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from ingest.local.applier import Applier
from ingest.local.wal import WalEntry, WriteAheadLog
from ingest.log import IsAbandoned, current_request, never
from ingest.writing.writer import Wrote
from schema.changefeed.changefeed import Changefeed
from schema.errors import Unavailable
from schema.events.blocks import Block, Content, Deletion
from schema.events.request_context import RequestContext
from schema.store import Store
from schema.tracing import PRODUCER, span

CLOSE_SECONDS = 5.0


@dataclass(frozen=True)
class Submission:
    """The contents of one request, and a future of their entries."""

    contents: Sequence[Content]
    taken: asyncio.Future[list[WalEntry]]
    request: RequestContext = field(default_factory=current_request)


class LocalLog:
    """A log without a service. Create it in the event loop that uses it. ``wrote`` is called with what is stored."""

    reads_wait = True

    def __init__(self, store: Store, wal: WriteAheadLog, changefeed: Changefeed, wrote: Wrote = lambda _: None) -> None:
        self._wal = wal
        self._changefeed = changefeed
        self._applier = Applier(store, wal, changefeed, wrote)
        self._submissions: list[Submission] = []
        self._came = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "journal")
        wal.replay_parked()
        self._applier.add(wal.entries())
        self._running = asyncio.create_task(self._run())

    async def publish(self, blocks: Sequence[Block], visible: bool, is_abandoned: IsAbandoned = never) -> None:
        with span("publish", PRODUCER):
            await self._submit(blocks)
        if visible and not await self._are_readable(blocks):
            raise self._applier.failure or Unavailable("What was written cannot be read yet")

    async def _are_readable(self, blocks: Sequence[Block]) -> bool:
        with span("wait until visible"):
            return await self._changefeed.wait_until_readable({task for block in blocks for task in block.tasks})

    async def delete(self, deletion: Deletion, is_abandoned: IsAbandoned = never) -> int:
        with span("publish", PRODUCER):
            (entry,) = await self._submit([deletion])
        with span("wait until visible"):
            return await self._applier.deleted(entry)

    async def check(self) -> None:
        if self._running.done() or self._applier.running.done():
            raise Unavailable("The writer has stopped")

    def keeping_log(self) -> AbstractAsyncContextManager[None]:
        """Let the write-ahead log forget nothing meanwhile, for a backup."""
        return self._applier.keeping_log()

    async def close(self) -> None:
        """Stop; call when no request is running any more."""
        self._running.cancel()
        await asyncio.to_thread(self._thread.shutdown)
        await self._applier.close(CLOSE_SECONDS)
        self._wal.close()

    async def _submit(self, contents: Sequence[Content]) -> list[WalEntry]:
        await self.check()
        if self._applier.failure:
            raise self._applier.failure
        await self._applier.room(contents[0].company)
        submission = Submission(contents, asyncio.get_running_loop().create_future())
        self._submissions.append(submission)
        self._came.set()
        return await submission.taken

    async def _run(self) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            group = [submission for submission in self._submissions if not submission.taken.done()]
            self._submissions = []
            outcomes = await self._append(group)
            for submission, outcome in zip(group, outcomes, strict=True):
                _settle(submission.taken, outcome)

    async def _append(self, group: Sequence[Submission]) -> Sequence[list[WalEntry] | Exception]:
        """Append a group; return the entries of each, or its error: one that is defective does not fail the others."""
        loop = asyncio.get_running_loop()
        try:
            contents = [submission.contents for submission in group]
            contexts = [submission.request for submission in group]
            appended = await loop.run_in_executor(self._thread, self._wal.append, contents, contexts)
        except Unavailable as error:
            return [error] * len(group)
        except Exception as error:
            return [error] if len(group) == 1 else [(await self._append([one]))[0] for one in group]
        for entries in appended:
            self._applier.add(entries)
        return appended


def _settle(taken: asyncio.Future[list[WalEntry]], outcome: list[WalEntry] | Exception) -> None:
    if taken.done():
        return
    if isinstance(outcome, Exception):
        taken.set_exception(outcome)
    else:
        taken.set_result(outcome)
