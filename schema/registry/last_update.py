"""Times of last changes: they move with every batch of events, and are written when somebody reads documents here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from schema.errors import Unavailable
from schema.fairness.shares import BACKGROUND, current_share
from schema.registry.documents import Documents, iso_now
from schema.registry.tables import Kind
from schema.tls_files import NO_FILES, TlsFiles

logger = logging.getLogger("eventide.touch")


class Touches(Documents):
    """Changes of ``last_update`` that are put off: visible through this process at once, elsewhere once settled.

    A company's calls wait for what was put off for it, not for what others put off.
    """

    def __init__(self, url: str, tls: TlsFiles = NO_FILES) -> None:
        super().__init__(url, tls)
        self._touched: dict[str, dict[tuple[str, str], tuple[Kind, str]]] = {}  # by company, kind and id: kind, by whom
        self._settling: dict[str, asyncio.Lock] = {}

    def touch_soon(self, kind: Kind, ids: Iterable[str], user: str) -> None:
        """Record that a user changed something of these documents."""
        touched = self._touched.setdefault(current_share.get().company, {})
        touched.update({(kind.name, document_id): (kind, user) for document_id in ids})

    async def settle(self) -> None:
        """Write what was put off for the company whose call it is, or, in the background, for all.

        What cannot be written now is given up.
        """
        share = current_share.get()
        if share is not BACKGROUND:
            await self._settle(share.company)
            return
        settling = [company for company, lock in self._settling.items() if lock.locked()]
        for company in {*self._touched, *settling}:
            await self._settle(company)

    async def _settle(self, company: str) -> None:
        lock = self._settling.setdefault(company, asyncio.Lock())
        async with lock:  # a read also waits for what is being written
            touched = self._touched.pop(company, {})
            groups: dict[tuple[Kind, str], list[str]] = {}
            for (_, document_id), group in touched.items():
                groups.setdefault(group, []).append(document_id)
            for (kind, user), ids in groups.items():
                try:
                    await self.touch(kind, ids, iso_now(), user)
                except Unavailable as error:
                    logger.warning("last_update not moved: %s", error)
                except asyncio.CancelledError:
                    self._touched[company] = touched | self._touched.get(company, {})
                    raise
