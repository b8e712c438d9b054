"""Answers about entities that were not written since: what dashboards ask again and again of tasks that stand still.

Only in a process that is the only one to write (``eventide up``): there ``Changes`` tells, before a writer is answered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass

from schema.changes import Changes
from schema.registry import Entity
from schema.requests import Request
from schema.wire import Answer, Reply, to_json

MAX_BYTES = 64 << 20  # of all answers


@dataclass(frozen=True)
class Remembered:
    """An answer's JSON, and how often its entities had been written before it was read."""

    counts: tuple[int, ...]
    body: bytes


class Memory:
    """The answers used last, up to ``max_bytes``; none at all without ``changes``."""

    def __init__(self, changes: Changes | None, max_bytes: int = MAX_BYTES) -> None:
        self._changes = changes
        self._max_bytes = max_bytes
        self._bytes = 0
        self._answers: OrderedDict[Hashable, Remembered] = OrderedDict()

    async def answer(
        self, request: Request, entities: Sequence[Entity], read: Callable[[], Awaitable[Answer]]
    ) -> Reply:
        """The answer to a request about ``entities``: what ``read`` gave before, if none was written since."""
        if self._changes is None:
            return Reply(await read())
        key = type(request), request.model_dump_json(), *entities
        counts = tuple(self._changes.of(entity.id) for entity in entities)
        known = self._answers.get(key)
        if known is None or known.counts != counts:
            known = Remembered(counts, to_json(await read()))
        self._remember(key, known)
        return Reply(raw_data=known.body)

    def _remember(self, key: Hashable, answer: Remembered) -> None:
        before = self._answers.pop(key, None)
        self._bytes += len(answer.body) - (len(before.body) if before else 0)
        self._answers[key] = answer
        while self._bytes > self._max_bytes:
            _, oldest = self._answers.popitem(last=False)
            self._bytes -= len(oldest.body)
