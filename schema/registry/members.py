"""Members of projects and their roles. A project without any is everybody's of its company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from schema.registry.database import Database
from schema.registry.tables import PROJECT_MEMBERS, PROJECTS, USERS


@dataclass(frozen=True)
class Member:
    """A member of a project. ``name``: the user's, empty of users who are gone."""

    project: str
    user: str
    role: str
    name: str = ""


class ProjectMembers(Database):
    """Look-ups and changes of members."""

    async def members_of_company(self, company: str) -> list[Member]:
        """Return the members of all projects of a company."""
        return await self._members(PROJECT_MEMBERS.c.company == company)

    async def members_of_project(self, project: str) -> list[Member]:
        """Return the members of a project itself, by name."""
        return await self._members(PROJECT_MEMBERS.c.project == project)

    async def names_of_projects(self, company: str) -> dict[str, str]:
        """Return the names of all projects of a company by id."""
        rows = PROJECTS.rows.c
        own = sa.or_(rows.company == company, sa.and_(rows.company == "", rows.company_origin == company))
        return await self._read(
            lambda c: {key: name for key, name in c.execute(sa.select(rows.id, rows.name).where(own))}
        )

    async def set_members(self, company: str, project: str, roles: Mapping[str, str]) -> None:
        """Give users roles in a project of a company, in place of those that they had."""
        rows = [{"company": company, "project": project, "user": user, "role": role} for user, role in roles.items()]

        def replace(connection: sa.Connection) -> None:
            connection.execute(_of(project, *roles))
            connection.execute(sa.insert(PROJECT_MEMBERS), rows)

        await self._write(replace)

    async def remove_member(self, project: str, user: str) -> bool:
        """Take a user's role in a project away; return whether they had one."""
        return await self._write(lambda c: c.execute(_of(project, user)).rowcount > 0)

    async def _members(self, condition: sa.ColumnElement[bool]) -> list[Member]:
        columns = [PROJECT_MEMBERS.c[name] for name in ("project", "user", "role")]
        joined = PROJECT_MEMBERS.outerjoin(USERS, USERS.c.id == PROJECT_MEMBERS.c.user)
        query = sa.select(*columns, sa.func.coalesce(USERS.c.name, "").label("name")).select_from(joined)
        query = query.where(condition).order_by(sa.text("name"), PROJECT_MEMBERS.c.user)
        return await self._read(lambda c: [Member(**row) for row in c.execute(query).mappings()])


def _of(project: str, *users: str) -> sa.Delete:
    return sa.delete(PROJECT_MEMBERS).where(PROJECT_MEMBERS.c.project == project, PROJECT_MEMBERS.c.user.in_(users))
