"""The language in which ``get_all`` calls are filtered."""

from __future__ import annotations

from typing import Any

import pytest

from query.registry.documents import Tree, pick
from query.registry.filters import Vocabulary
from query.registry.tasks import VOCABULARY
from schema.errors import BadValue, InvalidField, InvalidRegex, RequestError
from schema.registry import EVERYTHING, Between, Condition, Every, Matches, Not, OneOf, Some

DAY = "2026-01-02T00:00:00.000000+00:00"


def one(field: str, *values: Any) -> OneOf:
    return OneOf(field, values)


def tags(*values: Any) -> OneOf:
    return OneOf("tags", values)


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        ({}, EVERYTHING),
        ({"status": [], "user": None, "unknown": ["x"], "search_hidden": True}, EVERYTHING),
        ({"name": "^a$"}, Matches("name", "^a$")),
        ({"status": ["created", "failed"]}, one("status", "created", "failed")),
        ({"project": ["p"], "parent": "q"}, Every((one("project", "p"), one("parent", "q")))),
        ({"project": [None]}, one("project", None)),
        ({"hyperparams.General.lr.value": "0.1"}, one("hyperparams.General.lr.value", "0.1")),
        ({"tags": ["a", "-b", "-c"]}, Every((tags("a"), Not(tags("b", "c"))))),
        ({"tags": ["__$not", "a", "__$not", "b"]}, Not(tags("a", "b"))),
        ({"tags": ["__$all", "a", "b"]}, Every((tags("a"), tags("b")))),
        ({"tags": ["__$and", "a", "__$not", "b"]}, Every((tags("a"), Not(tags("b"))))),
        ({"tags": ["__$or", "a", "__$not", "b"]}, Some((tags("a"), Not(tags("b"))))),
        (
            {"tags": ["__$all", "a", "b", "c", "__$or", "d", "__$not", "e", "__$and", "__$or", "f", "g"]},
            Every((tags("a"), tags("b"), tags("c"), Some((tags("d"), Not(tags("e")))), tags("f", "g"))),
        ),
        ({"filters": {"tags": {"any": {"include": ["a", "b"], "exclude": []}}}}, tags("a", "b")),
        ({"filters": {"tags": {"all": {"exclude": ["a", "b"]}}}}, Not(tags("a", "b"))),
        ({"filters": {"tags": {"any": {"exclude": ["a", "b"]}}}}, Some((Not(tags("a")), Not(tags("b"))))),
        ({"filters": {"tags": {"all": {"include": ["a"], "exclude": ["b"]}}}}, Every((tags("a"), Not(tags("b"))))),
        (
            {"_any_": {"pattern": "x", "fields": ["id", "name"]}},
            Some((Matches("id", "x", True), Matches("name", "x", True))),
        ),
        (
            {"_all_": {"pattern": "x", "fields": ["id", "name"]}},
            Every((Matches("id", "x", True), Matches("name", "x", True))),
        ),
        ({"active_duration": [5, None]}, Between("active_duration", 5, None)),
        ({"last_update": ">=2026-01-02"}, Between("last_update", DAY)),
        ({"last_update": ["<2026-01-02T01:00:00+01:00"]}, Between("last_update", None, DAY, True)),
        ({"created": "2026-01-02"}, one("created", DAY)),
        (
            {"created": [">2026-01-02", "<=2026-01-02"]},
            Every((Between("created", DAY, None, True), Between("created", None, DAY))),
        ),
        ({"created": ["2026-01-02", None]}, Between("created", DAY, None)),
        ({"created": [None, "2026-01-02"]}, Some((Between("created", None, DAY), one("created", None)))),
        ({"active_duration": [None, 5]}, Some((Between("active_duration", None, 5), one("active_duration", None)))),
        (
            {"_any_": {"datetime": ">=2026-01-02", "fields": ["created", "name", "started"]}},
            Some((Between("created", DAY), Between("started", DAY))),
        ),
        ({"_all_": {"datetime": ["2026-01-02", None], "fields": ["created"]}}, Between("created", DAY)),
        ({"_any_": {"datetime": ">=2026-01-02", "fields": ["name"]}}, EVERYTHING),
        ({"tags": ["__$not", "__$nop", "a"]}, tags("a")),
        (
            {"filters": {"tags": {"any": {"include": ["a", "b"]}, "all": {"exclude": ["c"]}, "op": "or"}}},
            Some((tags("a", "b"), Not(tags("c")))),
        ),
        ({"tags": ["z"], "filters": {"tags": {"all": {"include": ["a"]}}}}, tags("a")),
        ({"filters": {"unknown": {"all": {"include": ["a"]}}}}, EVERYTHING),
    ],
)
def test_filters_become_conditions(filters: dict[str, Any], condition: Condition) -> None:
    assert VOCABULARY.condition(filters) == condition


@pytest.mark.parametrize(
    ("filters", "error"),
    [
        ({"name": "("}, InvalidRegex),
        ({"name": "a" * 3000}, InvalidRegex),
        ({"_any_": {"pattern": "[", "fields": ["name"]}}, InvalidRegex),
        ({"_any_": {"pattern": 5, "fields": ["name"]}}, InvalidField),
        ({"_any_": ["x"]}, InvalidField),
        ({"_any_": {"pattern": "a", "datetime": "2026-01-02", "fields": ["name"]}}, InvalidField),
        ({"_any_": {"datetime": "soon", "fields": ["created"]}}, BadValue),
        ({"filters": {"tags": ["x"]}}, InvalidField),
        ({"filters": {"tags": {"some": ["x"]}}}, InvalidField),
        ({"filters": {"tags": {"any": {"with": ["x"]}}}}, InvalidField),
        ({"filters": {"tags": {"any": {"include": ["x"]}, "op": "xor"}}}, InvalidField),
        ({"tags": ["__$none", "x"]}, BadValue),
        ({"tags": ["x", "__$not"]}, BadValue),
        ({"tags": ["__$not", "__$or", "x"]}, BadValue),
        ({"tags": ["-"]}, BadValue),
        ({"status": [{}]}, InvalidField),
        ({"status": {"a": 1}}, InvalidField),
        ({"id": ["x"] * 10_001}, InvalidField),
        ({"active_duration": [1]}, InvalidField),
        ({"active_duration": ["a", "b"]}, InvalidField),
        ({"created": "yesterday"}, BadValue),
        ({"created": 5}, InvalidField),
    ],
)
def test_nonsense_is_refused(filters: dict[str, Any], error: type[RequestError]) -> None:
    with pytest.raises(error):
        VOCABULARY.condition(filters)


def test_a_vocabulary_knows_its_fields() -> None:
    vocabulary: Vocabulary = VOCABULARY
    assert vocabulary.knows("hyperparams.a.b")
    assert not vocabulary.knows("uri")


DOCUMENT = {
    "id": "i",
    "name": "n",
    "a": {"b": 1, "c": {"d": 2}},
    "list": [{"x": 1, "y": 2}, {"y": 3}],
    "s": {"lr.x": 1},
}


@pytest.mark.parametrize(
    ("paths", "picked"),
    [
        ([], DOCUMENT),
        (["name"], {"name": "n"}),
        (["a.b"], {"a": {"b": 1}}),
        (["a.b", "a.c.d", "a.z"], {"a": {"b": 1, "c": {"d": 2}}}),
        (["a", "a.b"], {"a": DOCUMENT["a"]}),
        (["list.x"], {"list": [{"x": 1}, {}]}),
        (["nothing", "name.deeper"], {"name": "n"}),
        (["s.lr%2Ex"], {"s": {"lr.x": 1}}),
    ],
)
def test_paths_pick_parts(paths: list[str], picked: Any) -> None:
    assert pick(DOCUMENT, Tree.of(paths)) == picked
