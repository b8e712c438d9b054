"""What is raised, and counted, where a quota refuses something."""

from __future__ import annotations

import math
from collections.abc import Callable

from schema.errors import QuotaExceeded, RateExceeded, TooManyStreams
from schema.metrics import QUOTA_REFUSALS
from schema.quotas.kinds import KINDS, Kind, Subject


def refusal(kind: Kind, subject: Subject, limit: int) -> Callable[[int], QuotaExceeded]:
    """Return what makes the error for a total, of how much is used, and counts it."""

    def refuse(used: int) -> QuotaExceeded:
        QUOTA_REFUSALS.labels(kind, subject.scope).inc()
        return QuotaExceeded(f"{_text(kind, subject, limit)}: {used} are used")

    return refuse


def rate_refusal(kind: Kind, subject: Subject, limit: int, wait_seconds: float) -> RateExceeded:
    """Make the error for a rate, and count it."""
    QUOTA_REFUSALS.labels(kind, subject.scope).inc()
    return RateExceeded(_text(kind, subject, limit), math.ceil(wait_seconds))


def stream_refusal(subject: Subject, limit: int) -> TooManyStreams:
    """Make the error for a stream too many, and count it."""
    QUOTA_REFUSALS.labels(Kind.STREAMS, subject.scope).inc()
    return TooManyStreams(_text(Kind.STREAMS, subject, limit))


def _text(kind: Kind, subject: Subject, limit: int) -> str:
    return f"More than the quota of this {subject.scope}, {limit} {KINDS[kind].unit}"
