"""The registry: tasks, models, projects and users, in SQLite (embedded) or PostgreSQL. The only import of SQLAlchemy.

``documents`` stores and changes documents, ``last_update`` moves their times, ``search`` finds them by ``conditions``,
``entities`` answers what reads and writes of events ask; ``users``, ``accounts``, ``credentials`` and ``sessions``
authenticate; ``quotas`` limit. ``Registry`` is all of them.
"""

from __future__ import annotations

from schema.registry.accounts import Accounts, company_id_of
from schema.registry.audit import AuditEvent, AuditEvents, AuditFilter
from schema.registry.conditions import (
    ANY_SECTION,
    EVERYTHING,
    Between,
    Condition,
    Every,
    Matches,
    Not,
    OneOf,
    Order,
    PageBounds,
    Some,
    begins_with,
    every,
    names_of,
    size_of,
    some,
    unescaped,
)
from schema.registry.counts import CountLimit, Counts
from schema.registry.credentials import Credential, Credentials
from schema.registry.database import Database
from schema.registry.documents import Change, Document, Documents, iso_now, iso_of, split
from schema.registry.entities import MANY_ENTITIES, Entities, Entity
from schema.registry.identities import Identities, Identity
from schema.registry.last_update import Touches
from schema.registry.members import Member, ProjectMembers
from schema.registry.metric_names import MetricNames, NewMetrics
from schema.registry.owner import Owner, owner_of
from schema.registry.patterns import matching
from schema.registry.quotas import Quota, Quotas, UsageChange, UsageKey
from schema.registry.search import Search
from schema.registry.sessions import Session, Sessions, digest_of
from schema.registry.shared_state import Shared
from schema.registry.tables import MODELS, PROJECTS, TASKS, Kind
from schema.registry.users import LABELS, ROLES, WEB_ROLE, User, Users
from schema.registry.view import View

__all__ = [
    "ANY_SECTION",
    "EVERYTHING",
    "LABELS",
    "MANY_ENTITIES",
    "MODELS",
    "PROJECTS",
    "ROLES",
    "TASKS",
    "WEB_ROLE",
    "AuditEvent",
    "AuditFilter",
    "Between",
    "Change",
    "Condition",
    "CountLimit",
    "Credential",
    "Document",
    "Entity",
    "Every",
    "Identity",
    "Kind",
    "Matches",
    "Member",
    "NewMetrics",
    "Not",
    "OneOf",
    "Order",
    "Owner",
    "PageBounds",
    "Quota",
    "Registry",
    "Session",
    "Some",
    "UsageChange",
    "UsageKey",
    "User",
    "View",
    "begins_with",
    "company_id_of",
    "digest_of",
    "every",
    "iso_now",
    "iso_of",
    "matching",
    "names_of",
    "owner_of",
    "size_of",
    "some",
    "split",
    "unescaped",
]


class Registry(
    Touches,
    Search,
    Entities,
    AuditEvents,
    Quotas,
    Counts,
    MetricNames,
    Accounts,
    Sessions,
    Credentials,
    Identities,
    ProjectMembers,
    Users,
    Shared,
    Documents,
    Database,
):
    """The registry. Methods raise Unavailable while the database is away.

    ``url``: SQLAlchemy's; ``tls``: for PostgreSQL.
    """
