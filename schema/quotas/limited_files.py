"""The object store of files, with quotas: the number of a company's files, and their bytes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator

from schema.errors import FileMissing
from schema.quotas.in_force import quotas_in_force
from schema.quotas.kinds import Kind, Scope, Subject
from schema.quotas.ledger import QuotaLedger
from schema.quotas.refusals import refusal
from schema.registry import Registry
from schema.store.object_store import FROM_ENVIRONMENT, FileStore, StoreAccess

MEASURE_SECONDS = 3600.0  # between two counts of all files of a company
LOOK_SECONDS = 5.0  # for new limits


class LimitedFiles(FileStore):
    """Files by company and path. An upload that would exceed a quota raises QuotaExceeded, and nothing is stored."""

    def __init__(self, url: str, ledger: QuotaLedger, access: StoreAccess = FROM_ENVIRONMENT) -> None:
        super().__init__(url, access)
        self._ledger = ledger

    async def put(self, company: str, path: str, chunks: AsyncIterable[bytes]) -> None:
        """Store a file, as ``FileStore.put`` does. Raises QuotaExceeded."""
        if not self._is_limited(company):
            await super().put(company, path, chunks)
            return
        upload = Upload(self._ledger, company, await self._size(company, path))
        try:
            upload.begin()
            await super().put(company, path, upload.counted(chunks))
        except BaseException:
            upload.undo()
            raise
        upload.finish()

    async def delete(self, company: str, path: str) -> None:
        """Remove a file, as ``FileStore.delete`` does."""
        size = await self._size(company, path) if self._is_limited(company) else None
        await super().delete(company, path)
        if size is not None:
            self._ledger.add(Kind.FILES, _subject(company), -1)
            self._ledger.add(Kind.FILE_BYTES, _subject(company), -size)

    def _is_limited(self, company: str) -> bool:
        limits, subject = self._ledger.limits, _subject(company)
        return any(limits.of(kind, subject) is not None for kind in (Kind.FILES, Kind.FILE_BYTES))

    async def _size(self, company: str, path: str) -> int | None:
        """Return the bytes of a file; None if there is none."""
        try:
            return (await self.info(company, path)).size_bytes
        except FileMissing:
            return None


class Upload:
    """What a file that is being stored counts as. ``replaced``: bytes of the file in its place; None: there is none."""

    def __init__(self, ledger: QuotaLedger, company: str, replaced: int | None) -> None:
        self._ledger = ledger
        self._subject = _subject(company)
        self._replaced = replaced
        self._files = 0
        self._size = self._charged = 0

    def begin(self) -> None:
        """Count a new file. Raises QuotaExceeded."""
        if self._replaced is None:
            self._add(Kind.FILES, 1)
            self._files = 1

    async def counted(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """Yield the bytes of the file, and count by how many it is larger than the one before.

        Raises QuotaExceeded.
        """
        async for chunk in chunks:
            self._size += len(chunk)
            if (more := self._size - (self._replaced or 0) - self._charged) > 0:
                self._add(Kind.FILE_BYTES, more)
                self._charged += more
            yield chunk

    def finish(self) -> None:
        """Count a file that was stored, which may be smaller than the one before."""
        self._ledger.add(Kind.FILE_BYTES, self._subject, self._size - (self._replaced or 0) - self._charged)

    def undo(self) -> None:
        """Count nothing of a file that was not stored."""
        self._ledger.add(Kind.FILES, self._subject, -self._files)
        self._ledger.add(Kind.FILE_BYTES, self._subject, -self._charged)

    def _add(self, kind: Kind, amount: int) -> None:
        limit, used = self._ledger.limits.of(kind, self._subject), self._ledger.used(kind, self._subject)
        if limit is not None and used + amount > limit:
            raise refusal(kind, self._subject, limit)(used)
        self._ledger.add(kind, self._subject, amount)


class FileUsage:
    """Counts all files of the companies that have a quota, as soon as they have one and every MEASURE_SECONDS."""

    def __init__(self, files: FileStore, registry: Registry, ledger: QuotaLedger) -> None:
        self._files = files
        self._registry = registry
        self._ledger = ledger
        self._measured_at: dict[str, float] = {}

    async def measure(self) -> None:
        """Count the files of companies of which that was long ago. Raises Unavailable."""
        if not any(self._ledger.limits.has(kind) for kind in (Kind.FILES, Kind.FILE_BYTES)):
            return
        in_force = await quotas_in_force(self._registry, self._ledger.defaults)
        for company in in_force.of(Kind.FILES, Kind.FILE_BYTES):
            started = time.monotonic()
            if started - self._measured_at.get(company, -MEASURE_SECONDS) >= MEASURE_SECONDS:
                count, size = await self._files.usage(company)
                await self._ledger.set_used(Kind.FILES, _subject(company), count)
                await self._ledger.set_used(Kind.FILE_BYTES, _subject(company), size)
                self._measured_at[company] = started


def _subject(company: str) -> Subject:
    return Subject(Scope.COMPANY, company)
