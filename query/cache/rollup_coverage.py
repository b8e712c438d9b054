"""Curves whose roll-ups hold every event: as long as nobody writes them there is nothing else to look for.

Only in the process that is the only one to write (``eventide up``): a third of the time of a long curve went into
looking for what roll-ups do not hold yet.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

from query.curves.rollup_source import CurveKey, RollupCoverage, read_rollup_coverage
from query.curves.row_source import Drawing
from query.sql.statements import MetricFilter
from schema.changefeed.changefeed import Changefeed
from schema.registry import Entity
from schema.store import Store

MAX_QUESTIONS = 1000  # questions


class RollupCoverageCache:
    """``changefeed``: of a process that is the only one to write; nothing is remembered without."""

    def __init__(self, store: Store, changefeed: Changefeed | None) -> None:
        self._store = store
        self._changefeed = changefeed
        self._known: dict[Hashable, tuple[list[int], RollupCoverage]] = {}

    async def rolled(
        self, entities: Sequence[Entity], filters: Sequence[MetricFilter], drawing: Drawing, long: Collection[CurveKey]
    ) -> RollupCoverage:
        """As ``read_rollup_coverage`` has it. ``long``: the curves for which it matters."""
        question = (*(entity.key for entity in entities), *(entry.model_dump_json() for entry in filters))
        writes = self._writes(entities)
        known = self._known.get(question)
        if known and known[0] == writes:
            return known[1]
        rolled = await read_rollup_coverage(self._store, entities, filters, drawing)
        if self._changefeed and drawing.is_whole and rolled.holds_all(long) and writes == self._writes(entities):
            self._remember(question, writes, rolled)
        return rolled

    def _writes(self, entities: Sequence[Entity]) -> list[int]:
        return [self._changefeed.of(entity.id) for entity in entities] if self._changefeed else []

    def _remember(self, question: Hashable, writes: list[int], rolled: RollupCoverage) -> None:
        if len(self._known) >= MAX_QUESTIONS:
            self._known.clear()
        self._known[question] = writes, rolled
