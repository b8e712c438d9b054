"""Documents: JSON objects, stored whole and returned as they came, in three tables each (see ``tables``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from schema.errors import BadDocument
from schema.registry.counts import CountLimit, check_counts
from schema.registry.database import Database
from schema.registry.tables import INDEXED, MAX_INDEXED_BYTES, Kind

Document = dict[str, Any]
Change = Callable[[Document], Document]
Term = tuple[str, str]  # field, value

IDS_PER_STATEMENT = 10_000
IDS_PER_PART = 100  # 20 ms on SQLite
MAX_TEXT_BYTES = 1 << 20


class Documents(Database):
    """Storing and changing of documents.

    Nobody else changes a document meanwhile: ``change`` runs on a thread, inside the transaction that read it.
    """

    async def create(self, kind: Kind, document: Document, limits: Sequence[CountLimit] = ()) -> None:
        """Store a new document; it must have ``id`` and ``company``.

        Raises BadDocument, NotUnique, and the refusal of a limit that is reached.
        """
        row, body = split(kind, document)

        def insert(connection: sa.Connection) -> None:
            check_counts(connection, kind, limits)
            connection.execute(sa.insert(kind.rows).values(row))
            connection.execute(sa.insert(kind.bodies).values(id=document["id"], body=body))
            _add_terms(connection, kind, document["id"], terms_of(kind, document))

        await self._write(insert)

    async def get(self, kind: Kind, document_id: str) -> Document | None:
        """Return a document by its id; None if there is none."""
        found = await self.get_many(kind, [document_id])
        return found[0] if found else None

    async def get_many(self, kind: Kind, ids: Iterable[str]) -> list[Document]:
        """Return the documents that exist, in no order."""
        wanted = list(_batches(ids))
        await self.settle()
        return await self._read(lambda c: [found for some in wanted for found in _select(c, kind, some)])

    async def update(self, kind: Kind, document_id: str, change: Change) -> Document | None:
        """Replace a document by the result of ``change``, and return it; None if it does not exist.

        Raises what ``change`` raises.
        """
        found = await self.update_many(kind, [document_id], change)
        return found[0] if found else None

    async def update_many(self, kind: Kind, ids: Iterable[str], change: Change) -> list[Document]:
        """Replace the documents that exist, all or none, and return them. Raises what ``change`` raises."""
        wanted = list(_batches(ids))

        def replace(connection: sa.Connection) -> list[Document]:
            for some in wanted:
                _lock(connection, kind, some)
            olds = [old for some in wanted for old in _select(connection, kind, some)]
            return [_replace(connection, kind, old, change(old)) for old in olds]

        changed = await self._write(replace)
        self._forget(kind, (document["id"] for document in changed))
        return changed

    async def update_in_parts(self, kind: Kind, ids: Iterable[str], change: Change) -> int:
        """Change documents like ``update_many``, some at a time; return how many.

        The changes of others come between the parts: a transaction over all would hold them up for seconds.
        """
        wanted = list(dict.fromkeys(ids))
        parts = [wanted[start : start + IDS_PER_PART] for start in range(0, len(wanted), IDS_PER_PART)]
        return sum([len(await self.update_many(kind, part, change)) for part in parts])

    async def delete(self, kind: Kind, *ids: str) -> None:
        """Remove documents."""

        def delete(connection: sa.Connection) -> None:
            for some in _batches(ids):
                for table in (kind.rows, kind.bodies, kind.terms):
                    connection.execute(sa.delete(table).where(table.c.id.in_(some)))

        await self._write(delete)
        self._forget(kind, ids)

    async def touch(self, kind: Kind, ids: Iterable[str], moment: str, user: str | None = None) -> None:
        """Move ``last_update`` and ``last_change`` forward to ``moment``; ``user``: who changed something."""
        wanted = list(_batches(ids))
        values = {"last_update": moment, "last_change": moment} | ({"last_changed_by": user} if user else {})

        def update(connection: sa.Connection) -> None:
            for some in wanted:
                older = (kind.rows.c.id.in_(some), kind.rows.c.last_update < moment)
                connection.execute(sa.update(kind.rows).where(*older).values(values))

        await self._write(update)

    def _forget(self, kind: Kind, ids: Iterable[str]) -> None:
        """Invalidate what is cached of these documents."""


def split(kind: Kind, document: Mapping[str, Any]) -> tuple[Document, Document]:
    """Split a document into row and body. Raises BadDocument if a column's value is not of its type."""
    row = {column.name: _checked(column, document.get(column.name)) for column in kind.rows.c}
    return row, {name: value for name, value in document.items() if name not in row}


def join(row: Mapping[str, Any], body: Document) -> Document:
    """Join a row and its body into a document; nulls are left out."""
    return {name: value for name, value in row.items() if value is not None} | body


def terms_of(kind: Kind, document: Mapping[str, Any]) -> set[Term]:
    """Return the terms of a document."""
    found = ((field, value) for field in kind.term_fields for value in values_at(document, field.split(".")))
    return {(field, value) for field, value in found if isinstance(value, str) and is_storable(value)}


def values_at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """Return the values at a path, through all members of the lists on its way."""
    if isinstance(value, list):
        for member in value:
            yield from values_at(member, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from values_at(value[path[0]], path[1:])


def is_storable(text: str, max_bytes: int = MAX_INDEXED_BYTES) -> bool:
    """Tell whether both databases can store a text in a column."""
    try:
        return len(text.encode()) <= max_bytes and "\0" not in text
    except UnicodeEncodeError:
        return False


def iso_now() -> str:
    """Return the present time as documents write it; such texts sort by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def iso_of(seconds: int | None) -> str | None:
    """Return a second since the epoch as documents write it; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _checked(column: sa.Column[Any], value: Any) -> Any:
    expected = column.type.python_type
    if value is None and column.nullable:
        return None
    if not isinstance(value, expected) or (expected is int and not -(2**31) <= value < 2**31):
        raise BadDocument(f"{column.name} must be a {expected.__name__}")
    if expected is str and not is_storable(value, MAX_INDEXED_BYTES if column.name in INDEXED else MAX_TEXT_BYTES):
        raise BadDocument(f"{column.name} is too long, or not a text that can be stored")
    return value


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), IDS_PER_STATEMENT):
        yield distinct[start : start + IDS_PER_STATEMENT]


def _lock(connection: sa.Connection, kind: Kind, ids: Sequence[str]) -> None:
    """Wait for other changes of these documents.

    This is a statement before the read: a read that waited itself would see the bodies of before.
    """
    rows = kind.rows.c
    connection.execute(sa.select(rows.id).where(rows.id.in_(ids)).order_by(rows.id).with_for_update())


def _select(connection: sa.Connection, kind: Kind, ids: Sequence[str]) -> list[Document]:
    rows, bodies = kind.rows, kind.bodies
    query = sa.select(rows, bodies.c.body).join(bodies, bodies.c.id == rows.c.id).where(rows.c.id.in_(ids))
    return [read_row(row) for row in connection.execute(query).mappings()]


def read_row(row: sa.RowMapping) -> Document:
    """Return the document of a row with its ``body``."""
    columns = dict(row)
    return join(columns, columns.pop("body"))


def _replace(connection: sa.Connection, kind: Kind, old: Document, new: Document) -> Document:
    """Write the parts of a document that differ."""
    key = old["id"]
    (old_row, old_body), (row, body) = split(kind, old), split(kind, new)
    if row != old_row:
        connection.execute(sa.update(kind.rows).where(kind.rows.c.id == key).values(row))
    if body != old_body:
        connection.execute(sa.update(kind.bodies).where(kind.bodies.c.id == key).values(body=body))
    had, has = terms_of(kind, old), terms_of(kind, new)
    for field, value in had - has:
        same = (kind.terms.c.id == key, kind.terms.c.field == field, kind.terms.c.value == value)
        connection.execute(sa.delete(kind.terms).where(*same))
    _add_terms(connection, kind, key, has - had)
    return join(row, body)


def _add_terms(connection: sa.Connection, kind: Kind, document_id: str, terms: set[Term]) -> None:
    if terms:
        rows = [{"id": document_id, "field": field, "value": value} for field, value in sorted(terms)]
        connection.execute(sa.insert(kind.terms), rows)
