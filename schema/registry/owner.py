"""Whose a document is: all that permissions are decided by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schema.registry.tables import PROJECTS, Kind


@dataclass(frozen=True)
class Owner:
    """The owner of a task, model or project.

    ``company``: empty of what is public. ``user``: who made it; None of projects, which everybody reports to.
    ``project``: that it is in; of a project itself. ``is_project``: whether it is one.
    """

    company: str
    user: str | None
    project: str | None = None
    is_project: bool = False


def owner_of(kind: Kind, document: dict[str, Any]) -> Owner:
    """Return the owner of a document."""
    if kind is PROJECTS:
        return Owner(document["company"], None, document["id"], is_project=True)
    return Owner(document["company"], document.get("user") or "", document.get("project"))
