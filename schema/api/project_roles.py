"""Roles in projects: who works in the projects that are not everybody's.

A project with members is private to them, with all projects under it; in one of these, a user has the highest of the
roles that they have there and above. Everybody of a company writes in its other projects, and its administrators are
administrators of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ProjectRole = Literal["viewer", "writer", "admin"]
PROJECT_ROLES: tuple[ProjectRole, ...] = ("viewer", "writer", "admin")  # the lowest first
VIEWER, WRITER, ADMIN = PROJECT_ROLES
RANKS: dict[str, int] = {role: rank for rank, role in enumerate(PROJECT_ROLES)}

Members = Mapping[str, Mapping[str, str]]  # of private projects: roles by user, by project


@dataclass(frozen=True)
class ProjectRoles:
    """The roles of one user in private projects, by project; ``hidden``: the private projects where they have none."""

    roles: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    def may_write(self, project: str | None) -> bool:
        """Tell whether the user may change what is in a project; None: in none."""
        return project not in self.hidden and self.roles.get(project or "", WRITER) != VIEWER

    def may_administer(self, project: str) -> bool:
        """Tell whether the user may change a project itself."""
        return project not in self.hidden and self.roles.get(project, ADMIN) == ADMIN


EVERYBODYS = ProjectRoles()


class PrivateProjects:
    """The private projects of a company with their members. ``names``: of all its projects, by id."""

    def __init__(self, members: Members, names: Mapping[str, str]) -> None:
        self._members = _inherited(members, names)
        self._by_user: dict[str, ProjectRoles] = {}

    def roles_of(self, user: str) -> ProjectRoles:
        """Return the roles of a user."""
        if (known := self._by_user.get(user)) is None:
            roles = {project: found[user] for project, found in self._members.items() if user in found}
            hidden = frozenset(self._members.keys() - roles.keys())
            known = self._by_user[user] = ProjectRoles(roles, hidden) if self._members else EVERYBODYS
        return known


def higher(role: str | None, other: str) -> str:
    """Return the higher of two roles."""
    return max((role or other, other), key=lambda one: RANKS.get(one, -1))


def _inherited(members: Members, names: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the members of private projects, those above included, and of the projects under them."""
    by_name: dict[str, Mapping[str, str]] = {names.get(project, ""): own for project, own in members.items()}
    found: dict[str, dict[str, str]] = {project: dict(own) for project, own in members.items()}
    for project, name in names.items():
        parts = name.split("/")
        for depth in range(1, len(parts) + 1):
            for user, role in by_name.get("/".join(parts[:depth]), {}).items():
                inner = found.setdefault(project, {})
                inner[user] = higher(inner.get(user), role)
    return found
