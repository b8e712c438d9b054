"""The registry's schema, upgraded from what older commits made, on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from schema.errors import ConfigError
from schema.registry import MODELS, PROJECTS, TASKS, Document, Kind, Registry
from schema.registry.migrate import HEAD, MIGRATIONS, VERSION_TABLE, revision_of
from schema.registry.tables import METADATA
from tests.integration.registries import DATABASES, run, url_on

DATA = Path(__file__).parents[1] / "data"
OLDEST = "2026-11-24"  # registries made by the commits of that day are filled by their own code, and dumped
DIALECTS = {"sqlite": "sqlite", "postgres": "postgresql"}


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def registry(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Registry]:
    """A registry without tables."""
    made = Registry(url_on(database, tmp_path, request))
    yield made
    run(made.close())


def load(registry: Registry, database: str, day: str) -> None:
    """Fill an empty registry with what an older commit left."""
    text = (DATA / f"registry-{day}.{DIALECTS[database]}.sql").read_text()
    with registry._engine.begin() as connection:
        for statement in re.split(r";\n", text):
            if statement.strip():
                connection.exec_driver_sql(statement)


def execute(registry: Registry, sql: str) -> None:
    with registry._engine.begin() as connection:
        connection.exec_driver_sql(sql)


def differences(registry: Registry) -> list[object]:
    """Between the tables that are there and those that the code expects."""
    with registry._engine.begin() as connection:
        return [
            found
            for found in compare_metadata(MigrationContext.configure(connection), METADATA)
            if VERSION_TABLE not in str(found)
        ]


def revision(registry: Registry) -> str | None:
    with registry._engine.begin() as connection:
        return revision_of(connection)


def stored(registry: Registry, kind: Kind, key: str) -> Document:
    """A document that must be there."""
    found = run(registry.get(kind, key))
    assert found
    return found


def test_an_empty_registry_gets_what_the_code_expects(registry: Registry) -> None:
    run(registry.create_schema())
    assert revision(registry) == HEAD
    assert differences(registry) == []
    run(registry.create_schema())
    run(registry.check_schema())


def test_what_an_older_commit_stored_is_kept(registry: Registry, database: str) -> None:
    load(registry, database, OLDEST)
    assert revision(registry) is None
    run(registry.create_schema())
    assert revision(registry) == HEAD
    assert differences(registry) == []
    task, model = stored(registry, TASKS, f"{1:032x}"), stored(registry, MODELS, "m" * 32)
    project = stored(registry, PROJECTS, "p" * 32)
    assert (task["comment"], task["tags"], task["active_duration"]) == ("a comment – with ünïcode", ["a", "t1"], 61)
    assert (model["labels"], model["ready"], project["description"]) == ({"cat": 1}, True, "of 24 November")
    user = run(registry.user_of_key("old-access-key", "old-secret-key"))
    assert user
    assert user.role == "root"
    assert run(registry.topic("events")) == (3, 12)


def test_a_missing_index_of_an_older_registry_is_made(registry: Registry, database: str) -> None:
    load(registry, database, OLDEST)
    execute(registry, "DROP INDEX tasks_by_parent")
    execute(registry, "DROP TABLE scrolls")
    run(registry.create_schema())
    assert differences(registry) == []


def test_a_newer_registry_is_refused_and_left_alone(registry: Registry) -> None:
    run(registry.create_schema())
    execute(registry, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(ConfigError, match=f"newer version of Eventide, to revision 9999; this one knows {HEAD}"):
        run(registry.create_schema())
    assert revision(registry) == "9999"
    run(registry.check_schema())  # while tiers are replaced, old ones are started beside new ones


@pytest.mark.parametrize("is_filled", [False, True])
def test_processes_that_do_not_migrate_refuse_an_older_registry(
    registry: Registry, database: str, is_filled: bool
) -> None:
    if is_filled:
        load(registry, database, OLDEST)
    with pytest.raises(ConfigError, match=r"has revision none, and .* run `eventide migrate` first"):
        run(registry.check_schema())


def test_an_upgrade_that_fails_changes_nothing(registry: Registry, database: str) -> None:
    load(registry, database, OLDEST)
    execute(registry, "DROP TABLE scrolls")
    execute(registry, "ALTER TABLE users DROP COLUMN document")
    with pytest.raises(ConfigError, match="users has no"):
        run(registry.create_schema())
    assert revision(registry) is None
    with registry._engine.begin() as connection:
        assert not sa.inspect(connection).has_table("scrolls")


def test_head_is_the_newest_revision_and_none_branches() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert scripts.get_heads() == [HEAD]
    assert [s.revision for s in scripts.walk_revisions()] == [f"{n:04}" for n in range(int(HEAD), 0, -1)]
