"""What travels through the log: blocks of events and deletions <-> Kafka records (key, headers, bytes).

A record's place gives every row its ``seq``: topic epoch (8 bits), offset (40), row (16). No clock decides an
overwrite.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from schema.errors import RecordError
from schema.tables import INT64_MAX, TABLES

SCHEMA_VERSION = 1
ROW_BITS, OFFSET_BITS = 16, 40
MAX_ROWS = 1 << ROW_BITS
IPC_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")

DELETION = "deletion"
EVENTS, LOGS, ALL = "events", "logs", "all"  # scopes of a deletion


@dataclass(frozen=True)
class Block:
    """The events of one type and one partition from one batch. ``rows``: ``Table.block_schema``."""

    company: str
    event_type: str
    received_at: int  # ms since the epoch
    rows: pa.RecordBatch

    @property
    def entity(self) -> str:
        """An entity of the block; all of them are in its partition."""
        return str(self.rows["task"][0].as_py())

    def split(self, partitions: int, max_bytes: int) -> Iterator[tuple[int, Block]]:
        """The block cut by partition and size: (partition, block), rows in their order.

        No piece has more than MAX_ROWS rows, nor, unless it is a single row, more than ``max_bytes`` uncompressed.
        """
        for partition, rows in self._by_partition(partitions):
            for piece in _pieces(rows, max_bytes):
                yield partition, Block(self.company, self.event_type, self.received_at, piece)

    def _by_partition(self, partitions: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        tasks = self.rows["task"].dictionary_encode()
        places = np.array([partition_of(self.company, task.as_py(), partitions) for task in tasks.dictionary])
        if len(set(places)) == 1:
            yield int(places[0]), self.rows
            return
        place_of_row = places[tasks.indices.to_numpy()]
        for partition in dict.fromkeys(place_of_row.tolist()):
            yield partition, self.rows.filter(pa.array(place_of_row == partition))


@dataclass(frozen=True)
class Deletion:
    """Removes an entity's events that were written before it.

    ``scope``: EVENTS (all events), LOGS (log events only), ALL (events and statistics). The rest narrows LOGS: only
    lines with a timestamp below ``before`` (ms), of the metrics in ``include`` (empty: any) and not in ``exclude``.
    """

    company: str
    entity: str
    scope: str
    received_at: int
    before: int = INT64_MAX
    include: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)


Content = Block | Deletion


@dataclass(frozen=True)
class Place:
    """Where the log put a record."""

    epoch: int
    partition: int
    offset: int

    @property
    def seq(self) -> int:
        """``seq`` of the record's first row."""
        return (self.epoch << OFFSET_BITS | self.offset) << ROW_BITS

    def holds(self, seq: int) -> bool:
        """Whether a row with this ``seq`` is of a record at this offset."""
        return seq >> ROW_BITS == self.seq >> ROW_BITS


@dataclass(frozen=True)
class Record:
    """A block or deletion with its place in the log."""

    place: Place
    content: Content


def partition_of(company: str, entity: str, partitions: int) -> int:
    """The partition that holds all of an entity's history."""
    return zlib.crc32(f"{company}\0{entity}".encode()) % partitions


def encode(content: Content, epoch: int) -> tuple[bytes, dict[str, bytes], bytes]:
    """Key, headers and value of a Kafka record."""
    key = f"{content.company}\0{content.entity}".encode()
    headers: dict[str, Any] = {"schema": SCHEMA_VERSION, "epoch": epoch, "received_at": content.received_at}
    if isinstance(content, Deletion):
        return key, _headers(headers | {"kind": DELETION}), json.dumps(asdict(content)).encode()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, content.rows.schema, options=IPC_OPTIONS) as stream:
        stream.write_batch(content.rows)
    headers |= {"kind": content.event_type, "company": content.company}
    return key, _headers(headers), sink.getvalue().to_pybytes()


def decode(headers: Mapping[str, bytes], value: bytes, partition: int, offset: int) -> Record:
    """The record of a Kafka message. Raises RecordError if it is not one that this version can read."""
    try:
        texts = {name: data.decode() for name, data in headers.items()}
        if int(texts["schema"]) > SCHEMA_VERSION:
            raise RecordError(f"schema version {texts['schema']} is newer than {SCHEMA_VERSION}")
        place = Place(int(texts["epoch"]), partition, offset)
        return Record(place, _content(texts, value))
    except (KeyError, ValueError, TypeError, pa.ArrowException) as error:
        raise RecordError(f"not a block: {error!r}") from error


def _content(headers: Mapping[str, str], value: bytes) -> Content:
    if headers["kind"] == DELETION:
        return Deletion(**json.loads(value))
    schema = TABLES[headers["kind"]].block_schema
    with pa.ipc.open_stream(value) as stream:
        rows = stream.read_all().combine_chunks().select(schema.names).cast(schema)
    rows.validate(full=True)
    if rows.num_rows > MAX_ROWS:
        raise RecordError(f"{rows.num_rows} rows are more than {MAX_ROWS}")
    batch = rows.to_batches()[0] if rows.num_rows else pa.RecordBatch.from_pylist([], schema=schema)
    return Block(headers["company"], headers["kind"], int(headers["received_at"]), batch)


def _headers(values: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: str(value).encode() for name, value in values.items()}


def _pieces(rows: pa.RecordBatch, max_bytes: int) -> Iterator[pa.RecordBatch]:
    if rows.num_rows == 0:
        return
    if rows.num_rows <= MAX_ROWS and (rows.num_rows == 1 or rows.nbytes <= max_bytes):
        yield rows
        return
    middle = rows.num_rows // 2
    yield from _pieces(rows.slice(0, middle), max_bytes)
    yield from _pieces(rows.slice(middle), max_bytes)
