"""Quotas of events: decided before a batch is published, so that nothing that was acknowledged is dropped."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ingest.metric_quotas import MetricQuotas
from ingest.parsing.batch import Batch
from schema.api.wire import Caller
from schema.events.normalize import Mention
from schema.quotas.kinds import Kind, Scope, Subject, subjects_of
from schema.quotas.ledger import QuotaLedger
from schema.quotas.refusals import rate_refusal, refusal
from schema.quotas.token_bucket import TokenBucket
from schema.registry import CountLimit, Document, Entity

MAX_BUCKETS = 10_000  # beyond, those that are full are forgotten
WRITE_KINDS = (Kind.EVENTS_PER_SECOND, Kind.BYTES_PER_DAY, Kind.STORED_BYTES)


@dataclass
class Charge:
    """What a batch was charged for: events and bytes by subject, of those that have a limit."""

    events: dict[Subject, int] = field(default_factory=dict)
    size_bytes: dict[Subject, int] = field(default_factory=dict)


class WriteQuotas:
    """The quotas of events and tasks of one gateway, and those of ``metrics``.

    ``now``: seconds of a clock that never goes back.
    """

    def __init__(self, ledger: QuotaLedger, metrics: MetricQuotas, now: Callable[[], float] = time.monotonic) -> None:
        self.metrics = metrics
        self._ledger = ledger
        self._now = now
        self._buckets: dict[Subject, TokenBucket] = {}

    @property
    def is_limited(self) -> bool:
        """Whether anybody has a limit."""
        return any(self._ledger.limits.has(kind) for kind in WRITE_KINDS)

    async def refresh(self) -> None:
        """Have a limit that was just set in force here. Raises Unavailable."""
        await self._ledger.refresh()

    def check(self, caller: Caller) -> None:
        """Raise for a caller who may send nothing now, before their batch costs anything.

        Raises RateExceeded and QuotaExceeded.
        """
        if self.is_limited:
            subjects = subjects_of(caller.company, caller.user, None)
            self._check_rates(subjects)
            self._check_bytes({subject: 0 for subject in subjects})

    def charge(self, caller: Caller, size_bytes: int, batch: Batch, entities: Mapping[Mention, Entity]) -> Charge:
        """Count a batch, or refuse it whole. ``size_bytes``: of its body.

        Raises RateExceeded if what came before has reached somebody's limit of events a second, and QuotaExceeded if
        this batch brings too many bytes, or too many are stored already.
        """
        if not self.is_limited:
            return Charge()
        count = batch.event_count
        events = Counter({subject: count for subject in subjects_of(caller.company, caller.user, None)}) + _by_project(
            batch, entities
        )
        sizes = {subject: math.ceil(size_bytes * share / count) for subject, share in events.items()}
        self._check_rates(events)
        self._check_bytes(sizes)
        charge = Charge(self._limited(Kind.EVENTS_PER_SECOND, events), self._limited(Kind.BYTES_PER_DAY, sizes))
        self._count(charge, 1)
        return charge

    def refund(self, charge: Charge) -> None:
        """Take back what a batch was charged for that was not published after all."""
        self._count(charge, -1)

    def of_new_task(self, task: Document) -> list[CountLimit]:
        """Return the limits of the number of tasks that hold for a new one."""
        company = task["company"]
        subjects = subjects_of(company, task["user"], task.get("project"))
        return [
            CountLimit(company, subject.scope, subject.id, limit, refusal(Kind.TASKS, subject, limit))
            for subject, limit in self._ledger.limits.among(Kind.TASKS, subjects)
        ]

    def _count(self, charge: Charge, sign: int) -> None:
        now = self._now()
        for subject, count in charge.events.items():
            if bucket := self._buckets.get(subject):
                bucket.take(sign * count, now)
            self._ledger.add(Kind.EVENTS_PER_SECOND, subject, sign * count)
        for subject, size in charge.size_bytes.items():
            self._ledger.add(Kind.BYTES_PER_DAY, subject, sign * size)

    def _limited(self, kind: Kind, amounts: Mapping[Subject, int]) -> dict[Subject, int]:
        return {subject: amounts[subject] for subject, _ in self._ledger.limits.among(kind, amounts)}

    def _check_rates(self, subjects: Iterable[Subject]) -> None:
        now = self._now()
        for subject, limit in self._ledger.limits.among(Kind.EVENTS_PER_SECOND, subjects):
            if (wait := self._bucket(subject, limit, now).wait_seconds(now)) > 0:
                raise rate_refusal(Kind.EVENTS_PER_SECOND, subject, limit, wait)

    def _check_bytes(self, sizes: Mapping[Subject, int]) -> None:
        """Raise QuotaExceeded if these bytes would be too many today, or if too many are stored already."""
        for subject, limit in self._ledger.limits.among(Kind.BYTES_PER_DAY, sizes):
            used = self._ledger.used(Kind.BYTES_PER_DAY, subject)
            if used >= limit or used + sizes[subject] > limit:
                raise refusal(Kind.BYTES_PER_DAY, subject, limit)(used)
        for subject, limit in self._ledger.limits.among(Kind.STORED_BYTES, sizes):
            if (used := self._ledger.used(Kind.STORED_BYTES, subject)) >= limit:
                raise refusal(Kind.STORED_BYTES, subject, limit)(used)

    def _bucket(self, subject: Subject, limit: int, now: float) -> TokenBucket:
        """Return the bucket of a subject, with this gateway's share of its limit."""
        rate = limit / self._ledger.gateways
        bucket = self._buckets.get(subject)
        if bucket is None:
            if len(self._buckets) >= MAX_BUCKETS:
                self._buckets = {known: one for known, one in self._buckets.items() if not one.is_full(now)}
            bucket = self._buckets[subject] = TokenBucket(rate, now)
        bucket.set_rate(rate, now)
        return bucket


def _by_project(batch: Batch, entities: Mapping[Mention, Entity]) -> Counter[Subject]:
    """Return the number of events by project; those of entities that are in none are left out."""
    projects = {mention.id: entity.project for mention, entity in entities.items() if entity.project}
    counts: Counter[Subject] = Counter()
    for task, count in batch.events_by_task().items() if projects else ():
        if project := projects.get(task):
            counts[Subject(Scope.PROJECT, project)] += count
    return counts
