"""How much of a process a company may have, beside others and alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from schema.fairness.shares import ACTIVE_SECONDS, BACKGROUND, MAX_REMEMBERED, Shares
from schema.fairness.thread_switching import ALONE_SECONDS, SHARED_SECONDS


@pytest.fixture(autouse=True)
def switching() -> Iterator[None]:
    """Leave the tests' own threads as they were."""
    seconds = sys.getswitchinterval()
    yield
    sys.setswitchinterval(seconds)


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


def test_what_a_call_takes_is_the_average_of_the_last_ones() -> None:
    share = Shares().of("a")
    for _ in range(100):
        share.spend(0.25)
        share.spend(0.75)
        share.end_call()
    assert share.call_seconds == pytest.approx(1.0, rel=0.01)
    for _ in range(100):
        share.end_call()
    assert share.call_seconds == pytest.approx(0.0, abs=0.01)


def test_threads_switch_sooner_while_companies_share_them() -> None:
    clock = Clock()
    shares = Shares(clock=clock)
    shares.of("a")
    assert sys.getswitchinterval() == pytest.approx(ALONE_SECONDS)
    shares.of("b")
    assert sys.getswitchinterval() == pytest.approx(SHARED_SECONDS)
    clock.now += ACTIVE_SECONDS + 2
    shares.of("a")
    assert sys.getswitchinterval() == pytest.approx(ALONE_SECONDS)


def test_what_a_process_does_by_itself_is_not_shared() -> None:
    assert BACKGROUND.most(4) == 4


@pytest.mark.parametrize("weight", [0.25, 1.0])
def test_companies_are_forgotten_in_the_end(weight: float) -> None:
    shares = Shares({"a": weight})
    for number in range(MAX_REMEMBERED + 10):
        shares.of(f"company {number}")
    assert shares.active_weight == MAX_REMEMBERED
