"""Who calls: users, their companies, credentials and preferences."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from schema.registry.database import Database, insert_if_new
from schema.registry.tables import COMPANIES, CREDENTIALS, USERS

WEB_ROLE = "web"  # of the web application's own credential, which is nobody's
LABELS = "credential_labels"  # in a profile: what people call their access keys

Profile = dict[str, Any]


@dataclass(frozen=True)
class User:
    """Who a credential or token stands for."""

    id: str
    name: str
    role: str
    company: str
    company_name: str


class Users(Database):
    """Users and what they are known by."""

    async def add_user(self, company: str, name: str, role: str, access_key: str, secret_key: str) -> User:
        """A user with a credential, and their company if it is new. A known access key gets the new secret."""
        company_id = hashlib.md5(company.encode(), usedforsecurity=False).hexdigest()
        credential = {"access_key": access_key, "secret_hash": hash_secret(secret_key)}
        known = CREDENTIALS.c.access_key == access_key

        def add(connection: sa.Connection) -> User:
            insert_if_new(connection, COMPANIES, {"id": company_id, "name": company})
            found = connection.execute(sa.select(CREDENTIALS.c.user).where(known)).scalar()
            user = User(found or secrets.token_hex(16), name, role, company_id, company)
            if found is None:
                connection.execute(sa.insert(USERS).values(_user_row(user) | {"document": {}}))
                connection.execute(sa.insert(CREDENTIALS).values(credential | {"user": user.id}))
            else:
                connection.execute(sa.update(USERS).where(USERS.c.id == found).values(_user_row(user)))
                connection.execute(sa.update(CREDENTIALS).where(known).values(credential))
            return user

        return await self._write(add)

    async def invite(self, company: str, name: str, role: str) -> str:
        """A user without credentials in the company of an id, to be impersonated; their id."""
        user = User(secrets.token_hex(16), name, role, company, "")
        await self._write(lambda c: c.execute(sa.insert(USERS).values(_user_row(user) | {"document": {}})))
        return user.id

    async def add_credential(self, user_id: str, access_key: str, secret_key: str) -> None:
        """One more credential of a user who exists."""
        row = {"access_key": access_key, "secret_hash": hash_secret(secret_key), "user": user_id}
        await self._write(lambda c: c.execute(sa.insert(CREDENTIALS).values(row)))

    async def remove_credential(self, user_id: str, access_key: str) -> bool:
        """Whether the user had it."""
        query = sa.delete(CREDENTIALS).where(CREDENTIALS.c.access_key == access_key, CREDENTIALS.c.user == user_id)
        return await self._write(lambda c: c.execute(query).rowcount > 0)

    async def access_keys(self, user_id: str) -> list[str]:
        """Those of a user, sorted."""
        query = sa.select(CREDENTIALS.c.access_key).where(CREDENTIALS.c.user == user_id)
        return await self._read(lambda c: sorted(c.execute(query).scalars()))

    async def rename_user(self, user_id: str, company: str, name: str) -> bool:
        """Whether there is such a user in the company."""
        query = sa.update(USERS).where(USERS.c.id == user_id, USERS.c.company == company).values(name=name)
        return await self._write(lambda c: c.execute(query).rowcount > 0)

    async def user_of_key(self, access_key: str, secret_key: str) -> User | None:
        """The user of a credential, if key and secret are right."""
        query = _user_query(CREDENTIALS.c.secret_hash).join(CREDENTIALS, CREDENTIALS.c.user == USERS.c.id)
        query = query.where(CREDENTIALS.c.access_key == access_key)
        row = await self._read(lambda c: c.execute(query).first())
        if row is None or not hmac.compare_digest(row[-1], hash_secret(secret_key)):
            return None
        return User(*row[:-1])

    async def has_users(self) -> bool:
        """Whether anybody can log in."""
        query = sa.select(CREDENTIALS.c.user).limit(1)
        return await self._read(lambda c: c.execute(query).first() is not None)

    async def user(self, user_id: str) -> User | None:
        """A user by id."""
        query = _user_query().where(USERS.c.id == user_id)
        row = await self._read(lambda c: c.execute(query).first())
        return User(*row) if row else None

    async def users_of(self, company: str) -> list[User]:
        """The people of a company, by name."""
        query = (
            _user_query().where(USERS.c.company == company, USERS.c.role != WEB_ROLE).order_by(USERS.c.name, USERS.c.id)
        )
        return await self._read(lambda c: [User(*row) for row in c.execute(query)])

    async def names_of_users(self, ids: Iterable[str]) -> dict[str, str]:
        """The names of users that exist, by id."""
        query = sa.select(USERS.c.id, USERS.c.name).where(USERS.c.id.in_(set(ids)))
        return await self._read(lambda c: {row.id: row.name for row in c.execute(query)})

    async def profile(self, user_id: str) -> Profile:
        """What is known of a user besides, preferences for one."""
        query = sa.select(USERS.c.document).where(USERS.c.id == user_id)
        return await self._read(lambda c: c.execute(query).scalar() or {})

    async def change_profile(self, user_id: str, change: Callable[[Profile], Profile]) -> None:
        """Replace a user's profile by what ``change`` makes of it, alone in its transaction."""
        query = sa.select(USERS.c.document).where(USERS.c.id == user_id).with_for_update()

        def replace(connection: sa.Connection) -> None:
            profile = change(connection.execute(query).scalar() or {})
            connection.execute(sa.update(USERS).where(USERS.c.id == user_id).values(document=profile))

        await self._write(replace)


def hash_secret(secret_key: str) -> str:
    """Secrets are random and long: a plain digest is enough, and costs nothing on every call."""
    return hashlib.sha256(secret_key.encode()).hexdigest()


def _user_query(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    columns = (USERS.c.id, USERS.c.name, USERS.c.role, USERS.c.company, COMPANIES.c.name)
    return sa.select(*columns, *more).select_from(USERS).join(COMPANIES, COMPANIES.c.id == USERS.c.company)


def _user_row(user: User) -> dict[str, Any]:
    return {"id": user.id, "company": user.company, "name": user.name, "role": user.role}
