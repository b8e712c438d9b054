"""``schema/events/rollups.py``: which buckets are made of roll-ups, and which iterations are not."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.events.rollups import ROLLUP_WIDTH, is_rollup_width, ranges, rollup_start, rollup_width
from schema.events.tables import INT64_MAX


@pytest.mark.parametrize(
    ("width", "served"),
    [(1, 1), (300, 300), (301, 400), (400, 400), (500, 500), (1667, 1700), (2**64, 2**64), (INT64_MAX, INT64_MAX)],
)
def test_wide_buckets_are_of_whole_roll_ups(width: int, served: int) -> None:
    assert rollup_width(width) == served
    assert is_rollup_width(served) == (400 <= served < INT64_MAX)


@given(st.integers(1, 2**63))
def test_no_bucket_grows_by_more_than_a_third(width: int) -> None:
    assert width <= rollup_width(width) < width * 4 / 3


@given(st.sets(st.integers(-50, 10**6).map(rollup_start), max_size=40), st.integers(1, 20))
def test_ranges_have_all_roll_ups_and_none_twice(starts: set[int], most: int) -> None:
    found = ranges(starts, most)
    assert len(found) <= most
    assert all(any(low <= start and start + ROLLUP_WIDTH - 1 <= high for low, high in found) for start in starts)
    assert all(before < after for (_, before), (after, _) in pairwise(found))
    assert all(low in starts and high + 1 - ROLLUP_WIDTH in starts for low, high in found)


def test_neighbours_are_one_range_and_the_smallest_gaps_are_closed() -> None:
    assert ranges([], 3) == []
    assert ranges([300, 100, 200], 3) == [(100, 399)]
    assert ranges([0, 1000, 1300, 9000], 3) == [(0, 99), (1000, 1399), (9000, 9099)]
    assert ranges([rollup_start(INT64_MAX)], 1) == [(rollup_start(INT64_MAX), INT64_MAX)]
