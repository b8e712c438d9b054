"""Which entities were written lately, for a process that is the only one to write: ``eventide up``."""

from __future__ import annotations

from collections.abc import Iterable

COUNTED_ENTITIES = 500_000


class Changes:
    """Counts the writes of each entity. What was read while its count stood still is still true."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._floor = 0

    def add(self, ids: Iterable[str]) -> None:
        """These entities were written: call when reads see it, and before anybody is told."""
        if len(self._counts) > COUNTED_ENTITIES:
            self._floor = max(self._counts.values()) + 1
            self._counts.clear()
        for entity_id in ids:
            self._counts[entity_id] = self.of(entity_id) + 1

    def of(self, entity_id: str) -> int:
        """The count of an entity."""
        return self._counts.get(entity_id, self._floor)
