"""The log between gateway and writer: what it promises, and the embedded one."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.writer import Writer
from schema.blocks import Block, Content, Deletion, Place, Record
from schema.errors import StoreRejected, Unavailable

GROUP_ROWS = 200_000
RESERVED_OFFSETS = 4096
GATHER_SECONDS, PAUSE_SECONDS = 0.02, 0.003  # a write takes 20 ms or more
LOCAL_EPOCH = 1  # so that no seq is 0
LOCAL_BLOCK_BYTES = 1 << 30


class Log(Protocol):
    """Takes what the gateway accepted. Everything raises Unavailable if it may be sent again."""

    async def publish(self, blocks: Sequence[Block], visible: bool) -> None:
        """Return once all blocks are durable, or, if ``visible``, once a read sees them."""

    async def delete(self, deletion: Deletion) -> int:
        """Delete in order with the writes around it; returns how many events once no read sees them."""

    async def check(self) -> None:
        """Raises Unavailable while nothing can be published."""


class Offsets:
    """Offsets that never repeat, not even after ``kill -9``: a file holds how far they are reserved."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._next = self._reserved = int(file.read_text()) if file.exists() else 1

    def take(self) -> int:
        """The next offset. Raises Unavailable if it cannot be reserved."""
        if self._next == self._reserved:
            self._reserve(self._reserved + RESERVED_OFFSETS)
        self._next += 1
        return self._next - 1

    def _reserve(self, limit: int) -> None:
        draft = self._file.with_suffix(".new")
        try:
            with draft.open("w") as out:
                out.write(str(limit))
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self._file)
        except OSError as error:
            raise Unavailable(f"Cannot reserve offsets: {error}") from error
        self._reserved = limit


@dataclass(frozen=True)
class Submission:
    """What one request wants written, and who waits for it."""

    contents: Sequence[Content]
    done: asyncio.Future[int]

    @property
    def row_count(self) -> int:
        """Rows of its blocks."""
        return sum(content.rows.num_rows for content in self.contents if isinstance(content, Block))


class LocalLog:
    """The embedded log: hands over to the writer at once and answers when the rows are in the store.

    While one group is written the next gathers, so that many small requests share an insert. A client that is alone
    never waits for others.
    """

    def __init__(self, writer: Writer, offsets: Offsets) -> None:
        self._writer = writer
        self._offsets = offsets
        self._waiting: list[Submission] = []
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "writer")
        self._loop = asyncio.create_task(self._run())

    async def publish(self, blocks: Sequence[Block], visible: bool) -> None:
        await self._submit(blocks)

    async def delete(self, deletion: Deletion) -> int:
        return await self._submit([deletion])

    async def check(self) -> None:
        if self._loop.done():
            raise Unavailable("The writer has stopped")

    async def close(self) -> None:
        """Stop; call when no request is running any more."""
        self._loop.cancel()
        await asyncio.to_thread(self._thread.shutdown)

    async def _submit(self, contents: Sequence[Content]) -> int:
        submission = Submission(contents, asyncio.get_running_loop().create_future())
        self._waiting.append(submission)
        self._wake.set()
        return await submission.done

    async def _run(self) -> None:
        loop, is_shared = asyncio.get_running_loop(), False
        while True:
            await self._wake.wait()
            if is_shared:
                await self._gather()
            group = self._take_group()
            is_shared = len(group) > 1
            outcomes = await loop.run_in_executor(self._thread, self._write_group, group)
            for submission, outcome in zip(group, outcomes, strict=True):
                _settle(submission.done, outcome)

    async def _gather(self) -> None:
        """Wait while more come. Who was just answered comes again, and a write costs the same for all as for half."""
        end, count = time.monotonic() + GATHER_SECONDS, 0
        while len(self._waiting) > count and time.monotonic() < end:
            count = len(self._waiting)
            await asyncio.sleep(PAUSE_SECONDS)

    def _take_group(self) -> list[Submission]:
        rows, count = 0, 0
        for submission in self._waiting:
            rows, count = rows + submission.row_count, count + 1
            if rows >= GROUP_ROWS:
                break
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        if not self._waiting:
            self._wake.clear()
        return group

    def _write_group(self, group: Sequence[Submission]) -> list[int | Exception]:
        """One write for all; if the store rejects something, one for each, so that only the culprit fails."""
        try:
            records = [list(self._records(submission)) for submission in group]
            deleted = self._writer.write([record for own in records for record in own])
            return [sum(deleted.get(record.place, 0) for record in own) for own in records]
        except StoreRejected as error:
            return [error] if len(group) == 1 else [self._write_group([one])[0] for one in group]
        except Exception as error:
            return [error] * len(group)

    def _records(self, submission: Submission) -> Iterable[Record]:
        for content in submission.contents:
            pieces = [b for _, b in content.split(1, LOCAL_BLOCK_BYTES)] if isinstance(content, Block) else [content]
            for piece in pieces:
                yield Record(Place(LOCAL_EPOCH, 0, self._offsets.take()), piece)


def _settle(done: asyncio.Future[int], outcome: int | Exception) -> None:
    if done.cancelled():
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
