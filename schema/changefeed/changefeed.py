"""The changefeed of ``eventide up``: its writer tells the read caches of the same process what it wrote.

Only a process that is the only one to write may cache what it reads: it alone knows of every change. All others have a
``NoChangefeed``, under which nothing is kept.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable
from typing import Protocol

from schema.changefeed.change_batch import ChangeBatch
from schema.changefeed.read_barrier import ReadBarrier
from schema.changefeed.versions import ANY_TYPE, EntityVersions

logger = logging.getLogger("eventide.changefeed")


class Listener(Protocol):
    """Caches that are kept true by the changefeed."""

    def apply(self, batch: ChangeBatch) -> None:
        """Take over what was written; returns at once."""

    def clear(self) -> None:
        """Invalidate everything: a batch could not be applied."""


class NoListener:
    """A listener that keeps nothing."""

    def apply(self, batch: ChangeBatch) -> None:
        """Do nothing."""

    def clear(self) -> None:
        """Do nothing."""


class Changefeed:
    """Versions of entities, the barrier for reads, and the listener that is told every batch of changes.

    A value that was read under a version of an entity holds while the version is the same, if
    ``wait_until_readable`` was awaited before.
    """

    is_live = True  # whether every change is told, so that reads may be cached

    def __init__(self) -> None:
        self._versions = EntityVersions()
        self._barrier = ReadBarrier()
        self._listener: Listener = NoListener()
        self.wanted = self._barrier.wanted

    @property
    def is_awaited(self) -> bool:
        """Whether a read waits for a write."""
        return self._barrier.is_awaited

    def listen(self, listener: Listener) -> None:
        """Tell this listener each batch, before any read that waits for the batch goes on."""
        self._listener = listener

    def announce(self, offset: int, ids: Iterable[str]) -> None:
        """Announce that writes of these entities up to ``offset`` are about to be acknowledged; it never falls."""
        self._barrier.raise_for(offset, ids)

    def apply(self, offset: int, ids: Iterable[str], batch: ChangeBatch | None = None) -> None:
        """Publish that writes of these entities up to ``offset`` can be read. ``batch``: what they changed."""
        batch = batch or ChangeBatch()
        for entity_id in ids:
            self._versions.increment(entity_id, batch.event_types.get(entity_id))
        self._tell(batch)
        self._barrier.release(offset)

    def fail(self) -> None:
        """Publish that acknowledged writes cannot be stored for now: reads go on without them."""
        self._barrier.fail()

    def version(self, entity_id: str, event_type: str = ANY_TYPE) -> int:
        """Return the version of an entity, or of its events of one type."""
        return self._versions.get(entity_id, event_type)

    async def wait_until_readable(self, ids: Iterable[str]) -> bool:
        """Return once all that was acknowledged of these entities can be read; False if it cannot be for now."""
        return await self._barrier.wait(ids)

    def _tell(self, batch: ChangeBatch) -> None:
        """Apply a batch; a defect of a cache must not keep anybody from writing."""
        try:
            self._listener.apply(batch)
        except Exception:
            logger.exception("the read caches are cleared, as a change could not be applied")
            self._listener.clear()


class NoChangefeed(Changefeed):
    """The changefeed of a process beside which others write: no two versions are alike, so nothing read is kept."""

    is_live = False

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count()

    def version(self, entity_id: str, event_type: str = ANY_TYPE) -> int:
        """Return a number that was never returned before."""
        return next(self._numbers)
