"""Tasks are counted where they are made: a limit holds however many make them at once, on each database."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from schema.errors import QuotaExceeded
from schema.registry import PROJECTS, TASKS, CountLimit, Document, Registry, iso_now
from tests.integration.registries import DATABASES, registry_on, run

LIMIT = 5


@pytest.fixture(params=DATABASES)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    with registry_on(request.param, tmp_path, request) as made:
        yield made


def task(**fields: str) -> Document:
    now = iso_now()
    common = {"company": "c", "user": "ann", "project": "p", "name": "n", "type": "training", "status": "created"}
    return {"id": secrets.token_hex(16), "created": now, "last_update": now} | common | fields


def limit_of(field: str, value: str) -> CountLimit:
    return CountLimit("c", field, value, LIMIT, lambda used: QuotaExceeded(f"{used} are used"))


@pytest.mark.parametrize(("field", "value"), [("company", "c"), ("user", "ann"), ("project", "p")])
def test_a_limit_holds_also_for_tasks_that_are_made_at_once(registry: Registry, field: str, value: str) -> None:
    async def make_many() -> list[object]:
        made = [registry.create(TASKS, task(), [limit_of(field, value)]) for _ in range(4 * LIMIT)]
        return list(await asyncio.gather(*made, return_exceptions=True))

    answers = run(make_many())
    assert answers.count(None) == LIMIT
    assert {str(answer) for answer in answers if answer} == {f"{LIMIT} are used"}
    assert run(registry.count_tasks("c", field, value)) == LIMIT


def test_only_what_has_the_value_counts(registry: Registry) -> None:
    async def make() -> None:
        for fields in ({"company": "d"}, {"user": "bob"}, {"project": "q"}, {"company": "", "company_origin": "c"}):
            await registry.create(TASKS, task(**fields))
        await registry.create(PROJECTS, task(basename="n"))
        assert [
            await registry.count_tasks("c", *of) for of in (("company", "c"), ("user", "ann"), ("project", "p"))
        ] == [
            3,
            2,
            2,
        ]
        gone = task()
        await registry.create(TASKS, gone)
        await registry.delete(TASKS, gone["id"])
        assert await registry.count_tasks("c", "company", "c") == 3

    run(make())
