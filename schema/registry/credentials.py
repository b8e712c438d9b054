"""Credentials: pairs of an access key and a secret, of which only a digest is stored."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from schema.registry.database import Database
from schema.registry.tables import COMPANIES, CREDENTIAL_DETAILS, CREDENTIALS, SESSIONS, USERS
from schema.registry.users import User, user_columns

USED_SECONDS = 600  # ``used_at`` is written at most so often


@dataclass(frozen=True)
class Credential:
    """The details of an access key. Times are seconds since the epoch; None: unknown, or never.

    ``name_session``: the session opened by a name alone with which the key ends. ``scope``: what it is good for, as
    ``schema/api/scopes.py`` has it; None: everything.
    """

    access_key: str
    created_at: int | None = None
    expires_at: int | None = None
    used_at: int | None = None
    name_session: str | None = None
    scope: str | None = None


class Credentials(Database):
    """Look-ups and changes of the keys of users."""

    async def add_credential(
        self,
        user_id: str,
        access_key: str,
        secret_key: str,
        *,
        expires_at: int | None = None,
        name_session: str | None = None,
        scope: str | None = None,
    ) -> None:
        """Add a credential to an existing user. Raises NotUnique."""
        row = {"access_key": access_key, "secret_hash": hash_secret(secret_key), "user": user_id}

        def insert(connection: sa.Connection) -> None:
            connection.execute(sa.insert(CREDENTIALS).values(row))
            details = {"expires_at": expires_at, "name_session": name_session, "scope": scope}
            insert_details(connection, access_key, user_id, **details)

        await self._write(insert)

    async def remove_credential(self, user_id: str, access_key: str, name_session: str | None = None) -> bool:
        """Revoke a key and end the sessions that it opened; return whether the user had it.

        ``name_session``: only if the key was made in that session.
        """
        ours = [CREDENTIALS.c.access_key == access_key, CREDENTIALS.c.user == user_id]
        if name_session is not None:
            made_in = sa.select(CREDENTIAL_DETAILS.c.access_key)
            ours.append(CREDENTIALS.c.access_key.in_(made_in.where(CREDENTIAL_DETAILS.c.name_session == name_session)))

        def delete(connection: sa.Connection) -> bool:
            keys = list(connection.execute(sa.select(CREDENTIALS.c.access_key).where(*ours)).scalars())
            delete_credentials(connection, keys)
            return bool(keys)

        return await self._write(delete)

    async def credentials_of(self, user_id: str) -> list[Credential]:
        """Return the credentials of a user that have not expired, by access key."""
        query = _credential_query().where(CREDENTIALS.c.user == user_id, _lives()).order_by(CREDENTIALS.c.access_key)
        return await self._read(lambda c: [Credential(*row) for row in c.execute(query)])

    async def credential(self, access_key: str, secret_key: str) -> tuple[Credential, User] | None:
        """Return a credential and its user, if key and secret are right and it has not expired."""
        query = _credential_query(*user_columns(), CREDENTIALS.c.secret_hash).where(
            CREDENTIALS.c.access_key == access_key, _lives()
        )
        query = query.join(USERS, USERS.c.id == CREDENTIALS.c.user).join(COMPANIES, COMPANIES.c.id == USERS.c.company)
        row = await self._read(lambda c: c.execute(query).first())
        if row is None or not hmac.compare_digest(row[-1], hash_secret(secret_key)):
            return None
        columns = len(Credential.__dataclass_fields__)
        return Credential(*row[:columns]), User(*row[columns:-1])

    async def user_of_key(self, access_key: str, secret_key: str) -> User | None:
        """Return the user of a credential, if key and secret are right."""
        found = await self.credential(access_key, secret_key)
        return found[1] if found else None

    async def has_key(self, access_key: str) -> bool:
        """Tell whether a key exists."""
        return await self.owner_of_key(access_key) is not None

    async def owner_of_key(self, access_key: str) -> str | None:
        """Return the user of a key; None if there is no such key."""
        query = sa.select(CREDENTIALS.c.user).where(CREDENTIALS.c.access_key == access_key)
        return await self._read(lambda c: c.execute(query).scalar())

    async def is_revoked(self, access_key: str) -> bool:
        """Tell whether a key was revoked."""
        same = (CREDENTIAL_DETAILS.c.access_key == access_key, CREDENTIAL_DETAILS.c.revoked_at.is_not(None))
        query = sa.select(CREDENTIAL_DETAILS.c.access_key).where(*same)
        return await self._read(lambda c: c.execute(query).first()) is not None

    async def has_users(self) -> bool:
        """Tell whether anybody can log in."""
        query = sa.select(CREDENTIALS.c.user).limit(1)
        return await self._read(lambda c: c.execute(query).first() is not None)

    async def mark_used(self, credential: Credential) -> None:
        """Record that a key was used just now, unless a use within USED_SECONDS is recorded."""
        now = int(time.time())
        if credential.used_at is None or credential.used_at < now - USED_SECONDS:
            update = sa.update(CREDENTIAL_DETAILS).where(CREDENTIAL_DETAILS.c.access_key == credential.access_key)
            await self._write(lambda c: c.execute(update.values(used_at=now)))


def hash_secret(secret_key: str) -> str:
    """Return the digest of a secret: secrets are random and long, so a plain digest is enough, and cheap."""
    return hashlib.sha256(secret_key.encode()).hexdigest()


def insert_details(connection: sa.Connection, access_key: str, user_id: str, **details: Any) -> None:
    """Replace the details of a key."""
    connection.execute(sa.delete(CREDENTIAL_DETAILS).where(CREDENTIAL_DETAILS.c.access_key == access_key))
    row = {"access_key": access_key, "user": user_id, "created_at": int(time.time())} | details
    connection.execute(sa.insert(CREDENTIAL_DETAILS).values(row))


def delete_credentials(connection: sa.Connection, access_keys: Iterable[str]) -> None:
    """Remove keys and the sessions that they opened, and record them so that none comes back."""
    for key in access_keys:
        owner = sa.select(CREDENTIALS.c.user).where(CREDENTIALS.c.access_key == key)
        user_id = connection.execute(owner).scalar() or ""
        connection.execute(sa.delete(CREDENTIALS).where(CREDENTIALS.c.access_key == key))
        connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.access_key == key))
        insert_details(connection, key, user_id, revoked_at=int(time.time()))


def _credential_query(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    columns = [CREDENTIAL_DETAILS.c[name] for name in tuple(Credential.__dataclass_fields__)[1:]]
    joined = CREDENTIALS.outerjoin(CREDENTIAL_DETAILS, CREDENTIAL_DETAILS.c.access_key == CREDENTIALS.c.access_key)
    return sa.select(CREDENTIALS.c.access_key, *columns, *more).select_from(joined)


def _lives() -> sa.ColumnElement[bool]:
    expires = CREDENTIAL_DETAILS.c.expires_at
    return expires.is_(None) | (expires >= int(time.time()))
