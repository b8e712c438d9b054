"""Which limit is in force: one that was set, or that of the settings for companies."""

from __future__ import annotations

import pytest

from schema.quotas.kinds import Kind, Scope, Subject
from schema.quotas.limits import Limits
from schema.registry import Quota

RATE, BYTES = Kind.EVENTS_PER_SECOND, Kind.BYTES_PER_DAY
ANN, COMPANY, OTHER = Subject(Scope.USER, "ann"), Subject(Scope.COMPANY, "c"), Subject(Scope.COMPANY, "o")
SET = [
    Quota("c", "user", "ann", RATE, 5),
    Quota("c", "company", "c", RATE, 0),
    Quota("c", "user", "ann", "of later", 1),
]


def test_nobody_is_limited_by_default() -> None:
    limits = Limits([], dict.fromkeys(Kind, 0))
    assert not limits
    assert not any(limits.has(kind) or limits.of(kind, COMPANY) for kind in Kind)


@pytest.mark.parametrize(
    ("kind", "subject", "limit"),
    [(RATE, ANN, 5), (RATE, COMPANY, 0), (RATE, OTHER, 7), (BYTES, ANN, None), (BYTES, COMPANY, None)],
)
def test_what_is_set_comes_before_the_default_which_is_of_companies(
    kind: Kind, subject: Subject, limit: int | None
) -> None:
    assert Limits(SET, {RATE: 7, BYTES: 0}).of(kind, subject) == limit


def test_who_has_a_limit_among_some() -> None:
    limits = Limits(SET, {})
    assert limits.has(RATE)
    assert not limits.has(BYTES)
    assert list(limits.among(RATE, [ANN, COMPANY, OTHER])) == [(ANN, 5), (COMPANY, 0)]
