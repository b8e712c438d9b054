"""``schema/lru_cache.py``: what was used last is kept, within a budget; hits, misses and evictions are counted."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

import schema.metrics  # noqa: F401 - registers the collector
from schema.lru_cache import LruCache, caches_hit

NAMES = iter(f"cache {n}" for n in range(1000))


def cache(budget: int = 10, share: int = 1) -> LruCache[str, list[int]]:
    return LruCache(next(NAMES), budget, len, share=share)


def test_values_used_last_are_kept() -> None:
    kept = cache(3)
    for key in "abc":
        kept.put(key, [0])
    kept.get("a")
    kept.put("d", [0])
    assert (list(kept), kept.size) == (["c", "a", "d"], 3)


def test_metrics_tell_sizes_and_budgets_of_the_caches_in_use() -> None:
    kept, other = LruCache[str, int]("shared by two", 10), LruCache[str, int]("shared by two", 5)
    for number, one in enumerate((kept, kept, other)):
        one.put(str(number), number)
    sizes = {
        name: REGISTRY.get_sample_value(f"eventide_cache_{name}", {"cache": kept.name}) for name in ("size", "budget")
    }
    assert sizes == {"size": 3, "budget": 15}


def test_a_value_takes_the_place_of_the_one_before() -> None:
    kept = cache()
    kept.put("a", [1, 2, 3])
    kept.put("a", [4])
    assert (kept.get("a"), kept.size, len(kept)) == ([4], 1, 1)


def test_a_value_beyond_its_share_is_not_kept() -> None:
    kept = cache(10, share=2)
    kept.put("small", [0] * 5)
    kept.put("large", [0] * 6)
    assert ("large" in kept, "small" in kept, kept.size) == (False, True, 5)


def test_a_value_that_grew_evicts_others_or_itself() -> None:
    kept, values = cache(6), {key: [0, 0] for key in "abc"}
    for key, value in values.items():
        kept.put(key, value)
    values["c"] += [0, 0]
    kept.measure("c")
    assert (list(kept), kept.size) == (["b", "c"], 6)
    values["c"] += [0] * 9
    kept.measure("c")
    assert (list(kept), kept.size) == (["b"], 2)


def test_the_owner_hears_of_evictions_but_not_of_what_it_removes() -> None:
    gone: list[str] = []
    kept: LruCache[str, int] = LruCache(next(NAMES), 1, on_evict=gone.append)
    kept.put("a", 1)
    kept.put("b", 1)
    kept.pop("b")
    assert gone == ["a"]


@pytest.mark.parametrize("is_valid", [True, False])
def test_hits_misses_and_evictions_are_counted_by_cache(is_valid: bool) -> None:
    name = next(NAMES)
    kept: LruCache[str, int] = LruCache(name, 1)
    kept.put("a", 1)
    kept.get("a", lambda _: is_valid)
    kept.get("missing")
    kept.put("b", 1)
    kept.peek("b")
    counts = [REGISTRY.get_sample_value(f"eventide_cache_{kind}_total", {"cache": name}) for kind in KINDS]
    assert counts == ([1, 1, 1] if is_valid else [0, 2, 1])


KINDS = ("hits", "misses", "evictions")


def test_a_request_knows_which_caches_answered_it() -> None:
    kept = cache()
    kept.put("a", [1])
    hits: set[str] = set()
    caches_hit.set(hits)
    kept.get("missing")
    assert hits == set()
    kept.get("a")
    assert len(hits) == 1
