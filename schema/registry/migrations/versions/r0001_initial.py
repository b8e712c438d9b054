"""The schema as it was when revisions began, in November 2026.

Older registries have these tables and no revision. So nothing that exists is made again, and they are adopted.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MARKS = ("created", "last_update", "last_change", "last_changed_by")
TASK_TEXTS = ("name", "type", "status", "project", "user", "parent", "started", "completed", "status_changed", *MARKS)
MODEL_TEXTS = ("name", "project", "user", "task", "parent", "framework", "uri", *MARKS)
PROJECT_TEXTS = ("name", "basename", "user", "parent", *MARKS)
# Each begins with ``company``.
TASK_INDEXES = (
    ("created", "name"),
    ("last_update",),
    ("project", "created", "name"),
    ("project", "last_update"),
    ("project", "name"),
    ("status", "last_update"),
    ("started",),
    ("name",),
    ("parent",),
)
MODEL_INDEXES = (
    ("created",),
    ("last_update",),
    ("project", "created"),
    ("project", "last_update"),
    ("name",),
    ("task",),
)
PROJECT_INDEXES = (("name",), ("created",), ("last_update",), ("parent",))


def upgrade() -> None:
    """Make what is missing."""
    _documents("task", [*map(_text, TASK_TEXTS), sa.Column("active_duration", sa.Integer)], TASK_INDEXES)
    _documents("model", [*map(_text, MODEL_TEXTS), sa.Column("ready", sa.Boolean)], MODEL_INDEXES)
    _documents("project", [*map(_text, PROJECT_TEXTS)], PROJECT_INDEXES, unique="name")
    _table("companies", _key("id"), _needed("name"))
    document = sa.Column("document", sa.JSON, nullable=False)
    _table("users", _key("id"), _needed("company"), _needed("name"), _needed("role"), document)
    _index("users_by_company", "users", "company")
    _table("credentials", _key("access_key"), _needed("secret_hash"), _needed("user"))
    _table("secrets", _key("name"), _needed("value"))
    _table("topics", _key("name"), _number("epoch"), _number("partitions"))
    _table("scrolls", _key("id"), _needed("company"), _number("position"), _number("used_at"))


def _documents(
    name: str, columns: list[sa.Column[object]], indexes: tuple[tuple[str, ...], ...], unique: str = ""
) -> None:
    """Make the three tables of a kind of documents. ``unique``: the column whose values a company has once."""
    _table(f"{name}s", _key("id"), _needed("company"), _text("company_origin"), *columns)
    for index in indexes:
        _index(f"{name}s_by_{'_'.join(index)}", f"{name}s", "company", *index, unique=index == (unique,))
    _table(f"{name}_bodies", _key("id"), sa.Column("body", sa.JSON, nullable=False))
    _table(f"{name}_terms", _key("id"), _key("field"), _key("value"))
    _index(f"{name}_terms_by_value", f"{name}_terms", "field", "value")


def _table(name: str, *columns: sa.Column[object]) -> None:
    op.create_table(name, *columns, if_not_exists=True)


def _index(name: str, table: str, *columns: str, unique: bool = False) -> None:
    op.create_index(name, table, list(columns), unique=unique, if_not_exists=True)


def _key(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.String, primary_key=True)


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.String)


def _needed(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.String, nullable=False)


def _number(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Integer, nullable=False)
