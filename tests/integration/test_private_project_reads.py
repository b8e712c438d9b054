"""Roles in projects cost nothing where no project is private: one small read in some seconds, and the same searches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from schema.http.auth import Authenticator, Sender
from schema.registry import TASKS, Registry, View
from tests.harness.access import basic
from tests.harness.api import Credentials

KEY = Credentials("a-key-of-ann", "a-secret-of-ann")
SECRET = "a secret of tests that is long enough for HS256"


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that this process executes meanwhile."""
    seen: list[str] = []

    def see(connection: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", see)


async def look(registry: Registry) -> tuple[list[str], list[str]]:
    """The statements of many calls of one user, and that of a search as they see the registry."""
    await registry.create_schema()
    user = await registry.add_user("c", "ann", "user", KEY.access_key, KEY.secret_key)
    authenticator = Authenticator(registry, SECRET)
    with statements() as of_calls:
        for _ in range(200):
            caller = await authenticator.caller(Sender(basic(KEY), {}))
    assert (caller.user, caller.projects.hidden) == (user.id, frozenset())
    with statements() as of_search:
        await registry.find(TASKS, View(caller.company, caller.projects.hidden))
    await registry.close()
    return of_calls, of_search


def test_calls_and_searches_without_private_projects(tmp_path: Path) -> None:
    of_calls, of_search = asyncio.run(look(Registry(f"sqlite:///{tmp_path / 'registry.db'}")))
    about_members = [statement for statement in of_calls if "FROM project_members" in statement]
    assert len(about_members) == 1
    assert not [statement for statement in of_calls if "FROM projects" in statement]
    assert not [statement for statement in of_search if "project_members" in statement or "NOT IN" in statement]
