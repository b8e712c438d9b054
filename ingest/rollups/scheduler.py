"""The schedule of roll-ups: now and then, beside the writing, of entities that got many events since the last look."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingest.rollups.builder import ENOUGH_ROWS, Rollups
from ingest.writing.tombstones import Entity
from schema.errors import EventsError, StoreRejected
from schema.events.blocks import Block, Record
from schema.events.tables import SCALAR
from schema.store import Store

INTERVAL_SECONDS = 2.0
REST = 4  # times the last turn's duration: rolling up takes a fifth of the time at most
QUIET_SECONDS = 5.0
FIRST_LOOK_SECONDS = 30.0  # until curves without roll-ups are looked for
ENTITIES_AT_ONCE = 500  # parameters travel in the URL
REMEMBERED_ENTITIES = 100_000
logger = logging.getLogger("eventide.rollups")


@dataclass
class Written:
    """The rows that an entity got since it was looked at. ``at``: when it got the last, in monotonic seconds."""

    rows: int
    at: float


class RollupScheduler:
    """A thread that builds roll-ups, from ``start`` to ``close``. Another process goes on with what it leaves."""

    def __init__(self, store: Store) -> None:
        self._stopping = threading.Event()
        self._rollups = Rollups(store, self._stopping.is_set)
        self._lock = threading.Lock()
        self._written: dict[Entity, Written] = {}
        self._thread = threading.Thread(target=self._run, name="roller", daemon=True)

    def start(self) -> None:
        """Begin, in the background."""
        self._thread.start()

    def close(self) -> None:
        """Return once no statement is running any more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def wrote(self, records: Sequence[Record]) -> None:
        """Note records that are stored. From any thread; returns at once."""
        blocks = [record.content for record in records if isinstance(record.content, Block)]
        for block in blocks:
            if block.event_type == SCALAR:
                self._note(((block.company, task) for task in block.tasks), len(block.rows), time.monotonic())

    def turn(self) -> None:
        """Look at the entities that got enough, one after the other. Raises EventsError: the rest waits."""
        taken = self._take()
        try:
            long = self._rollups.long(taken) if taken else set()
            for entity, written in list(taken.items()):
                if entity not in long or self._roll(entity, time.monotonic() - written.at >= QUIET_SECONDS):
                    del taken[entity]
        finally:
            for entity, written in taken.items():
                self._note([entity], written.rows, written.at)

    def look_for_missing(self) -> None:
        """Schedule entities whose long curves have no roll-ups. Raises EventsError."""
        self._note(self._rollups.never_rolled(), ENOUGH_ROWS, 0.0)

    def _take(self) -> dict[Entity, Written]:
        with self._lock:
            due = [entity for entity, written in self._written.items() if written.rows >= ENOUGH_ROWS]
            return {entity: self._written.pop(entity) for entity in due[:ENTITIES_AT_ONCE]}

    def _roll(self, entity: Entity, is_quiet: bool) -> bool:
        """Build an entity's roll-ups; return False if some are left until it is quiet.

        What the store rejects it will reject again, so that is left until more is written.
        """
        try:
            return not self._stopping.is_set() and self._rollups.roll(entity, is_quiet)
        except StoreRejected:
            logger.exception("no roll-ups of %s", entity)
            return True

    def _note(self, entities: Iterable[Entity], rows: int, at: float) -> None:
        with self._lock:
            if len(self._written) > REMEMBERED_ENTITIES:
                self._written.clear()
            for entity in entities:
                known = self._written.get(entity, Written(0, at))
                self._written[entity] = Written(known.rows + rows, max(known.at, at))

    def _run(self) -> None:
        """Take turns until stopped, whatever the store says: later it may say something else."""
        first_look, pause = time.monotonic() + FIRST_LOOK_SECONDS, INTERVAL_SECONDS
        while not self._stopping.wait(pause):
            started = time.monotonic()
            try:
                if started >= first_look:
                    first_look = float("inf")
                    self.look_for_missing()
                self.turn()
            except EventsError as error:
                logger.warning("roll-ups wait: %s", error)
            pause = max(INTERVAL_SECONDS, REST * (time.monotonic() - started))
