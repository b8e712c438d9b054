"""How much of a process a company may have, beside others and alone."""

from __future__ import annotations

import pytest

from schema.fairness.shares import ACTIVE_SECONDS, BACKGROUND, MAX_REMEMBERED, Shares


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_alone_a_company_may_have_everything() -> None:
    assert Shares().of("a").most(8) == 8


def test_companies_that_call_share_the_slots() -> None:
    shares = Shares()
    a, b = shares.of("a"), shares.of("b")
    assert (a.most(8), b.most(8)) == (4, 4)
    shares.of("c")
    assert a.most(8) == 2


def test_everybody_may_have_at_least_one() -> None:
    shares = Shares()
    many = [shares.of(f"company {number}") for number in range(50)]
    assert {share.most(2) for share in many} == {1}


def test_shares_are_by_weight() -> None:
    shares = Shares({"heavy": 3.0})
    heavy, light = shares.of("heavy"), shares.of("light")
    assert (heavy.most(8), light.most(8)) == (6, 2)


def test_who_has_not_called_for_long_does_not_count() -> None:
    clock = Clock()
    shares = Shares(clock=clock)
    a = shares.of("a")
    shares.of("b")
    clock.now += ACTIVE_SECONDS + 2
    assert shares.of("a") is a
    assert a.is_alone
    assert not shares.of("b").is_alone
    assert not a.is_alone


def test_what_a_process_does_by_itself_is_not_shared() -> None:
    assert BACKGROUND.most(4) == 4


@pytest.mark.parametrize("weight", [0.25, 1.0])
def test_companies_are_forgotten_in_the_end(weight: float) -> None:
    shares = Shares({"a": weight})
    for number in range(MAX_REMEMBERED + 10):
        shares.of(f"company {number}")
    assert shares.active_weight == MAX_REMEMBERED
