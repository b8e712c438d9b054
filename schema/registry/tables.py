"""The tables of the registry. A document is three things: columns to look up and sort by, a body, and terms.

The body is the rest of the document as JSON, in a table of its own, so that a look through all rows reads no bodies.
Terms are the texts of the document's lists that are filtered on: tags, and the models that a task uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData()
MAX_INDEXED_BYTES = 2000  # PostgreSQL refuses index rows of more than 2704 bytes

AnyColumn = sa.Column[str] | sa.Column[int] | sa.Column[bool]


@dataclass(frozen=True)
class Kind:
    """A kind of documents. ``term_fields``: dotted paths of the lists that are terms."""

    name: str
    rows: sa.Table
    bodies: sa.Table
    terms: sa.Table
    term_fields: tuple[str, ...]

    def column(self, field: str) -> sa.ColumnElement[Any] | None:
        """Return the column of a field; None if it has none."""
        return self.rows.c.get(field)


@dataclass(frozen=True)
class Index:
    """An index that begins with ``company``."""

    columns: tuple[str, ...]
    is_unique: bool = False

    def of(self, table: str) -> sa.Index:
        """Return the index for a table."""
        return sa.Index(f"{table}_by_{'_'.join(self.columns)}", "company", *self.columns, unique=self.is_unique)


def _kind(name: str, columns: list[AnyColumn], term_fields: tuple[str, ...], indexes: list[Index]) -> Kind:
    plural = f"{name}s"
    rows = sa.Table(
        plural,
        METADATA,
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("company", sa.String, nullable=False),  # empty: public
        sa.Column("company_origin", sa.String),  # whose it was before it became public
        *columns,
    )
    for index in indexes:
        sa.Index(
            f"{plural}_by_{'_'.join(index.columns)}", "company", *index.columns, unique=index.is_unique, _table=rows
        )
    bodies = sa.Table(
        f"{name}_bodies",
        METADATA,
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("body", sa.JSON, nullable=False),
    )
    terms = sa.Table(
        f"{name}_terms",
        METADATA,
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("field", sa.String, primary_key=True),
        sa.Column("value", sa.String, primary_key=True),
        sa.Index(f"{name}_terms_by_value", "field", "value"),
    )
    return Kind(name, rows, bodies, terms, term_fields)


def _texts(*names: str) -> list[AnyColumn]:
    return [sa.Column(name, sa.String) for name in names]


MARKS = ("created", "last_update", "last_change", "last_changed_by")
TASKS = _kind(
    "task",
    [
        *_texts("name", "type", "status", "project", "user", "parent"),
        *_texts("started", "completed", "status_changed", *MARKS),
        sa.Column("active_duration", sa.Integer),  # seconds, of tasks that ran and stopped
    ],
    ("tags", "system_tags", "models.input.model", "models.output.model"),
    [
        Index(("created", "name")),  # with the name: a look through all names reads no rows
        Index(("last_update",)),
        Index(("project", "created", "name")),
        Index(("project", "last_update")),
        Index(("project", "name")),
        Index(("status", "last_update")),
        Index(("started",)),
        Index(("name",)),
        Index(("parent",)),
    ],
)
MODELS = _kind(
    "model",
    [*_texts("name", "project", "user", "task", "parent", "framework", "uri", *MARKS), sa.Column("ready", sa.Boolean)],
    ("tags", "system_tags"),
    [
        Index(("created",)),
        Index(("last_update",)),
        Index(("project", "created")),
        Index(("project", "last_update")),
        Index(("name",)),
        Index(("task",)),
    ],
)
PROJECTS = _kind(
    "project",
    _texts("name", "basename", "user", "parent", *MARKS),
    ("tags", "system_tags"),
    [Index(("name",), is_unique=True), Index(("created",)), Index(("last_update",)), Index(("parent",))],
)
KINDS = (TASKS, MODELS, PROJECTS)
INDEXED = frozenset(("id", "company", "company_origin", "name", "type", "status", "project", "user", "parent", "task"))

COMPANIES = sa.Table(
    "companies", METADATA, sa.Column("id", sa.String, primary_key=True), sa.Column("name", sa.String, nullable=False)
)
USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("company", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),  # preferences and whatever else is known of them
    sa.Index("users_by_company", "company"),
)
CREDENTIALS = sa.Table(
    "credentials",
    METADATA,
    sa.Column("access_key", sa.String, primary_key=True),
    sa.Column("secret_hash", sa.String, nullable=False),
    sa.Column("user", sa.String, nullable=False),
)
# A table of its own, so that registries made before it stay as they are. A key without a row has none of this.
CREDENTIAL_DETAILS = sa.Table(
    "credential_details",
    METADATA,
    sa.Column("access_key", sa.String, primary_key=True),
    sa.Column("user", sa.String, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),  # all times: seconds since the epoch
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("used_at", sa.BigInteger),
    sa.Column("name_session", sa.String),  # the session opened by a name alone that it ends with
    sa.Column("revoked_at", sa.BigInteger),  # the key is in ``credentials`` no more, and must not come back
    sa.Column("scope", sa.String),  # null: full
)
SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("id", sa.String, primary_key=True),  # digest of what tokens carry: who reads this can forge no token
    sa.Column("user", sa.String, nullable=False),
    sa.Column("access_key", sa.String),  # that opened it
    sa.Column("name_session", sa.String),  # the session opened by a name alone that it ends with; may be itself
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("client", sa.String, nullable=False),
    sa.Index("sessions_by_user", "user", "created_at"),
    sa.Index("sessions_by_expiry", "expires_at"),
)
PROJECT_MEMBERS = sa.Table(
    "project_members",
    METADATA,
    sa.Column("project", sa.String, primary_key=True),
    sa.Column("user", sa.String, primary_key=True),
    sa.Column("company", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Index("project_members_by_company", "company"),
)
IDENTITIES = sa.Table(
    "identities",
    METADATA,
    sa.Column("issuer", sa.String, primary_key=True),
    sa.Column("subject", sa.String, primary_key=True),
    sa.Column("company", sa.String, primary_key=True),
    sa.Column("user", sa.String, nullable=False),
)
AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),  # milliseconds since the epoch
    sa.Column("company", sa.String, nullable=False),
    sa.Column("event", sa.String, nullable=False),
    sa.Column("user", sa.String, nullable=False),
    sa.Column("actor", sa.String, nullable=False),  # who acted as the user; empty: nobody
    sa.Column("address", sa.String, nullable=False),
    sa.Column("client", sa.String, nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Index("audit_by_company", "company", "id"),
    sa.Index("audit_by_time", "at_ms"),
)
QUOTAS = sa.Table(
    "quotas",
    METADATA,
    sa.Column("scope", sa.String, primary_key=True),  # company, project or user
    sa.Column("scope_id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("company", sa.String, nullable=False),
    sa.Column("limit", sa.BigInteger, nullable=False),
    sa.Index("quotas_by_company", "company"),
)
QUOTA_USAGE = sa.Table(
    "quota_usage",
    METADATA,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("scope", sa.String, primary_key=True),
    sa.Column("scope_id", sa.String, primary_key=True),
    sa.Column("part", sa.String, primary_key=True),  # the day, or the process; empty: neither
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),  # seconds since the epoch, by the database's clock
)
METRIC_NAMES = sa.Table(
    "metric_names",
    METADATA,
    sa.Column("task", sa.String, primary_key=True),
    sa.Column("name", sa.BigInteger, primary_key=True),  # digest of metric and variant
)
METRIC_COUNTS = sa.Table(
    "metric_counts",
    METADATA,
    sa.Column("task", sa.String, primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),  # rows of metric_names
)
SECRETS = sa.Table(
    "secrets", METADATA, sa.Column("name", sa.String, primary_key=True), sa.Column("value", sa.String, nullable=False)
)
TOPICS = sa.Table(
    "topics",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("partitions", sa.Integer, nullable=False),
)
SCROLLS = sa.Table(
    "scrolls",
    METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("company", sa.String, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),  # rows delivered so far
    sa.Column("used_at", sa.Integer, nullable=False),  # seconds since the epoch
    sa.Column("cursor", sa.String),  # of walks: the newest scroll id
)
