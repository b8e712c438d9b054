"""Quotas of files: what is uploaded, replaced, deleted and found, in a directory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from schema.errors import QuotaExceeded
from schema.quotas import limited_files
from schema.quotas.kinds import Kind, Scope, Subject
from schema.quotas.ledger import QuotaLedger
from schema.quotas.limited_files import FileUsage, LimitedFiles
from schema.registry import Quota, Registry
from tests.integration.registries import run

COMPANY = Subject(Scope.COMPANY, "c")
CHUNK = 1000


class Stand:
    """A store of files with its ledger."""

    def __init__(self, directory: Path, registry: Registry) -> None:
        self.registry = registry
        self.ledger = QuotaLedger(registry)
        self.directory = directory / "files"
        self.files = LimitedFiles(str(self.directory), self.ledger)

    async def limit(self, kind: Kind, limit: int) -> None:
        await self.registry.set_quota(Quota("c", Scope.COMPANY, "c", kind, limit))
        await self.ledger.refresh()

    async def put(self, path: str, size: int, company: str = "c") -> None:
        await self.files.put(company, path, chunks_of(size))

    def used(self) -> tuple[int, int]:
        return self.ledger.used(Kind.FILES, COMPANY), self.ledger.used(Kind.FILE_BYTES, COMPANY)


async def chunks_of(size: int) -> AsyncIterator[bytes]:
    for start in range(0, size, CHUNK):
        yield b"x" * min(CHUNK, size - start)


async def cut_off(size: int) -> AsyncIterator[bytes]:
    async for chunk in chunks_of(size):
        yield chunk
    raise ConnectionResetError


@pytest.fixture
def on_stand(tmp_path: Path) -> Callable[[Callable[[Stand], Awaitable[None]]], None]:
    """Run something on a stand of its own."""

    def on(work: Callable[[Stand], Awaitable[None]]) -> None:
        async def inside() -> None:
            registry = Registry(f"sqlite:///{tmp_path / 'registry.db'}")
            await registry.create_schema()
            await registry.add_user("c", "ann", "user", "key", "secret")
            await work(Stand(tmp_path, registry))
            await registry.close()

        run(inside())

    return on


OnStand = Callable[[Callable[[Stand], Awaitable[None]]], None]


def test_bytes_are_taken_up_to_the_limit_and_replaced_ones_make_room(on_stand: OnStand) -> None:
    async def work(stand: Stand) -> None:
        await stand.limit(Kind.FILE_BYTES, 10 * CHUNK)
        await stand.put("a", 6 * CHUNK)
        with pytest.raises(QuotaExceeded, match="10000 bytes of files: 10000 are used"):
            await stand.put("b", 5 * CHUNK)
        assert stand.used() == (1, 6 * CHUNK)
        await stand.put("a", 9 * CHUNK)
        await stand.put("a", 2 * CHUNK)
        await stand.put("b", 8 * CHUNK)
        assert stand.used() == (2, 10 * CHUNK)
        await stand.put("a", 20 * CHUNK, "another company")
        assert await stand.files.usage("c") == (2, 10 * CHUNK)

    on_stand(work)


def test_files_are_counted_and_deleted_ones_make_room(on_stand: OnStand) -> None:
    async def work(stand: Stand) -> None:
        await stand.limit(Kind.FILES, 2)
        await stand.put("a", 1)
        await stand.put("b/c", 1)
        with pytest.raises(QuotaExceeded, match="2 files"):
            await stand.put("d", 1)
        await stand.put("a", 2)
        await stand.files.delete("c", "b/c")
        assert stand.used() == (1, 2)
        await stand.put("d", 1)

    on_stand(work)


def test_what_is_cut_off_counts_for_nothing(on_stand: OnStand) -> None:
    async def work(stand: Stand) -> None:
        await stand.limit(Kind.FILE_BYTES, 10 * CHUNK)
        await stand.put("a", CHUNK)
        for path in ("a", "b"):
            with pytest.raises(ConnectionResetError):
                await stand.files.put("c", path, cut_off(5 * CHUNK))
        assert stand.used() == (1, CHUNK)

    on_stand(work)


def test_uploads_at_once_do_not_exceed_the_limit_together(on_stand: OnStand) -> None:
    async def work(stand: Stand) -> None:
        await stand.limit(Kind.FILE_BYTES, 10 * CHUNK)
        uploads = [stand.put(f"f{n}", 3 * CHUNK) for n in range(8)]
        answers = await asyncio.gather(*uploads, return_exceptions=True)
        count, size = await stand.files.usage("c")
        assert stand.used() == (count, size) == (answers.count(None), answers.count(None) * 3 * CHUNK)
        assert size <= 10 * CHUNK

    on_stand(work)


def test_files_of_before_the_limit_are_found(on_stand: OnStand, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(stand: Stand) -> None:
        await stand.put("a", 3 * CHUNK)
        await stand.put("b", CHUNK)
        usage = FileUsage(stand.files, stand.registry, stand.ledger)
        await usage.measure()
        assert stand.used() == (0, 0)
        await stand.limit(Kind.FILES, 2)
        await usage.measure()
        assert stand.used() == (2, 4 * CHUNK)
        with pytest.raises(QuotaExceeded):
            await stand.put("c", 1)
        (stand.directory / "c" / "a").unlink()  # by somebody else
        await usage.measure()
        assert stand.used() == (2, 4 * CHUNK)
        monkeypatch.setattr(limited_files, "MEASURE_SECONDS", 0.0)
        await usage.measure()
        assert stand.used() == (1, CHUNK)

    on_stand(work)
