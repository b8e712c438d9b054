"""Whose a document is: all that permissions are decided by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schema.registry.tables import PROJECTS, Kind


@dataclass(frozen=True)
class Owner:
    """The owner of a task, model or project.

    ``company``: empty of what is public. ``user``: who made it; None of projects, which everybody reports to.
    """

    company: str
    user: str | None


def owner_of(kind: Kind, document: dict[str, Any]) -> Owner:
    """Return the owner of a document."""
    return Owner(document["company"], None if kind is PROJECTS else document.get("user") or "")
