"""What the processes on one registry share besides documents: agreed values, topics, and states of scrolls."""

from __future__ import annotations

import hashlib
import time
import uuid

import sqlalchemy as sa

from schema.registry.database import Database, insert_if_new
from schema.registry.tables import SCROLLS, SECRETS, TOPICS

SCROLL_SECONDS = 3600


class Shared(Database):
    """Small shared values by name."""

    async def agreed(self, name: str, value: str) -> str:
        """Return the value that the first process to ask has proposed under a name."""
        query = sa.select(SECRETS.c.value).where(SECRETS.c.name == name)

        def find_or_store(connection: sa.Connection) -> str:
            insert_if_new(connection, SECRETS, {"name": name, "value": value})
            return str(connection.execute(query).scalar_one())

        return await self._write(find_or_store)

    async def forget_secrets(self, *names: str) -> None:
        """Remove what is stored under some names."""
        await self._write(lambda c: c.execute(sa.delete(SECRETS).where(SECRETS.c.name.in_(names))))

    async def topic(self, name: str) -> tuple[int, int] | None:
        """Return epoch and partition count of a topic, as ``eventide migrate`` left them."""
        query = sa.select(TOPICS.c.epoch, TOPICS.c.partitions).where(TOPICS.c.name == name)
        row = await self._read(lambda c: c.execute(query).first())
        return (row.epoch, row.partitions) if row else None

    async def set_topic(self, name: str, epoch: int, partitions: int) -> None:
        """Store a topic's epoch and partition count."""

        def replace(connection: sa.Connection) -> None:
            connection.execute(sa.delete(TOPICS).where(TOPICS.c.name == name))
            connection.execute(sa.insert(TOPICS).values(name=name, epoch=epoch, partitions=partitions))

        await self._write(replace)

    async def clear_scroll(self, scroll_id: str) -> None:
        """Record that a scroll id, of any kind and length, may not be used any more."""
        row = {"id": _cleared(scroll_id), "company": "", "position": 0, "used_at": int(time.time())}

        def insert(connection: sa.Connection) -> None:
            _forget_old(connection)
            insert_if_new(connection, SCROLLS, row)

        await self._write(insert)

    async def is_scroll_cleared(self, scroll_id: str) -> bool:
        """Tell whether ``clear_scroll`` was called with an id in the last SCROLL_SECONDS."""
        query = sa.select(SCROLLS.c.id).where(SCROLLS.c.id == _cleared(scroll_id))
        return await self._read(lambda c: c.execute(query).first()) is not None

    async def start_scroll(self, company: str, position: int) -> str:
        """Return the id of a new scroll that has delivered ``position`` rows; old scrolls are removed."""
        now, scroll_id = int(time.time()), uuid.uuid4().hex

        def insert(connection: sa.Connection) -> None:
            _forget_old(connection)
            row = {"id": scroll_id, "company": company, "position": position, "used_at": now}
            connection.execute(sa.insert(SCROLLS).values(row))

        await self._write(insert)
        return scroll_id

    async def scroll(self, company: str, scroll_id: str) -> int | None:
        """Return how many rows a scroll has delivered; None if there is no such scroll."""
        same = (SCROLLS.c.id == scroll_id, SCROLLS.c.company == company)
        query = sa.select(SCROLLS.c.position).where(*same, SCROLLS.c.used_at >= int(time.time()) - SCROLL_SECONDS)
        found: int | None = await self._read(lambda c: c.execute(query).scalar())
        return found

    async def move_scroll(self, scroll_id: str, position: int) -> None:
        """Store how many rows a scroll has delivered."""
        update = sa.update(SCROLLS).where(SCROLLS.c.id == scroll_id)
        await self._write(lambda c: c.execute(update.values(position=position, used_at=int(time.time()))))

    async def walk(self, company: str, name: str) -> str | None:
        """Return the newest scroll id of a walk; None unless it was continued, in the last SCROLL_SECONDS."""
        alive = SCROLLS.c.used_at >= int(time.time()) - SCROLL_SECONDS
        query = sa.select(SCROLLS.c.cursor).where(SCROLLS.c.id == _walk(name), SCROLLS.c.company == company, alive)
        found: str | None = await self._read(lambda c: c.execute(query).scalar())
        return found

    async def move_walk(self, company: str, name: str, cursor: str) -> None:
        """Store the newest scroll id of a walk."""
        row = {"id": _walk(name), "company": company, "position": 0, "used_at": int(time.time()), "cursor": cursor}

        def replace(connection: sa.Connection) -> None:
            _forget_old(connection)
            connection.execute(sa.delete(SCROLLS).where(SCROLLS.c.id == row["id"], SCROLLS.c.company == company))
            insert_if_new(connection, SCROLLS, row)

        await self._write(replace)


def _forget_old(connection: sa.Connection) -> None:
    connection.execute(sa.delete(SCROLLS).where(SCROLLS.c.used_at < int(time.time()) - SCROLL_SECONDS))


def _cleared(scroll_id: str) -> str:
    return f"cleared {hashlib.blake2b(scroll_id.encode(), digest_size=16).hexdigest()}"


def _walk(name: str) -> str:
    return f"walk {name}"
