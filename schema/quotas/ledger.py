"""The ledger of quotas of one process: the limits in force, and how much is used, shared through the registry.

Every REFRESH_SECONDS it adds what this process has used since to the registry, and reads what all have. So a total may
be overshot by what the processes take in that time. The registry is written to only while there are limits.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from heapq import nlargest

from schema.errors import EventsError
from schema.metrics import QUOTA_USED
from schema.quotas.gauges import Gauges
from schema.quotas.kinds import KINDS, Kind, Subject
from schema.quotas.limits import Limits
from schema.quotas.periodic import Periodic
from schema.quotas.usage import gateways_in, presence, totals, usage_change, usage_key
from schema.registry import Registry, UsageChange, UsageKey

REFRESH_SECONDS = 2.0
MAX_RATIOS = 1000  # in the Prometheus metric


class QuotaLedger:
    """Limits and usage. ``defaults``: the limits of companies without their own, by kind.

    ``is_gateway``: rates are divided by the number of ledgers that are. ``now``: seconds since the epoch.
    """

    def __init__(
        self,
        registry: Registry,
        defaults: Mapping[Kind, int] | None = None,
        *,
        is_gateway: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self.defaults = defaults or {}
        self._is_gateway = is_gateway
        self._now = now
        self._process = uuid.uuid4().hex
        self._used: Mapping[UsageKey, int] = {}  # by all processes, as the registry said last
        self._added: Counter[UsageKey] = Counter()  # by this process since then
        self._sending: Counter[UsageKey] = Counter()
        self._gauges = Gauges()
        self._sent_at = now()
        self._repeated: list[Periodic] = []
        self._exchanging = asyncio.Lock()
        self.limits = Limits()
        self.gateways = 1

    async def start(self) -> None:
        """Read limits and usage, and go on in the background. Raises Unavailable."""
        await self.refresh()
        self.repeat(self.refresh, REFRESH_SECONDS, "quotas stay as they are")

    def repeat(self, work: Callable[[], Awaitable[None]], seconds: float, failure: str) -> None:
        """Have something done every so many seconds until the ledger is closed. ``failure``: what is logged then."""
        periodic = Periodic(work, seconds, failure)
        periodic.start()
        self._repeated.append(periodic)

    async def close(self) -> None:
        """Stop, and write the rest to the registry. An exchange under way is not cut off."""
        await asyncio.gather(*(periodic.close() for periodic in self._repeated))
        if self.limits:
            with suppress(EventsError):
                await self._exchange(is_last=True)

    def used(self, kind: Kind, subject: Subject) -> int:
        """Return how much of a total is used: by all processes, and by this one since the last refresh."""
        key = usage_key(kind, subject, self._now(), self._process)
        if KINDS[kind].is_gauge:
            return self._gauges.total(key, self._used)
        return self._used.get(key, 0) + self._sending[key] + self._added[key]

    def add(self, kind: Kind, subject: Subject, amount: int) -> None:
        """Count what is used; negative: what was counted and is not used after all, or no longer open."""
        key = usage_key(kind, subject, self._now(), self._process)
        if KINDS[kind].is_gauge:
            self._gauges.add(key, amount)
        else:
            self._added[key] += amount

    async def set_used(self, kind: Kind, subject: Subject, used: int) -> None:
        """Replace how much of a total is used by what was measured. Raises Unavailable."""
        key = usage_key(kind, subject, self._now(), self._process)
        async with self._exchanging:
            self._added.pop(key, None)
            self._used = await self._registry.change_usage([UsageChange(key, used, is_added=False)])

    async def refresh(self) -> None:
        """Read the limits anew, and exchange usage. Raises Unavailable."""
        self.limits = Limits(await self._registry.quotas(), self.defaults)
        if self.limits:
            await self._exchange()
        QUOTA_USED.clear()
        for ratio, kind, subject in nlargest(MAX_RATIOS, self._ratios()):
            QUOTA_USED.labels(kind, *subject).set(ratio)

    async def _exchange(self, *, is_last: bool = False) -> None:
        """Send what was added, and read what all use. If that fails, it is added again."""
        async with self._exchanging:
            self._sending, self._added = self._added, Counter()
            now = self._now()
            seconds = max(0.001, now - self._sent_at)
            changes = [usage_change(key, amount, seconds) for key, amount in self._sending.items() if amount]
            changes += self._gauges.changes(self.limits)
            changes += [presence(self._process, is_last=is_last)] if self._is_gateway else []
            try:
                self._used = await self._registry.change_usage(changes)
                self._sent_at = now
            except EventsError:
                self._added.update(self._sending)
                raise
            finally:
                self._sending = Counter()
            self.gateways = gateways_in(self._used)

    def _ratios(self) -> Iterator[tuple[float, Kind, Subject]]:
        for (kind, subject), used in totals(self._used, self._now()).items():
            if limit := self.limits.of(kind, subject):
                yield used / limit, kind, subject
