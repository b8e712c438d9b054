"""What a process writes that is the only one to write (``eventide up``): what reads may remember, and must wait for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from schema.changefeed.log_tail import LogTail
from schema.changefeed.points import CurveName, Points

MAX_VERSIONS = 500_000  # changes of an entity, by kind: types of events, and these two
ANY = "*"  # kind of change: all there are
ANY_TYPE_LOST = ""  # kind of change: one that may concern events of any type
logger = logging.getLogger("eventide.changes")

EntityKey = tuple[str, str]  # an entity: the company under which its events are stored, its id


@dataclass(frozen=True)
class ChangeBatch:
    """What was written, as readers remember it.

    ``indexed``: rows of the metric index. ``points``: of curves; None where other things were written too.
    ``lines``: the newest of logs; None where one was written twice.
    ``gone``: of whom nothing is true any more, as their events were deleted or too much was written. ``born``: who had
    never been written before. ``types``: of entities (by id) that lost nothing, the types of the events they got.
    """

    indexed: Sequence[Mapping[EntityKey, pa.Table]] = ()
    points: Sequence[Mapping[EntityKey, Mapping[CurveName, Points | None]]] = ()
    lines: Sequence[Mapping[EntityKey, LogTail | None]] = ()
    invalidated: Set[EntityKey] = frozenset()
    created: Set[EntityKey] = frozenset()
    types: Mapping[str, Set[str]] = field(default_factory=dict)


class Listener(Protocol):
    """Remembers what is true until something else is written."""

    def apply_changes(self, batch: ChangeBatch) -> None:
        """What was written; returns at once."""

    def forget(self) -> None:
        """Everything: somebody did not understand the news."""


class Changefeed:
    """Counts the writes of each entity, and knows which are acknowledged and cannot be read yet.

    What was read while an entity's count stood still is still true, if ``settled`` was awaited before.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._floor = 0
        self._places: dict[str, int] = {}  # of each entity's newest write that cannot be read, ascending
        self._waiting: list[tuple[int, asyncio.Future[bool]]] = []
        self._is_failing = False
        self._listeners: list[Listener] = []
        self.wanted = asyncio.Event()  # set when somebody begins to wait

    def take(self, place: int, ids: Iterable[str]) -> None:
        """These entities are about to be acknowledged. ``place``: of their newest write; never lower than before."""
        self._places |= dict.fromkeys(ids, place)

    def listen(self, listener: Listener) -> None:
        """It is told what was written before anybody who waits for that goes on, and before those who listened already.

        So it can ask them how things were.
        """
        self._listeners.insert(0, listener)

    def apply(self, place: int, ids: Iterable[str], batch: ChangeBatch | None = None) -> None:
        """Writes up to ``place`` can be read, of these entities."""
        batch = batch or ChangeBatch()
        for entity_id in ids:
            self._count(entity_id, ANY, *batch.types.get(entity_id, (ANY_TYPE_LOST,)))
        self._tell(batch)
        self._places = {entity_id: newest for entity_id, newest in self._places.items() if newest > place}
        self._is_failing = False
        self._wake(place)

    def fail(self) -> None:
        """What was acknowledged cannot be brought where it can be read; nobody waits until something is."""
        self._is_failing = True
        self._wake(max(self._places.values(), default=0))

    def of(self, entity_id: str, event_type: str = ANY) -> int:
        """The count of an entity; if a type is named, of what may have changed its events of that type."""
        kinds = (ANY,) if event_type == ANY else (ANY_TYPE_LOST, event_type)
        return sum(self._counts.get((entity_id, kind), self._floor) for kind in kinds)

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    async def wait_until_readable(self, ids: Iterable[str]) -> bool:
        """Return once all that was acknowledged of these entities can be read; False if it cannot be for now."""
        place = max((self._places.get(entity_id, 0) for entity_id in ids), default=0) if self._places else 0
        if not place:
            return True
        if self._is_failing:
            return False
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((place, waiting))
        self.wanted.set()
        return await waiting

    def _tell(self, batch: ChangeBatch) -> None:
        """A defect of who remembers must not keep anybody from writing."""
        try:
            for listener in self._listeners:
                listener.apply_changes(batch)
        except Exception:
            logger.exception("what was remembered of curves is forgotten")
            for listener in self._listeners:
                listener.forget()

    def _count(self, entity_id: str, *kinds: str) -> None:
        if len(self._counts) > MAX_VERSIONS:
            self._floor = max(self._counts.values()) + 1
            self._counts.clear()
        for kind in kinds:
            self._counts[entity_id, kind] = self._counts.get((entity_id, kind), self._floor) + 1

    def _wake(self, place: int) -> None:
        woken = [waiting for awaited, waiting in self._waiting if awaited <= place]
        self._waiting = [(awaited, waiting) for awaited, waiting in self._waiting if awaited > place]
        for waiting in woken:
            if not waiting.done():
                waiting.set_result(not self._is_failing)
