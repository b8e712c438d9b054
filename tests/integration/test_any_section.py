"""Hyper-parameters of any section, on both databases: the first section by name that has it counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schema.registry import EVERYTHING, TASKS, Document, OneOf, Registry, View
from tests.integration.registries import DATABASES, registry_on, run

FIELD = "hyperparams.*.my%2Elr.value"
SECTIONS: dict[str, object] = {
    "both": {"b": {"my.lr": {"value": "2"}}, "B": {"my.lr": {"value": "1"}}, "a": {"other": {"value": "3"}}},
    "late": {"a": {"other": {"value": "3"}}, "z": {"my.lr": {"value": "0.5"}}},
    "none": {"a": {"other": {"value": "3"}}},
    "empty": {},
    "list": [1],
    "text": {"a": "my.lr"},
}


@pytest.fixture(params=DATABASES)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    with registry_on(request.param, tmp_path, request) as made:
        for key, sections in SECTIONS.items():
            run(made.create(TASKS, task(key) | {"hyperparams": sections}))
        run(made.create(TASKS, task("absent")))
        yield made


def task(key: str) -> Document:
    moment = "2026-01-01"
    return {"id": key, "company": "c", "name": key, "status": "created", "created": moment, "last_update": moment}


def test_the_first_section_by_name_counts(registry: Registry) -> None:
    found = run(registry.find_values(TASKS, View("c"), EVERYTHING, [FIELD]))
    expected = dict.fromkeys([*SECTIONS, "absent"]) | {"both": "1", "late": "0.5"}
    assert {key: value for key, (_, value) in found.items()} == expected


def test_it_is_found(registry: Registry) -> None:
    assert set(run(registry.find_ids(TASKS, View("c"), OneOf(FIELD, ("0.5",))))) == {"late"}


def test_no_project_means_no_task(registry: Registry) -> None:
    assert run(registry.find(TASKS, View("c"), OneOf("project", ()))) == []
