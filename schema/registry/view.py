"""What one caller sees of the registry, as a condition of every search and as a rule for single documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from schema.registry.owner import Owner
from schema.registry.tables import PROJECTS, Kind

PUBLIC = ""


@dataclass(frozen=True)
class View:
    """The public documents, and those of a company but for what is in ``hidden_projects`` and these themselves.

    ``made_by``: of tasks and models only what this user made; None: what anybody made.
    """

    company: str
    hidden_projects: frozenset[str] = frozenset()
    made_by: str | None = None

    def shows(self, owner: Owner) -> bool:
        """Tell whether a document of an owner is seen."""
        if owner.company not in (self.company, PUBLIC):
            return False
        if owner.company != PUBLIC and owner.project in self.hidden_projects:
            return False
        return self.made_by is None or owner.user in (self.made_by, None)

    def limits(self, kind: Kind) -> list[sa.ColumnElement[bool]]:
        """Return the conditions of documents that are seen among the company's and public ones."""
        limits: list[sa.ColumnElement[bool]] = []
        if self.hidden_projects:
            project = kind.rows.c.id if kind is PROJECTS else kind.rows.c.project
            is_hidden: sa.ColumnElement[Any] = project.in_(sorted(self.hidden_projects))
            limits.append(sa.or_(kind.rows.c.company == PUBLIC, project.is_(None), sa.not_(is_hidden)))
        if self.made_by is not None and kind is not PROJECTS:
            limits.append(kind.rows.c.user == self.made_by)
        return limits
