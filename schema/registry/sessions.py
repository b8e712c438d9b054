"""Sessions, which tokens stand for. A token whose session is gone, or has ended, is not valid."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

import sqlalchemy as sa

from schema.registry.credentials import delete_credentials
from schema.registry.database import Database
from schema.registry.tables import CREDENTIAL_DETAILS, SESSIONS, USERS
from schema.registry.users import User, user_query

MAX_SESSIONS = 10_000  # of a user; the oldest end first. An SDK whose session has ended logs in again by itself


@dataclass(frozen=True)
class Session:
    """One log-in. Times are seconds since the epoch.

    ``access_key``: the key that opened it, None if a name did. ``name_session``: the session opened by a name alone
    that this one ends with, itself for one. ``address`` and ``client``: where it was opened from.
    """

    id: str
    user: str
    created_at: int
    expires_at: int
    access_key: str | None = None
    name_session: str | None = None
    address: str = ""
    client: str = ""


class Sessions(Database):
    """Sessions by the digest of the identifier that their tokens carry."""

    async def open_session(self, session: Session) -> None:
        """Store a session, and delete those that have ended."""

        def insert(connection: sa.Connection) -> None:
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.expires_at < int(time.time())))
            _delete_oldest(connection, session.user)
            connection.execute(sa.insert(SESSIONS).values(vars(session)))

        await self._write(insert)

    async def session(self, session_id: str) -> tuple[Session, User, str | None] | None:
        """Return a session that has not ended, its user as they are now, and the scope of the key that opened it."""
        same = (SESSIONS.c.id == session_id, SESSIONS.c.expires_at >= int(time.time()))
        columns = [SESSIONS.c[name] for name in Session.__dataclass_fields__]
        query = user_query(*columns, CREDENTIAL_DETAILS.c.scope).join(SESSIONS, SESSIONS.c.user == USERS.c.id)
        query = query.outerjoin(CREDENTIAL_DETAILS, CREDENTIAL_DETAILS.c.access_key == SESSIONS.c.access_key)
        row = await self._read(lambda c: c.execute(query.where(*same)).first())
        if row is None:
            return None
        *user, scope = row[: -len(columns) - 1] + row[-1:]
        return Session(*row[-len(columns) - 1 : -1]), User(*user), scope

    async def sessions_of(self, user_id: str) -> list[Session]:
        """Return the sessions of a user that have not ended, newest first."""
        query = sa.select(*[SESSIONS.c[name] for name in Session.__dataclass_fields__])
        query = query.where(SESSIONS.c.user == user_id, SESSIONS.c.expires_at >= int(time.time()))
        query = query.order_by(SESSIONS.c.created_at.desc(), SESSIONS.c.id)
        return await self._read(lambda c: [Session(*row) for row in c.execute(query)])

    async def end_sessions(self, user_id: str, *session_ids: str) -> int:
        """End these sessions of a user, or all if none is named; return how many.

        What was made in those opened by a name ends too.
        """
        ours = [SESSIONS.c.user == user_id]
        if session_ids:
            ours.append(SESSIONS.c.id.in_(session_ids))

        def delete(connection: sa.Connection) -> int:
            ended = list(connection.execute(sa.select(SESSIONS.c.id).where(*ours)).scalars())
            _end(connection, ended)
            return len(ended)

        return await self._write(delete)


def digest_of(session_id: str) -> str:
    """Return the key under which a session is stored, from the identifier that its tokens carry."""
    return hashlib.sha256(session_id.encode()).hexdigest()


def _end(connection: sa.Connection, ids: list[str]) -> None:
    made_in = CREDENTIAL_DETAILS.c.name_session.in_(ids)
    keys = list(connection.execute(sa.select(CREDENTIAL_DETAILS.c.access_key).where(made_in)).scalars())
    delete_credentials(connection, keys)
    connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.id.in_(ids) | SESSIONS.c.name_session.in_(ids)))


def _delete_oldest(connection: sa.Connection, user_id: str) -> None:
    newest = sa.select(SESSIONS.c.id).where(SESSIONS.c.user == user_id).order_by(SESSIONS.c.created_at.desc())
    oldest = list(connection.execute(newest.offset(MAX_SESSIONS - 1)).scalars())
    if oldest:
        _end(connection, oldest)
