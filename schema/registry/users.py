"""Users, their companies, roles and preferences."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from schema.registry.database import Database
from schema.registry.tables import COMPANIES, USERS

WEB_ROLE = "web"  # of the web application's own credential, which belongs to no person
ROLES = ("user", "admin", "root")  # of people, the lowest first
LABELS = "credential_labels"  # in a profile: the labels of access keys

Profile = dict[str, Any]


@dataclass(frozen=True)
class User:
    """The user of a credential or token."""

    id: str
    name: str
    role: str
    company: str
    company_name: str


class Users(Database):
    """Look-ups and changes of users and credentials."""

    async def invite(self, company: str, name: str, role: str) -> str:
        """Add a user without credentials to the company of an id, to be impersonated; return their id."""
        user = User(secrets.token_hex(16), name, role, company, "")
        await self._write(lambda c: c.execute(sa.insert(USERS).values(user_row(user) | {"document": {}})))
        return user.id

    async def rename_user(self, user_id: str, company: str, name: str) -> bool:
        """Rename a user; return whether the company has such a user."""
        query = sa.update(USERS).where(USERS.c.id == user_id, USERS.c.company == company).values(name=name)
        return await self._write(lambda c: c.execute(query).rowcount > 0)

    async def user(self, user_id: str) -> User | None:
        """Return a user by id; None if there is none."""
        query = user_query().where(USERS.c.id == user_id)
        row = await self._read(lambda c: c.execute(query).first())
        return User(*row) if row else None

    async def users_of(self, company: str) -> list[User]:
        """Return the people of a company, by name."""
        query = (
            user_query().where(USERS.c.company == company, USERS.c.role != WEB_ROLE).order_by(USERS.c.name, USERS.c.id)
        )
        return await self._read(lambda c: [User(*row) for row in c.execute(query)])

    async def names_of_users(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the names of the users that exist, by id."""
        query = sa.select(USERS.c.id, USERS.c.name).where(USERS.c.id.in_(set(ids)))
        return await self._read(lambda c: {row.id: row.name for row in c.execute(query)})

    async def profile(self, user_id: str) -> Profile:
        """Return a user's profile, which holds preferences and the like."""
        query = sa.select(USERS.c.document).where(USERS.c.id == user_id)
        return await self._read(lambda c: c.execute(query).scalar() or {})

    async def change_profile(self, user_id: str, change: Callable[[Profile], Profile]) -> None:
        """Replace a user's profile by the result of ``change``, in one transaction."""
        query = sa.select(USERS.c.document).where(USERS.c.id == user_id).with_for_update()

        def replace(connection: sa.Connection) -> None:
            profile = change(connection.execute(query).scalar() or {})
            connection.execute(sa.update(USERS).where(USERS.c.id == user_id).values(document=profile))

        await self._write(replace)

    async def label_key(self, user_id: str, access_key: str, label: str | None) -> None:
        """Give a key of a user a label, or take it away."""

        def change(profile: Profile) -> Profile:
            others = {key: value for key, value in (profile.get(LABELS) or {}).items() if key != access_key}
            return profile | {LABELS: others | ({access_key: label} if label else {})}

        await self.change_profile(user_id, change)


def user_columns() -> tuple[sa.ColumnElement[Any], ...]:
    """Return the columns of a User, of ``users`` joined with ``companies``."""
    return (USERS.c.id, USERS.c.name, USERS.c.role, USERS.c.company, COMPANIES.c.name)


def user_query(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Return a query of users and their companies, with further columns."""
    columns = (*user_columns(), *more)
    return sa.select(*columns).select_from(USERS.join(COMPANIES, COMPANIES.c.id == USERS.c.company))


def user_row(user: User) -> dict[str, Any]:
    """Return a user as a row of ``users``."""
    return {"id": user.id, "company": user.company, "name": user.name, "role": user.role}
