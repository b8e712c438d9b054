"""A bucket that may go into debt: over time no more than the rate passes, whatever the batches are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.quotas.token_bucket import BURST_SECONDS, MAX_WAIT_SECONDS, TokenBucket

RATE = 100.0
BURST = RATE * BURST_SECONDS


def test_a_burst_passes_and_then_the_rate() -> None:
    bucket = TokenBucket(RATE, 0.0)
    bucket.take(BURST + 1, 0.0)
    assert bucket.wait_seconds(0.0) == pytest.approx(1 / RATE)
    assert bucket.wait_seconds(1 / RATE) == 0
    bucket.take(RATE, 1 / RATE)
    assert bucket.wait_seconds(1 / RATE) == pytest.approx(1.0)


def test_a_batch_larger_than_the_bucket_passes_once_and_is_waited_for() -> None:
    bucket = TokenBucket(RATE, 0.0)
    bucket.take(3 * BURST, 0.0)
    assert bucket.wait_seconds(0.0) == pytest.approx(2 * BURST_SECONDS)
    assert bucket.wait_seconds(2 * BURST_SECONDS) == 0


def test_what_is_returned_may_be_taken_again_and_an_idle_bucket_holds_no_more_than_its_burst() -> None:
    bucket = TokenBucket(RATE, 0.0)
    bucket.take(2 * BURST, 0.0)
    assert not bucket.is_full(0.0)
    bucket.take(-2 * BURST, 0.0)
    assert bucket.is_full(0.0)
    assert bucket.is_full(1000.0)
    bucket.take(BURST + 1, 1000.0)
    assert bucket.wait_seconds(1000.0) > 0


def test_a_lower_rate_counts_at_once() -> None:
    bucket = TokenBucket(RATE, 0.0)
    bucket.set_rate(RATE / 10, 0.0)
    bucket.take(BURST / 10 + 1, 0.0)
    assert bucket.wait_seconds(0.0) == pytest.approx(10 / RATE)


def test_a_rate_of_zero_lets_nothing_pass() -> None:
    bucket = TokenBucket(0.0, 0.0)
    assert bucket.wait_seconds(0.0) == MAX_WAIT_SECONDS
    assert bucket.wait_seconds(1e6) == MAX_WAIT_SECONDS


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 3000)), max_size=50))
def test_over_time_no_more_than_the_rate_passes(steps: list[tuple[float, int]]) -> None:
    bucket, now, taken, last = TokenBucket(RATE, 0.0), 0.0, 0, 0
    for pause, count in steps:
        now += pause
        if bucket.wait_seconds(now) == 0:
            bucket.take(count, now)
            taken, last = taken + count, count
    assert taken - last <= BURST + RATE * now + 1e-6
