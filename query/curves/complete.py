"""Curves whose roll-ups hold every event: as long as nobody writes them there is nothing else to look for.

Only in the process that is the only one to write (``eventide up``): a third of the time of a long curve went into
looking for what roll-ups do not hold yet.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

from query.curves.rollups import Name, Rolled, read_rolled
from query.curves.scan import Drawing
from query.rows import MetricFilter
from schema.changes import Changes
from schema.registry import Entity
from schema.store import Store

REMEMBERED = 1000  # questions


class Complete:
    """``changes``: of a process that is the only one to write; nothing is remembered without."""

    def __init__(self, store: Store, changes: Changes | None) -> None:
        self._store = store
        self._changes = changes
        self._known: dict[Hashable, tuple[list[int], Rolled]] = {}

    async def rolled(
        self, entities: Sequence[Entity], filters: Sequence[MetricFilter], drawing: Drawing, long: Collection[Name]
    ) -> Rolled:
        """As ``read_rolled`` has it. ``long``: the curves for which it matters."""
        question = (*(entity.key for entity in entities), *(entry.model_dump_json() for entry in filters))
        writes = self._writes(entities)
        known = self._known.get(question)
        if known and known[0] == writes:
            return known[1]
        rolled = await read_rolled(self._store, entities, filters, drawing)
        if self._changes and drawing.is_whole and rolled.holds_all(long) and writes == self._writes(entities):
            self._remember(question, writes, rolled)
        return rolled

    def _writes(self, entities: Sequence[Entity]) -> list[int]:
        return [self._changes.of(entity.id) for entity in entities] if self._changes else []

    def _remember(self, question: Hashable, writes: list[int], rolled: Rolled) -> None:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[question] = writes, rolled
