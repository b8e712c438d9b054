"""What the databases find is what the conditions mean: compared with a look at each document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.errors import InvalidField, InvalidRegex, RequestError
from schema.registry import (
    EVERYTHING,
    PROJECTS,
    TASKS,
    Between,
    Condition,
    Document,
    Every,
    Matches,
    Not,
    OneOf,
    Order,
    PageBounds,
    Registry,
    Some,
    View,
    begins_with,
)
from schema.registry.documents import values_at
from tests.integration.registries import DATABASES, registry_on, run

NAMES = ("alpha", "Alpha", "beta 1", "beta 2", "b.ta", "a+b", "50%", "_x", "new\nline", "été", "")
STATUSES = ("created", "in_progress", "completed")
FIELDS = ("name", "status", "project", "parent", "comment", "script.repository", "tags", "models.input.model")
LISTS = ("tags", "models.input.model")
PATTERNS = (
    "alpha",
    "^alpha$",
    "^beta",
    "ta$",
    "b.ta",
    r"b\.ta",
    "[12]$",
    "a\\+b",
    "50%",
    "_",
    "^$",
    "",
    r"beta\ 1",
    "(?:x|t)a",
)


def made() -> list[Document]:
    documents = []
    for number, (name, status) in enumerate(product(NAMES, STATUSES)):
        documents.append(
            {
                "id": f"t{number:03}",
                "company": ("c", "c", "", "other")[number % 4],
                "company_origin": "d" if number % 4 == 2 else None,
                "name": name,
                "status": status,
                "created": f"2026-01-{number % 7 + 1:02}",
                "last_update": f"2026-02-{number % 5 + 1:02}",
                "project": (None, "p1", "p2")[number % 3],
                "parent": (None, "t001")[number % 2],
                "active_duration": (None, number)[number % 2],
                "comment": ("", "alpha", "BETA 1")[number % 3],
                "script": ({}, {"repository": "alpha"}, {"repository": "b.ta"})[number % 3],
                "tags": [tag for tag, step in (("alpha", 2), ("beta 1", 3), ("b.ta", 5)) if number % step == 0],
                "models": {"input": [{"model": "alpha"}, {"model": "beta 2"}][: number % 3]},
            }
        )
    return [{name: value for name, value in document.items() if value is not None} for document in documents]


DOCUMENTS = made()
VISIBLE = [document for document in DOCUMENTS if document["company"] in ("c", "")]


@pytest.fixture(scope="module", params=DATABASES)
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    directory: Path = tmp_path_factory.mktemp("search")
    with registry_on(request.param, directory, request) as found:
        for document in DOCUMENTS:
            run(found.create(TASKS, document))
        yield found


def values_of(document: Mapping[str, Any], field: str) -> list[Any]:
    return [value for value in values_at(document, field.split(".")) if value is not None]


def holds(condition: Condition, document: Document) -> bool:
    match condition:
        case Every(parts):
            return all(holds(part, document) for part in parts)
        case Some(parts):
            return any(holds(part, document) for part in parts)
        case Not(part):
            return not holds(part, document)
        case OneOf(field, values):
            found = values_of(document, field)
            return any(value in values for value in found) or (not found and None in values)
        case Matches(field, pattern, ignore_case):
            flags = re.IGNORECASE if ignore_case else 0
            return any(re.search(pattern, str(value), flags) for value in values_of(document, field))
        case Between(field, low, high, strict):
            (value,) = values_of(document, field) or [None]
            if low is None and high is None:
                return True
            inside = value is not None and (low is None or value >= low) and (high is None or value <= high)
            return inside and not (strict and value in (low, high))
    raise AssertionError


fields = st.sampled_from(FIELDS)
values = st.sampled_from([*NAMES, *STATUSES, "p1", "p2", "t001", None])
moments = st.none() | st.sampled_from(["2026-01-02", "2026-01-04", "2026-01-06"])
simple = st.one_of(
    st.builds(OneOf, fields, st.lists(values, min_size=1, max_size=4).map(tuple)),
    st.builds(Matches, fields, st.sampled_from(PATTERNS), st.booleans()),
    st.builds(Between, st.just("created"), moments, moments, st.booleans()),
    st.builds(Between, st.just("active_duration"), st.none() | st.integers(0, 40), st.none() | st.integers(0, 40)),
    st.builds(begins_with, st.sampled_from(["name", "comment"]), st.sampled_from(NAMES)),
)
conditions = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Every, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Some, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
orders = st.lists(
    st.builds(
        Order,
        st.sampled_from(["name", "status", "created", "project", "active_duration", "script.repository"]),
        st.booleans(),
    ),
    max_size=2,
    unique_by=lambda order: order.field,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=conditions)
def test_conditions_mean_what_they_say(registry: Registry, condition: Condition) -> None:
    expected = {document["id"] for document in VISIBLE if holds(condition, document)}
    assert {found["id"] for found in run(registry.find(TASKS, View("c"), condition))} == expected
    storage = run(registry.find_ids(TASKS, View("c"), condition))
    assert storage == {d["id"]: d["company"] or "d" for d in VISIBLE if d["id"] in expected}
    values = run(registry.find_values(TASKS, View("c"), condition, ["name", "script.repository"]))
    assert values == {key: (company, *shown_by(key)) for key, company in storage.items()}


def shown_by(key: str) -> list[Any]:
    (document,) = (d for d in VISIBLE if d["id"] == key)
    return [(values_of(document, field) or [None])[0] for field in ("name", "script.repository")]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=simple, order=orders, offset=st.integers(0, 30), limit=st.integers(1, 10))
def test_pages_follow_the_order(
    registry: Registry, condition: Condition, order: list[Order], offset: int, limit: int
) -> None:
    expected = sorted((d for d in VISIBLE if holds(condition, d)), key=lambda document: str(document["id"]))
    for place, by in reversed([*enumerate(order or [Order("created")])]):
        expected.sort(key=lambda document: sort_key(document, by.field), reverse=by.descending)
        if place == 0:
            expected.sort(key=lambda document: not sort_key(document, by.field)[0])
    found = run(registry.find(TASKS, View("c"), condition, PageBounds(order, offset, limit, frozenset(("name",)))))
    assert found == [{"id": d["id"], "name": d["name"]} for d in expected[offset : offset + limit]]


def sort_key(document: Document, field: str) -> tuple[bool, Any]:
    (value,) = values_of(document, field) or [None]
    return value is not None, value.encode() if isinstance(value, str) else value


def test_documents_come_whole_or_in_part(registry: Registry) -> None:
    (whole,) = run(registry.find(TASKS, View("c"), OneOf("id", ("t001",))))
    assert whole == DOCUMENTS[1]
    page = PageBounds(fields=frozenset(("status", "script", "unknown")))
    assert run(registry.find(TASKS, View("c"), OneOf("id", ("t001",)), page)) == [
        {"id": "t001", "status": "in_progress", "script": {"repository": "alpha"}}
    ]


def test_named_documents_are_filtered_and_paged_too(registry: Registry) -> None:
    named = OneOf("id", tuple(d["id"] for d in DOCUMENTS))
    condition = Every((named, OneOf("script.repository", ("alpha",))))
    expected = sorted(d["id"] for d in VISIBLE if holds(condition, d))
    found = run(registry.find(TASKS, View("c"), condition, PageBounds([Order("id", True)], 1, 3)))
    assert [d["id"] for d in found] == expected[::-1][1:4]


def test_another_companys_documents_are_not_found(registry: Registry) -> None:
    assert run(registry.find(TASKS, View("nobody"), Not(OneOf("company", ("",))))) == []
    assert {d["company"] for d in run(registry.find(TASKS, View("other")))} == {"other", ""}


def test_tallies_count_and_sum(registry: Registry) -> None:
    tallies = run(registry.tally(TASKS, View("c"), EVERYTHING, ["status", "project"]))
    for tally in tallies:
        alike = [d for d in VISIBLE if (d["status"], d.get("project")) == tally.values]
        assert tally.count == len(alike)
        assert tally.seconds == sum(d.get("active_duration", 0) for d in alike)
    assert sum(tally.count for tally in tallies) == len(VISIBLE)


@pytest.mark.parametrize("field", ["status", "project", "tags", "models.input.model"])
def test_distinct_values(registry: Registry, field: str) -> None:
    expected = {value for document in VISIBLE for value in values_of(document, field)}
    assert run(registry.distinct(TASKS, View("c"), field)) == sorted(expected)


def test_a_pattern_that_takes_for_ever_is_refused(registry: Registry) -> None:
    """PostgreSQL's expressions know no backtracking without end."""
    run(
        registry.create(PROJECTS, {"id": "p", "company": "x", "name": "a" * 60 + "!", "created": "", "last_update": ""})
    )
    try:
        assert run(registry.find(PROJECTS, View("x"), Matches("name", "^(a|aa)+$"))) == []
    except InvalidRegex:
        pass
    finally:
        run(registry.delete(PROJECTS, "p"))


def test_odd_documents_disturb_no_search(registry: Registry) -> None:
    odd = {
        "id": "p",
        "company": "x",
        "name": "p",
        "created": "",
        "last_update": "",
        "description": "\0\ud800",
        "n": 10**30,
    }
    run(registry.create(PROJECTS, odd))
    assert run(registry.find(PROJECTS, View("x"), Matches("description", "x", True))) == []
    assert run(registry.find(PROJECTS, View("x"), Not(OneOf("description", ("x",))))) == [odd]
    run(registry.delete(PROJECTS, "p"))


ODD_VALUES = ("x", "", True, 0, -1, 1.5, 2**31, 2**63, 10**400, float("inf"), float("nan"), "\0", "\ud800", '"', "\\")
ODD_FIELDS = (
    *("name", "status", "active_duration", "tags", "company", "created", "last_update"),
    'a."b',
    "a.\\",
    "a.'",
)


@pytest.mark.parametrize("field", ODD_FIELDS)
def test_values_of_another_type_are_not_found_or_refused(registry: Registry, field: str) -> None:
    for value in ODD_VALUES:
        conditions: list[Condition] = [
            OneOf(field, (value,)),
            OneOf(field, (value, None)),
            Not(OneOf(field, (value, "y"))),
        ]
        conditions += [Matches(field, str(value)[:100], ignore_case) for ignore_case in (False, True)]
        for condition in conditions:
            with suppress(RequestError):
                run(registry.find(TASKS, View("c"), condition, PageBounds([Order(field)], limit=3)))


def test_more_values_than_a_statement_has_are_refused(registry: Registry) -> None:
    """PostgreSQL takes 65 535, SQLite 250 000."""
    fields = ("name", "status", "type", "user", "project", "parent", "tags", "system_tags")
    values = tuple(f"{number:032x}" for number in range(20_000))
    for count in (1, 2, len(fields)):
        condition = Every(tuple(OneOf(field, values) for field in fields[:count]))
        with suppress(InvalidField):
            assert run(registry.find(TASKS, View("c"), condition, PageBounds(limit=3))) == []
    assert run(registry.find(TASKS, View("c"), OneOf("id", values), PageBounds(limit=3))) == []


BODY_BYTES = 1000


def with_bodies(registry: Registry, count: int) -> None:
    for number in range(count):
        fields = {"id": f"{number:032x}", "company": "c", "name": "n", "created": "2026", "status": "created"}
        run(registry.create(TASKS, fields | {"type": "training", "comment": "", "script": {"diff": "x" * BODY_BYTES}}))


@pytest.mark.parametrize("database", DATABASES)
def test_a_listing_has_a_limit_of_bytes(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schema.registry.search.MAX_BYTES", 5 * BODY_BYTES)
    monkeypatch.setattr("schema.registry.search.MAX_READ_BYTES", 5 * BODY_BYTES)
    with registry_on(database, tmp_path, request) as registry:
        with_bodies(registry, 30)
        assert len(run(registry.find(TASKS, View("c"), page=PageBounds(limit=4)))) == 4
        for fields in (None, frozenset(("script",))):
            with pytest.raises(InvalidField, match="list fewer"):
                run(registry.find(TASKS, View("c"), page=PageBounds(limit=10, fields=fields)))
        names = run(registry.find(TASKS, View("c"), page=PageBounds(fields=frozenset(("id", "name")))))
        assert names[0] == {"id": f"{0:032x}", "name": "n"}
        assert len(names) == 30


def test_one_document_is_always_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.registry.search.MAX_BYTES", 10)
    with registry_on("sqlite", tmp_path, None) as registry:  # type: ignore[arg-type]
        with_bodies(registry, 1)
        assert len(run(registry.find(TASKS, View("c")))) == 1
