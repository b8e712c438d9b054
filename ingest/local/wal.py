"""The write-ahead log on SQLite: what was acknowledged and is not in the store yet (docs/formats/wal.md)."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from ingest.local import LOCAL_EPOCH
from ingest.local.row_codec import as_columns, pack
from schema.errors import Unavailable
from schema.events.blocks import Content, Deletion, Place, Record, decode, encode
from schema.events.request_context import NO_REQUEST, RequestContext
from schema.metrics import PARKED, PARKED_NOW
from schema.store.disk_guard import need_room

BLOCK_BYTES = 256 << 20
SPARE = 1.5  # times the disk's reserve must be free, to leave room in the store for what was acknowledged
COMPRESSION = "lz4"  # zstd would take three times as long as everything else here
SCHEMA = """
PRAGMA page_size = 32768;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS records
(
    offset  INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, even when the last is forgotten
    headers TEXT NOT NULL,
    content BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS parked
(
    offset  INTEGER NOT NULL, -- that it had when it was written
    row     INTEGER NOT NULL,
    headers TEXT NOT NULL,
    content BLOB NOT NULL,
    reason  TEXT NOT NULL,
    PRIMARY KEY (offset, row)
);
"""
APPEND_SQL = "INSERT INTO records (headers, content) VALUES "
ROWS_AT_ONCE = 50
PARK_SQL = "INSERT OR REPLACE INTO parked (headers, content, offset, row, reason) VALUES (?, ?, ?, ?, ?)"
RECORDS_SQL = "SELECT offset, headers, content FROM records ORDER BY offset"
REPLAY_SQL = f"""
INSERT INTO records (headers, content)
SELECT json_set(headers, '$.origin_epoch', '{LOCAL_EPOCH}', '$.origin_offset', format('%d', offset),
    '$.origin_row', format('%d', row)), content
FROM parked ORDER BY offset, row
"""

WalRow = tuple[str, bytes]  # headers and content


@dataclass(frozen=True)
class WalEntry:
    """A record of the write-ahead log, its offset there, and its size in bytes.

    The offset is that of the record's place, unless it was parked in between. ``entities``: the ids that it is about.
    """

    offset: int
    record: Record
    size: int
    entities: Sequence[str]

    @classmethod
    def of(cls, offset: int, record: Record, size: int) -> WalEntry:
        content = record.content
        return cls(offset, record, size, [content.entity] if isinstance(content, Deletion) else content.tasks)


class WriteAheadLog:
    """The log on disk. Blocking; usable from any thread.

    Every method raises Unavailable if nothing was changed and it may be tried again.
    """

    def __init__(self, file: Path) -> None:
        self._directory = file.parent
        self._lock = threading.Lock()
        with _translated():
            self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
            self._connection.executescript(SCHEMA)

    def append(
        self, requests: Sequence[Iterable[Content]], contexts: Iterable[RequestContext] = repeat(NO_REQUEST)
    ) -> list[list[WalEntry]]:
        """Make the contents of each request durable as records, all or none.

        Blocks are cut where a record would be too large. ``contexts``: of the requests; the file does not keep them.
        """
        need_room(self._directory, SPARE)
        rows = [[piece for content in contents for piece in _pieces(content)] for contents in requests]
        flat = [row for of_request in rows for _, row in of_request]
        with self._transaction() if len(flat) > ROWS_AT_ONCE else self._statement() as connection:
            offsets = _append(connection, flat)
        return [
            [_entry(next(offsets), *row, context) for row in of_request]
            for of_request, context in zip(rows, contexts, strict=False)
        ]

    def entries(self) -> list[WalEntry]:
        """Return all records, in order. Raises RecordError if a newer version wrote one."""
        with self._statement() as connection:
            rows = connection.execute(RECORDS_SQL).fetchall()
        return [
            WalEntry.of(offset, decode(*as_columns(_headers(headers), content), 0, offset), len(content))
            for offset, headers, content in rows
        ]

    def forget(self, through: int) -> None:
        """Remove records up to an offset: they are in the store, or parked."""
        with self._statement() as connection:
            connection.execute("DELETE FROM records WHERE offset <= ?", (through,))

    def park(self, record: Record, reason: str) -> None:
        """Keep a record that the store rejects, with the reason."""
        place = record.place
        with self._statement() as connection:
            connection.execute(PARK_SQL, (*_row(record.content), place.offset, place.row, reason))
            PARKED_NOW.set(connection.execute("SELECT count(*) FROM parked").fetchone()[0])
        PARKED.inc()

    def replay_parked(self) -> None:
        """Append what was parked again, with the places that it had."""
        with self._transaction() as connection:
            connection.execute(REPLAY_SQL)
            connection.execute("DELETE FROM parked")
        PARKED_NOW.set(0)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _statement(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection for one statement, which is a transaction by itself.

        To begin and commit one would wait twice more.
        """
        with self._lock, _translated():
            yield self._connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._statement() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(f"The journal cannot be written: {error}") from error


def _append(connection: sqlite3.Connection, rows: Sequence[WalRow]) -> Iterator[int]:
    """Append rows and return their offsets. Many to a statement: each statement waits for Python's lock."""
    offsets: list[int] = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        statement = APPEND_SQL + ", ".join(["(?, ?)"] * len(some))
        last = connection.execute(statement, [value for row in some for value in row]).lastrowid or 0
        offsets += range(last - len(some) + 1, last + 1)
    return iter(offsets)


def _entry(offset: int, content: Content, row: WalRow, request: RequestContext) -> WalEntry:
    return WalEntry.of(offset, Record(Place(LOCAL_EPOCH, 0, offset), content, request=request), len(row[1]))


def _pieces(content: Content) -> Iterator[tuple[Content, WalRow]]:
    if packed := pack(content):
        yield content, packed
    elif isinstance(content, Deletion):
        yield content, _row(content)
    else:
        yield from ((piece, _row(piece)) for _, piece in content.split(1, BLOCK_BYTES))


def _row(content: Content) -> WalRow:
    _, headers, value = encode(content, LOCAL_EPOCH, compression=COMPRESSION)
    return json.dumps({name: text.decode() for name, text in headers.items()}), value


def _headers(text: str) -> dict[str, bytes]:
    return {name: value.encode() for name, value in json.loads(text).items()}
