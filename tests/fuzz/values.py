"""Parameters of calls, changed at random: other types, boundary values, and ids of documents that exist."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

Parameters = dict[str, Any]

DEEP: Any = []
for _ in range(200):
    DEEP = [DEEP]
BOUNDARIES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**400),
    *(0.5, -0.0, 5e-324, 1e308, float("inf"), float("-inf"), float("nan")),
    *("", " ", "\0", "a\0b", "\x1b[31m", "\u2028", "\ud800", "\U0010ffff", "é" * 300, "x" * 20_000, "1e999", "0x10"),
    *("' OR 1=1 --", "{x:String}", "%", "\\", "../../etc/passwd", "${jndi:x}", "<script>", "__$not", "__$or", "-"),
    *("(a+)+$", "(?R)", "[", "(" * 500, "2026-11-30T00:00:00", "9999-12-31T23:59:59.999999+14:00", "0001-01-01"),
    *([], {}, [None], [[]], [{}], {"": ""}, {"a.b": {"$gt": 1}}, {"__proto__": 1}, DEEP, ["x"] * 10_001, [0] * 3000),
    *(["-created", "name"], ["__$all", "__$not", "a"], {"min": 2, "max": 1}, {"_any_": {"fields": ["name"]}}),
)
NAMES = (
    *("_any_", "_all_", "order_by", "only_fields", "page", "page_size", "size", "scroll_id", "filters", "search_text"),
    *("id", "ids", "name", "tags", "system_tags", "parent", "company", "user", "project", "task", "tasks", "model"),
    *("hyperparams", "last_metrics", "execution", "script", "metadata", "created", "status", "", "a.b.c", "\ud800"),
)
REFERENCES = frozenset(
    ("task", "tasks", "model", "models", "project", "projects", "parent", "user", "users", "id", "ids", "entity")
)


def changed(source: random.Random, parameters: Parameters, ids: Mapping[str, Sequence[str]]) -> Parameters:
    """Return the parameters with some of them replaced. ``ids``: documents by the name of their kind."""
    found = {name: _referring(source, name, value, ids) for name, value in parameters.items()}
    for _ in range(source.choice((0, 0, 1, 1, 2, 4))):
        name = source.choice((*found, source.choice(NAMES))) if source.random() < 0.8 else source.choice(NAMES)
        found[name] = _odd(source, found.get(name), ids)
    if found and source.random() < 0.1:
        del found[source.choice(list(found))]
    return found


def _referring(source: random.Random, name: str, value: Any, ids: Mapping[str, Sequence[str]]) -> Any:
    """Return mostly ids of documents where a field asks for some, or else calls would end at what does not exist."""
    if name not in REFERENCES or source.random() < 0.2:
        return value
    kind = name.removesuffix("s") if name.removesuffix("s") in ids else source.choice(list(ids))
    some = [source.choice(ids[kind]) for _ in range(source.randrange(1, 4))]
    return some if name.endswith("s") else some[0]


def _odd(source: random.Random, value: Any, ids: Mapping[str, Sequence[str]]) -> Any:
    match source.randrange(5):
        case 0:
            return source.choice(ids[source.choice(list(ids))])
        case 1:
            return [value, source.choice(BOUNDARIES)]
        case 2:
            return {source.choice(NAMES): source.choice(BOUNDARIES), "value": value}
        case _:
            return source.choice(BOUNDARIES)
