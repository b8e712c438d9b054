"""Times of last changes: they move with every batch of events, and are written when somebody reads documents here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from schema.errors import Unavailable
from schema.registry.documents import Documents, iso_now
from schema.registry.tables import Kind
from schema.tls_files import NO_FILES, TlsFiles

logger = logging.getLogger("eventide.touch")


class Touches(Documents):
    """Changes of ``last_update`` that are put off: visible through this process at once, elsewhere once settled."""

    def __init__(self, url: str, tls: TlsFiles = NO_FILES) -> None:
        super().__init__(url, tls)
        self._touched: dict[tuple[str, str], tuple[Kind, str]] = {}  # (kind, id) -> kind, by whom
        self._settling = asyncio.Lock()

    def touch_soon(self, kind: Kind, ids: Iterable[str], user: str) -> None:
        """Record that a user changed something of these documents."""
        self._touched.update({(kind.name, document_id): (kind, user) for document_id in ids})

    async def settle(self) -> None:
        """Write what was put off; what cannot be written now is given up."""
        async with self._settling:  # a read also waits for what is being written
            touched, self._touched = self._touched, {}
            groups: dict[tuple[Kind, str], list[str]] = {}
            for (_, document_id), group in touched.items():
                groups.setdefault(group, []).append(document_id)
            for (kind, user), ids in groups.items():
                try:
                    await self.touch(kind, ids, iso_now(), user)
                except Unavailable as error:
                    logger.warning("last_update not moved: %s", error)
