"""How usage is stored: by kind and subject, of some kinds in parts, which are days or processes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from schema.quotas.kinds import KINDS, Kind, Scope, Subject
from schema.registry import UsageChange, UsageKey

RATE_SECONDS = 15  # that a measured rate, a gauge, and a gateway that shows itself, count for
DAY_SECONDS = 86_400
GATEWAYS = "gateways"  # the kind under which each gateway counts as 1


def usage_key(kind: Kind, subject: Subject, now: float, process: str) -> UsageKey:
    """Return where something that is used now is counted. ``now``: seconds since the epoch."""
    info = KINDS[kind]
    return UsageKey(kind, *subject, process if info.is_rate or info.is_gauge else _day(now) if info.is_of_day else "")


def usage_change(key: UsageKey, amount: int, seconds: float) -> UsageChange:
    """Return how an amount that was used within some seconds changes what is stored."""
    info = KINDS[Kind(key.kind)]
    if info.is_rate:
        return UsageChange(key, round(amount / seconds), is_added=False, keep_seconds=RATE_SECONDS)
    return UsageChange(key, amount, is_added=True, keep_seconds=2 * DAY_SECONDS if info.is_of_day else None)


def gauge_change(key: UsageKey, amount: int) -> UsageChange:
    """Return the change by which a process tells how much it has open; it counts until the process is missed."""
    return UsageChange(key, amount, is_added=False, keep_seconds=RATE_SECONDS)


def presence(process: str, *, is_last: bool = False) -> UsageChange:
    """Return the change by which a gateway counts among all; ``is_last``: no longer."""
    return UsageChange(
        UsageKey(GATEWAYS, "", "", process), 1, is_added=False, keep_seconds=0 if is_last else RATE_SECONDS
    )


def gateways_in(usage: Mapping[UsageKey, int]) -> int:
    """Return how many gateways count."""
    return max(1, sum(key.kind == GATEWAYS for key in usage))


def totals(usage: Mapping[UsageKey, int], now: float) -> dict[tuple[Kind, Subject], int]:
    """Return what is used now by kind and subject: of rates by all processes, of others today or at all."""
    found: Counter[tuple[Kind, Subject]] = Counter()
    today = _day(now)
    for key, used in usage.items():
        if key.kind in KINDS and not (KINDS[Kind(key.kind)].is_of_day and key.part != today):
            found[Kind(key.kind), Subject(Scope(key.scope), key.scope_id)] += used
    return found


def _day(now: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(now))
