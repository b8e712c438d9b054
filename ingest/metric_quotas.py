"""Quotas of metrics: a batch that would give a task or model more metrics than it may have is refused whole.

The registry keeps a digest of each name, of entities that have a limit, from when they have it on. A gateway remembers
what it has seen, so that the registry is asked only about names that are new to this process.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping

from ingest.parsing.batch import Batch
from schema.api.wire import Caller
from schema.events.normalize import Mention
from schema.events.rows import MetricName
from schema.fairness.computing import compute_if
from schema.lru_cache import LruCache
from schema.quotas.kinds import Kind, Subject, subjects_of
from schema.quotas.ledger import QuotaLedger
from schema.quotas.refusals import refusal
from schema.registry import Entity, NewMetrics, Registry

REMEMBERED_NAMES = 500_000  # of about 70 bytes
REMEMBERED_SECONDS = 60.0  # another gateway may have deleted the events
IN_THREAD_FROM_EVENTS = 10_000


class MetricQuotas:
    """The quotas of metrics of one gateway."""

    def __init__(self, ledger: QuotaLedger, registry: Registry) -> None:
        self._ledger = ledger
        self._registry = registry
        # When each entity's names are to be asked for again, and the digests that the registry has.
        self._known: LruCache[str, tuple[float, frozenset[int]]] = LruCache(
            "metric_names", REMEMBERED_NAMES, lambda kept: len(kept[1])
        )

    async def admit(self, caller: Caller, batch: Batch, entities: Mapping[Mention, Entity]) -> None:
        """Count the metrics of a batch. Raises QuotaExceeded if an entity would have too many."""
        if not self._ledger.limits.has(Kind.METRICS_PER_TASK):
            return
        limited = {mention.id: found for mention, entity in entities.items() if (found := self._limit(caller, entity))}
        if not limited:
            return
        names = await compute_if(batch.event_count >= IN_THREAD_FROM_EVENTS, _digests, batch)
        new = list(self._new(names, limited))
        if new:
            await self._registry.add_metric_names(new)
            for metrics in new:
                self._remember(metrics)

    async def forget(self, entities: Iterable[str]) -> None:
        """Count the metrics of entities anew, whose events were deleted."""
        wanted = list(entities)
        await self._registry.forget_metric_names(wanted)
        for entity in wanted:
            self._known.pop(entity)

    def _limit(self, caller: Caller, entity: Entity) -> tuple[int, Subject] | None:
        """Return the smallest limit of an entity's metrics, and whose it is; None: there is none."""
        subjects = subjects_of(caller.company, caller.user, entity.project)
        found = self._ledger.limits.among(Kind.METRICS_PER_TASK, subjects)
        return min(((limit, subject) for subject, limit in found), default=None)

    def _new(
        self, names: Mapping[str, frozenset[int]], limited: Mapping[str, tuple[int, Subject]]
    ) -> Iterator[NewMetrics]:
        now = time.monotonic()
        for entity, (limit, subject) in limited.items():
            _, known = self._remembered(entity, now)
            if new := names.get(entity, frozenset()) - known:
                yield NewMetrics(entity, new, limit, refusal(Kind.METRICS_PER_TASK, subject, limit))

    def _remember(self, metrics: NewMetrics) -> None:
        expires, known = self._remembered(metrics.task, time.monotonic())
        self._known.put(metrics.task, (expires, known | metrics.names))

    def _remembered(self, entity: str, now: float) -> tuple[float, frozenset[int]]:
        """Return the digests that are remembered of an entity, and until when; none that are too old."""
        found = self._known.get(entity, lambda kept: now < kept[0])
        return found or (now + REMEMBERED_SECONDS, frozenset())


def _digests(batch: Batch) -> dict[str, frozenset[int]]:
    """Return the digests of the metrics of each entity."""
    return {entity: frozenset(map(_digest, names)) for entity, names in batch.metric_names().items()}


def _digest(name: MetricName) -> int:
    text = "\0".join(name).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), signed=True)
