"""Gauges that add up what living objects say of themselves."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from prometheus_client import REGISTRY

from schema.live_gauge import LiveGauge


@dataclass(eq=False)
class Pool:
    """Something with a number."""

    size: int


@pytest.fixture
def gauge() -> Iterator[LiveGauge]:
    made = LiveGauge("eventide_unit_test_pools", "Of this test alone", ("kind",))
    yield made
    REGISTRY.unregister(made)


def value(kind: str) -> float | None:
    return REGISTRY.get_sample_value("eventide_unit_test_pools", {"kind": kind})


def test_it_adds_up_by_label_what_is_so_when_it_is_read(gauge: LiveGauge) -> None:
    one, two, other = Pool(1), Pool(2), Pool(5)
    for pool, kind in ((one, "small"), (two, "small"), (other, "large")):
        gauge.follow(pool, lambda followed: followed.size, kind)
    assert (value("small"), value("large")) == (3, 5)
    two.size = 40
    assert value("small") == 41


def test_it_keeps_nothing_alive(gauge: LiveGauge) -> None:
    pool = Pool(1)
    gauge.follow(pool, lambda followed: followed.size, "small")
    del pool
    gc.collect()
    assert value("small") is None


def test_an_object_may_be_followed_under_several_labels(gauge: LiveGauge) -> None:
    pool = Pool(3)
    gauge.follow(pool, lambda followed: followed.size, "all")
    gauge.follow(pool, lambda followed: followed.size - 1, "rest")
    assert (value("all"), value("rest")) == (3, 2)
