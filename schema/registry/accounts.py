"""Accounts: users together with their credentials and sessions, made and removed as one."""

from __future__ import annotations

import hashlib
import secrets

import sqlalchemy as sa

from schema.errors import Forbidden
from schema.registry.credentials import delete_credentials, hash_secret, insert_details
from schema.registry.database import Database, insert_if_new
from schema.registry.tables import COMPANIES, CREDENTIALS, SESSIONS, USERS
from schema.registry.users import User, user_query, user_row

ROOT = "root"


class Accounts(Database):
    """Changes of users who can log in, with their credentials and sessions."""

    async def add_user(self, company: str, name: str, role: str, access_key: str, secret_key: str) -> User:
        """Add a user with a credential, and their company if it is new.

        A known access key gets the new secret, and its user the new name, role and company; sessions that it opened
        end.
        """
        company_id = company_id_of(company)
        credential = {"access_key": access_key, "secret_hash": hash_secret(secret_key)}
        known = CREDENTIALS.c.access_key == access_key

        def add(connection: sa.Connection) -> User:
            insert_if_new(connection, COMPANIES, {"id": company_id, "name": company})
            found = connection.execute(sa.select(CREDENTIALS.c.user).where(known)).scalar()
            user = User(found or secrets.token_hex(16), name, role, company_id, company)
            if found is None:
                connection.execute(sa.insert(USERS).values(user_row(user) | {"document": {}}))
                connection.execute(sa.insert(CREDENTIALS).values(credential | {"user": user.id}))
            else:
                connection.execute(sa.update(USERS).where(USERS.c.id == found).values(user_row(user)))
                connection.execute(sa.update(CREDENTIALS).where(known).values(credential))
                connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.access_key == access_key))
            insert_details(connection, access_key, user.id)
            return user

        return await self._write(add)

    async def delete_user(self, user_id: str) -> bool:
        """Remove a user with credentials and sessions; return whether there was one.

        Raises Forbidden for the last root.
        """
        keys_of = sa.select(CREDENTIALS.c.access_key).where(CREDENTIALS.c.user == user_id)

        def delete(connection: sa.Connection) -> bool:
            check_roots_without(connection, user_id)
            delete_credentials(connection, list(connection.execute(keys_of).scalars()))
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.user == user_id))
            return connection.execute(sa.delete(USERS).where(USERS.c.id == user_id)).rowcount > 0

        return await self._write(delete)

    async def set_role(self, user_id: str, role: str) -> bool:
        """Give a user another role; return whether there is such a user.

        Raises Forbidden for the last root.
        """

        def update(connection: sa.Connection) -> bool:
            if role != ROOT:
                check_roots_without(connection, user_id)
            return connection.execute(sa.update(USERS).where(USERS.c.id == user_id).values(role=role)).rowcount > 0

        return await self._write(update)

    async def find_users(self, company: str | None = None, name: str | None = None) -> list[User]:
        """Return the users of companies and names, by name; None: any."""
        query = user_query().order_by(COMPANIES.c.name, USERS.c.name, USERS.c.id)
        if company is not None:
            query = query.where(COMPANIES.c.name == company)
        if name is not None:
            query = query.where(USERS.c.name == name)
        return await self._read(lambda c: [User(*row) for row in c.execute(query)])


def company_id_of(name: str) -> str:
    """Return the id of the company of a name."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def check_roots_without(connection: sa.Connection, user_id: str) -> None:
    """Raise Forbidden if the user is a root, and no other root has a credential."""
    roots = sa.select(USERS.c.id).where(USERS.c.role == ROOT).with_for_update()
    found = set(connection.execute(roots).scalars())
    if user_id not in found:
        return
    able = sa.select(CREDENTIALS.c.user).where(CREDENTIALS.c.user.in_(found - {user_id})).limit(1)
    if connection.execute(able).first() is None:
        raise Forbidden("This is the last root who can log in")
