"""Documents, entities, users and what else the registry keeps, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from schema.errors import BadDocument, ConfigError, NotUnique, TaskStateConflict, Unavailable
from schema.registry import MODELS, PROJECTS, TASKS, Document, OneOf, Registry, View, iso_now
from schema.registry.listed import MANY
from tests.integration.registries import DATABASES, registry_on, run, url_on

ODD: Document = {
    "text": "é 😀 \u0000 \ud800",
    "huge": 10**40,
    "numbers": [1, -(2**63), 2**64 - 1, 0.1, 1e300],
    "nested": {"a.b": {"$c": [None, True, {}]}, "": []},
    "null": None,
}


@pytest.fixture(params=DATABASES)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    with registry_on(request.param, tmp_path, request) as found:
        yield found


def document(name: str, **fields: Any) -> Document:
    now = iso_now()
    return {"id": f"id-{name}", "company": "c", "name": name, "created": now, "last_update": now} | fields


def test_a_document_comes_back_as_it_was(registry: Registry) -> None:
    made = document("a", tags=["x", "y"], **ODD)
    run(registry.create(TASKS, made))
    assert run(registry.get(TASKS, "id-a")) == made
    assert run(registry.get(TASKS, "id-b")) is None
    assert run(registry.get(MODELS, "id-a")) is None


@pytest.mark.parametrize("count", [MANY - 1, MANY, 5000])
def test_entities_are_found_among_any_number_of_ids(registry: Registry, count: int) -> None:
    run(registry.create(TASKS, document("a")))
    run(registry.create(TASKS, document("é'\\\"")))
    wanted = {"id-a", "id-é'\\\"", *(f"id-{number}" for number in range(count - 2))}
    assert run(registry.entities(TASKS, wanted)).keys() == {"id-a", "id-é'\\\""}


@pytest.mark.parametrize("odd", ["id-a\0", "\ud800"])
@pytest.mark.parametrize("others", [0, MANY])
def test_odd_ids_are_none_of_any(registry: Registry, odd: str, others: int) -> None:
    run(registry.create(TASKS, document("a")))
    with suppress(BadDocument):  # text that the database or its driver does not take
        assert run(registry.entities(TASKS, [odd, *map(str, range(others))])) == {}


def test_key_order_and_types_survive(registry: Registry) -> None:
    made = document("a", z=1, y=1.0, x=True, hyperparams={"b": 1, "a": 2})
    run(registry.create(TASKS, made))
    found = run(registry.get(TASKS, "id-a"))
    assert found
    assert json.dumps(found["hyperparams"]) == '{"b": 1, "a": 2}'
    assert [type(found[name]) for name in "zyx"] == [int, float, bool]


@pytest.mark.parametrize("field", ["name", "project", "status"])
@pytest.mark.parametrize("value", [5, ["a"], {"a": 1}, True, "nul\0", "\ud800", "x" * 3000])
def test_a_columns_value_is_checked(registry: Registry, field: str, value: Any) -> None:
    with pytest.raises(BadDocument):
        run(registry.create(TASKS, document("a") | {field: value}))
    assert run(registry.get(TASKS, "id-a")) is None


def test_long_addresses_fit(registry: Registry) -> None:
    made = document("a", uri="http://e/" + "x" * 100_000)
    run(registry.create(MODELS, made))
    assert run(registry.get(MODELS, "id-a")) == made
    assert run(registry.find_ids(MODELS, View("c"), OneOf("uri", (made["uri"],)))) == {"id-a": "c"}


def test_ids_and_names_of_projects_are_unique(registry: Registry) -> None:
    run(registry.create(PROJECTS, document("a")))
    with pytest.raises(NotUnique):
        run(registry.create(PROJECTS, document("a") | {"name": "b"}))
    with pytest.raises(NotUnique):
        run(registry.create(PROJECTS, document("a", id="other")))
    run(registry.create(PROJECTS, document("a", id="another", company="d")))


def test_a_change_replaces_rows_bodies_and_terms(registry: Registry) -> None:
    run(registry.create(TASKS, document("a", tags=["x", "y"], status="created", comment="old")))
    changed = run(
        registry.update(TASKS, "id-a", lambda d: d | {"tags": ["y", "z"], "status": "stopped", "comment": "new"})
    )
    assert changed == run(registry.get(TASKS, "id-a"))
    assert changed
    assert (changed["tags"], changed["status"], changed["comment"]) == (["y", "z"], "stopped", "new")
    assert [run(registry.find_ids(TASKS, View("c"), OneOf("tags", (tag,)))) for tag in "xyz"] == [
        {},
        {"id-a": "c"},
        {"id-a": "c"},
    ]
    assert run(registry.update(TASKS, "nothing", lambda d: d)) is None


def test_a_change_that_is_refused_changes_nothing(registry: Registry) -> None:
    for name in "ab":
        run(registry.create(TASKS, document(name)))

    def refuse(found: Document) -> Document:
        if found["name"] == "b":
            raise TaskStateConflict("no")
        return found | {"name": "changed"}

    with pytest.raises(TaskStateConflict):
        run(registry.update_many(TASKS, ["id-a", "id-b"], refuse))
    assert {found["name"] for found in run(registry.get_many(TASKS, ["id-a", "id-b"]))} == {"a", "b"}


def test_changes_at_the_same_time_are_all_kept(registry: Registry) -> None:
    run(registry.create(TASKS, document("a", counted=0)))

    async def count() -> None:
        add = [registry.update(TASKS, "id-a", lambda d: d | {"counted": d["counted"] + 1}) for _ in range(30)]
        await asyncio.gather(*add)

    run(count())
    found = run(registry.get(TASKS, "id-a"))
    assert found
    assert found["counted"] == 30


def test_more_documents_than_one_statement_names(registry: Registry) -> None:
    run(registry.create(TASKS, document("a")))
    ids = [f"nothing-{i}" for i in range(25_000)]
    assert [found["id"] for found in run(registry.get_many(TASKS, [*ids, "id-a"]))] == ["id-a"]
    run(registry.touch(TASKS, [*ids, "id-a"], "9999"))
    run(registry.delete(TASKS, *ids, "id-a"))
    assert run(registry.get(TASKS, "id-a")) is None


def test_deleted_documents_leave_no_terms(registry: Registry) -> None:
    run(registry.create(TASKS, document("a", tags=["x"])))
    run(registry.delete(TASKS, "id-a"))
    run(registry.create(TASKS, document("a", tags=["y"])))
    assert run(registry.distinct(TASKS, View("c"), "tags")) == ["y"]


def test_a_touch_only_moves_forward(registry: Registry) -> None:
    made = document("a", last_update="2026-01-02", last_change="2026-01-02")
    run(registry.create(TASKS, made))
    run(registry.touch(TASKS, ["id-a"], "2026-01-01", "u"))
    assert run(registry.get(TASKS, "id-a")) == made
    run(registry.touch(TASKS, ["id-a"], "2026-01-03", "u"))
    moved = {"last_update": "2026-01-03", "last_change": "2026-01-03", "last_changed_by": "u"}
    assert run(registry.get(TASKS, "id-a")) == made | moved


def test_who_reads_documents_sees_touches_that_were_put_off(registry: Registry) -> None:
    run(registry.create(TASKS, document("a", last_update="2026-01-02", last_change="2026-01-02")))

    async def read_at_once() -> tuple[Document | None, list[Document]]:
        registry.touch_soon(TASKS, ["id-a", "nobody"], "u")
        writing = asyncio.create_task(registry.settle())  # who comes while it is being written waits
        await asyncio.sleep(0)
        one = await registry.get(TASKS, "id-a")
        await writing
        registry.touch_soon(TASKS, ["id-a"], "w")
        return one, await registry.find(TASKS, View("c"))

    one, (other,) = run(read_at_once())
    assert one
    assert (one["last_changed_by"], other["last_changed_by"]) == ("u", "w")
    assert "2026-01-02" < one["last_update"] <= other["last_update"]


def test_entities_say_what_events_need_to_know(registry: Registry) -> None:
    run(registry.create(TASKS, document("a", status="created")))
    run(registry.create(TASKS, document("b", status="published", company="", company_origin="c")))
    run(registry.create(MODELS, document("m", ready=True)))
    found = run(registry.entities(TASKS, ["id-a", "id-b", "nothing"]))
    assert {key: (e.name, e.company, e.storage_company, e.is_locked) for key, e in found.items()} == {
        "id-a": ("a", "c", "c", False),
        "id-b": ("b", "", "c", True),
    }
    assert run(registry.entities(MODELS, ["id-m"]))["id-m"].is_locked


def test_a_change_is_seen_at_once_by_who_made_it(registry: Registry) -> None:
    run(registry.create(TASKS, document("a", status="created")))
    assert not run(registry.entities(TASKS, ["id-a"]))["id-a"].is_locked
    run(registry.update(TASKS, "id-a", lambda d: d | {"status": "published"}))
    assert run(registry.entities(TASKS, ["id-a"]))["id-a"].is_locked
    run(registry.delete(TASKS, "id-a"))
    assert run(registry.entities(TASKS, ["id-a"])) == {}


def test_users_log_in_with_their_credentials(registry: Registry) -> None:
    assert not run(registry.has_users())
    made = run(registry.add_user("company", "ann", "user", "key", "secret"))
    assert run(registry.user_of_key("key", "secret")) == made == run(registry.user(made.id))
    assert run(registry.user_of_key("key", "wrong")) is run(registry.user_of_key("other", "secret")) is None
    assert run(registry.has_users())
    again = run(registry.add_user("company", "ann", "admin", "key", "new secret"))
    assert (again.id, again.role) == (made.id, "admin")
    assert run(registry.user_of_key("key", "secret")) is None
    assert run(registry.user_of_key("key", "new secret")) == again


def test_users_of_a_company(registry: Registry) -> None:
    ann = run(registry.add_user("company", "ann", "user", "key", "secret"))
    bob = run(registry.invite(ann.company, "bob", "user"))
    run(registry.add_user("other", "eve", "user", "another key", "secret"))
    assert [(user.id, user.name) for user in run(registry.users_of(ann.company))] == [(ann.id, "ann"), (bob, "bob")]
    assert run(registry.names_of_users([ann.id, bob, "nobody"])) == {ann.id: "ann", bob: "bob"}


def test_a_profile_outlives_a_new_secret(registry: Registry) -> None:
    user = run(registry.add_user("company", "ann", "user", "key", "secret"))
    run(registry.change_profile(user.id, lambda profile: profile | {"a": {"b": 1}}))
    run(registry.add_user("company", "ann", "user", "key", "new secret"))
    assert run(registry.profile(user.id)) == {"a": {"b": 1}}
    assert run(registry.profile("nobody")) == {}


def test_agreed_values_and_topics_are_shared(registry: Registry) -> None:
    other = Registry(registry._engine.url.render_as_string(hide_password=False))
    assert run(registry.agreed("a", "first")) == run(other.agreed("a", "second")) == "first"
    assert run(other.agreed("b", "second")) == "second"
    run(registry.forget_secrets("a", "b", "never made"))
    assert run(other.agreed("a", "third")) == "third"
    assert run(registry.topic("events")) is None
    run(registry.set_topic("events", 1, 12))
    run(registry.set_topic("events", 2, 24))
    assert run(other.topic("events")) == (2, 24)
    run(other.close())


def test_a_scroll_remembers_how_far_it_has_come(registry: Registry) -> None:
    scroll = run(registry.start_scroll("c", 10))
    assert run(registry.scroll("c", scroll)) == 10
    run(registry.move_scroll(scroll, 30))
    assert run(registry.scroll("c", scroll)) == 30
    assert run(registry.scroll("d", scroll)) is None
    assert run(registry.scroll("c", "another")) is None


def test_only_one_process_migrates(registry: Registry) -> None:
    other = Registry(registry._engine.url.render_as_string(hide_password=False))
    moments: list[str] = []

    async def work(mine: Registry, name: str) -> None:
        async with mine.exclusively():
            moments.append(name)
            await asyncio.sleep(0.2)
            moments.append(name)

    async def both() -> None:
        await asyncio.gather(work(registry, "a"), work(other, "b"))

    run(both())
    run(other.close())
    assert moments in (["a", "a", "b", "b"], ["b", "b", "a", "a"])


def test_the_schema_is_made_once(registry: Registry) -> None:
    run(registry.create(TASKS, document("a")))
    run(registry.create_schema())
    assert run(registry.get(TASKS, "id-a"))
    run(registry.ping())


def test_a_registry_of_another_version_is_left_alone(registry: Registry) -> None:
    with registry._engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE users DROP COLUMN document")
    with pytest.raises(ConfigError, match="users has no"):
        run(registry.create_schema())


@pytest.mark.parametrize("url", ["sqlite:////dev", "postgresql://nobody@127.0.0.1:1/none"])
def test_a_database_that_is_away_is_unavailable(url: str) -> None:
    registry = Registry(url)
    for call in (registry.ping(), registry.get(TASKS, "a"), registry.create(TASKS, document("a"))):
        with pytest.raises(Unavailable):
            run(call)
    run(registry.close())


@pytest.mark.parametrize("database", DATABASES)
def test_a_hundred_changes_take_no_time(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Loose: it fails if a change costs a look through all documents."""
    registry = Registry(url_on(database, tmp_path, request))
    run(registry.create_schema())
    run(registry.create(TASKS, document("a")))

    async def changefeed() -> float:
        started = time.perf_counter()
        for number in range(100):
            await registry.update(TASKS, "id-a", lambda d, number=number: d | {"number": number})  # type: ignore[misc]
        return time.perf_counter() - started

    assert run(changefeed()) < 5
    run(registry.close())
