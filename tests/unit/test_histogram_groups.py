"""``query/curves/downsampling.py``: widths and groups of curves: API contract 3.18, steps 1 and 2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.curves.downsampling import Curve, group_curves

Told = list[list[tuple[str, int]]]  # groups of (metric, interval)


def curves(*intervals: int, size: int = 10) -> list[Curve]:
    return [Curve(f"m{n:03}", "v", size, 0, 0, interval, size) for n, interval in enumerate(intervals)]


def told(given: list[Curve]) -> Told:
    return [[(curve.metric, curve.interval) for curve in group] for group in group_curves(given)]


@pytest.mark.parametrize(
    ("count", "low", "high", "samples", "interval", "size"),
    [
        (99, 0, 98, 100, 1, 99),
        (100, 0, 99, 100, 1, 100),
        (100, 5, 104, 10, 10, 10),
        (100, 5, 104, 99, 2, 50),
        (3, -7, 12, 2, 10, 2),
        (100, 1671640000000, 1671640099000, 3, 33001, 3),
        (1, 7, 7, 1, 1, 1),
        (2, 0, 100, 1, 101, 1),
        (1, 0, 1000, 2, 1, 1),
        (5_000, 0, 9, 10, 1, 10),
        (3, -(2**63), 2**63 - 1, 1, 2**64, 1),
    ],
)
def test_the_width_of_a_curve(count: int, low: int, high: int, samples: int, interval: int, size: int) -> None:
    curve = Curve("m", "v", count, low, high)
    curve.sample(samples)
    assert (curve.interval, curve.size) == (interval, size)


@pytest.mark.parametrize(
    ("intervals", "groups"),
    [
        ([], []),
        ([5], [[("m000", 5)]]),
        ([20, 21], [[("m000", 21), ("m001", 21)]]),
        ([21, 20], [[("m000", 21), ("m001", 21)]]),
        ([20, 22], [[("m000", 22), ("m001", 22)]]),
        ([20, 23], [[("m000", 20)], [("m001", 23)]]),
        ([23, 20], [[("m001", 20)], [("m000", 23)]]),
        ([9, 10], [[("m000", 9)], [("m001", 10)]]),
        ([10, 11, 12], [[("m000", 11), ("m001", 11)], [("m002", 12)]]),
        ([100, 110, 111, 121], [[("m000", 110), ("m001", 110)], [("m002", 121), ("m003", 121)]]),
        ([1, 1, 1], [[("m000", 1), ("m001", 1), ("m002", 1)]]),
    ],
)
def test_groups_of_like_widths_take_the_largest(intervals: list[int], groups: Told) -> None:
    assert told(curves(*intervals)) == groups


@pytest.mark.parametrize(("size", "groups"), [(2_000, 1), (2_001, 2), (3_000, 2), (6_000, 3), (9_000, 3)])
def test_a_group_has_at_most_6000_buckets(size: int, groups: int) -> None:
    assert len(told(curves(100, 105, 110, size=size))) == groups


@pytest.mark.parametrize(("count", "sizes"), [(49, [49]), (50, [50]), (51, [50, 1]), (101, [50, 50, 1])])
def test_a_group_has_at_most_50_curves(count: int, sizes: list[int]) -> None:
    assert list(map(len, told(curves(*[100] * count, size=1)))) == sizes


def test_a_group_is_in_the_order_of_names() -> None:
    names = (("b", "x"), ("a", "y"), ("a", "X"), ("é", ""))
    given = [Curve(metric, variant, 1, 0, 0, 5, 1) for metric, variant in names]
    (group,) = group_curves(given)
    assert [(curve.metric, curve.variant) for curve in group] == [("a", "X"), ("a", "y"), ("b", "x"), ("é", "")]


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 6_000)), max_size=120))
def test_what_holds_for_all_groups(widths: list[tuple[int, int]]) -> None:
    given = [Curve(f"m{n:03}", "v", 1, 0, 0, *width) for n, width in enumerate(widths)]
    own = {curve.metric: curve.interval for curve in given}
    groups = group_curves(given)
    assert sorted(curve.metric for group in groups for curve in group) == sorted(own)
    firsts = [min(own[curve.metric] for curve in group) for group in groups]
    assert firsts == sorted(firsts)
    for group, first in zip(groups, firsts, strict=True):
        widest = max(own[curve.metric] for curve in group)
        assert {curve.interval for curve in group} == {widest}
        assert widest <= first + first // 10
        assert len(group) <= 50
        assert len(group) == 1 or sum(curve.size for curve in group) <= 6_000
