"""Blocks of events and deletions, and the Kafka records that carry them (docs/formats/record.md).

The place of a record gives every row its ``seq``: topic epoch (8 bits), offset (40), row (16). No clock decides an
overwrite.

| header | meaning |
|---|---|
| schema | SCHEMA_VERSION of the process that wrote the record |
| epoch | epoch of the topic, as the gateway knew it |
| kind | event type, or ``deletion`` |
| company, received_at | of a block: its company, and when the gateway took the request (ms) |
| deadline | ms: a record that is appended to the topic later than this has no effect (see ``is_late``) |
| clock_skew | ms: the broker's clock minus the gateway's, of which ``received_at`` is; absent: none is known |
| origin_epoch, origin_offset, origin_row | of a replayed record: its place before it was parked, which it keeps |
| request_id, traceparent | of the request that it came with, for logs and traces (``request_context.py``) |
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, TypeAdapter

from schema.errors import RecordError
from schema.events.request_context import NO_REQUEST, RequestContext
from schema.events.rows import Rows, columns, tasks_of
from schema.events.tables import COMMON, INT64_MAX, INT64_MIN, TABLES

SCHEMA_VERSION = 1
ROW_BITS, OFFSET_BITS, EPOCH_BITS = 16, 40, 8
MAX_ROWS = 1 << ROW_BITS
SMALL_ROWS, SMALL_BYTES = 16, 4096  # of a block, which compressed would not be smaller

DELETION = "deletion"
Scope = Literal["events", "logs", "all"]
EVENTS: Scope = "events"
LOGS: Scope = "logs"
ALL: Scope = "all"


@dataclass(frozen=True)
class Block:
    """The events of one type and one partition from one batch. ``rows``: plain rows or columns."""

    company: str
    event_type: str
    received_at: int  # ms since the epoch
    rows: Rows

    @cached_property
    def columns(self) -> pa.RecordBatch:
        """The rows as a record batch of ``Table.block_schema``."""
        return columns(self.event_type, self.rows)

    @property
    def entity(self) -> str:
        """The id of one entity of the block; all of its entities are in one partition."""
        return self.tasks[0]

    @cached_property
    def tasks(self) -> list[str]:
        """The ids of the block's entities, each once."""
        return tasks_of(self.rows)

    def split(self, partitions: int, max_bytes: int) -> Iterator[tuple[int, Block]]:
        """Cut the block by partition and size; yield (partition, block) in columns, rows in their order.

        No piece has more than MAX_ROWS rows, nor, unless it is a single row, more than ``max_bytes`` uncompressed.
        """
        for partition, rows in self._by_partition(partitions):
            for piece in _pieces(rows, max_bytes):
                yield partition, self if piece is self.rows else replace(self, rows=piece)

    def _by_partition(self, partitions: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        if partitions == 1:
            yield 0, self.columns
            return
        tasks = self.columns["task"].dictionary_encode()
        places = np.array([partition_of(self.company, task.as_py(), partitions) for task in tasks.dictionary])
        if len(set(places)) == 1:
            yield int(places[0]), self.columns
            return
        place_of_row = places[tasks.indices.to_numpy()]
        for partition in dict.fromkeys(place_of_row.tolist()):
            yield partition, self.columns.filter(pa.array(place_of_row == partition))


@dataclass(frozen=True)
class Deletion:
    """A request to remove the events of an entity that were written before it.

    ``scope``: EVENTS (all events), LOGS (log events only), ALL (events and statistics). The other fields narrow LOGS to
    lines with a timestamp up to ``through`` (ms), of the metrics in ``include`` (empty: any) and not in ``exclude``.
    """

    company: str
    entity: str
    scope: Scope
    received_at: int
    through: Annotated[int, Field(ge=INT64_MIN, le=INT64_MAX)] = INT64_MAX  # those without a timestamp too
    include: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)


Content = Block | Deletion
DELETION_READER = TypeAdapter(Deletion)


@dataclass(frozen=True)
class Place:
    """The place of a record on the log. ``row``: of a single row that was parked, its number in the block."""

    epoch: int
    partition: int
    offset: int
    row: int = 0

    @property
    def seq(self) -> int:
        """The ``seq`` of the record's first row."""
        return (self.epoch << OFFSET_BITS | self.offset) << ROW_BITS | self.row

    def holds(self, seq: int) -> bool:
        """Tell whether a row with this ``seq`` belongs to the record at this offset."""
        return seq >> ROW_BITS == self.seq >> ROW_BITS


@dataclass(frozen=True)
class Record:
    """A block or deletion with its place on the log."""

    place: Place
    content: Content
    arrived: int = 0  # ``seq`` of the place at which it came again, if it was parked before; else 0
    clock_skew_ms: int = 0  # the broker's clock minus that of the gateway, of which ``received_at`` is
    request: RequestContext = NO_REQUEST


def partition_of(company: str, entity: str, partitions: int) -> int:
    """Return the partition that holds all of an entity's history."""
    return zlib.crc32(f"{company}\0{entity}".encode()) % partitions


def encode(
    content: Content, epoch: int, deadline_ms: int | None = None, compression: str = "zstd", clock_skew_ms: int = 0
) -> tuple[bytes, dict[str, bytes], bytes]:
    """Return key, headers and value of a Kafka record."""
    key = f"{content.company}\0{content.entity}".encode()
    headers: dict[str, Any] = {"schema": SCHEMA_VERSION, "epoch": epoch, "received_at": content.received_at}
    if deadline_ms is not None:
        headers["deadline"] = deadline_ms
    if clock_skew_ms:
        headers["clock_skew"] = clock_skew_ms
    if isinstance(content, Deletion):
        return key, _headers(headers | {"kind": DELETION}), json.dumps(asdict(content)).encode()
    sink = pa.BufferOutputStream()
    is_small = content.columns.num_rows <= SMALL_ROWS and content.columns.nbytes <= SMALL_BYTES
    options = pa.ipc.IpcWriteOptions(compression=None if is_small else compression, use_threads=False)
    with pa.ipc.new_stream(sink, content.columns.schema, options=options) as stream:
        stream.write_batch(content.columns)
    headers |= {"kind": content.event_type, "company": content.company}
    return key, _headers(headers), sink.getvalue().to_pybytes()


def decode(headers: Mapping[str, bytes], value: bytes, partition: int, offset: int) -> Record:
    """Read the record of a Kafka message. Raises RecordError if this version cannot read it."""
    try:
        texts = {name: data.decode() for name, data in headers.items()}
        if int(texts["schema"]) > SCHEMA_VERSION:
            raise RecordError(f"schema version {texts['schema']} is newer than {SCHEMA_VERSION}")
        arrival = _checked(Place(int(texts["epoch"]), partition, offset))
        request = RequestContext.read(texts)
        if "origin_offset" in texts:
            return Record(_origin(texts, partition), _content(texts, value), arrival.seq, request=request)
        return Record(arrival, _content(texts, value), 0, int(texts.get("clock_skew", 0)), request)
    except RecordError:
        raise
    except Exception as error:  # a pure function of these bytes: what it raises now it will always raise
        raise RecordError(f"not a block: {error!r}") from error


def is_late(headers: Mapping[str, bytes], appended_ms: int) -> bool:
    """Tell whether a record was appended to the topic after its deadline, by the broker's clock.

    Gateways and workers compare the same two numbers. A gateway does not answer a late write with 200, so its client
    repeats it, and no worker applies the record, so that it cannot undo what was acknowledged in the meantime.
    """
    try:
        return appended_ms > int(headers["deadline"])
    except (KeyError, ValueError):
        return False


def _origin(headers: Mapping[str, str], partition: int) -> Place:
    epoch, offset, row = (int(headers[f"origin_{name}"]) for name in ("epoch", "offset", "row"))
    return _checked(Place(epoch, partition, offset, row))


def _checked(place: Place) -> Place:
    if not (0 < place.epoch < 1 << EPOCH_BITS and 0 <= place.offset < 1 << OFFSET_BITS and 0 <= place.row < MAX_ROWS):
        raise RecordError(f"{place} is out of bounds")
    return place


def _content(headers: Mapping[str, str], value: bytes) -> Content:
    if headers["kind"] == DELETION:
        return DELETION_READER.validate_json(value, strict=True)
    table = TABLES[headers["kind"]]
    with pa.ipc.open_stream(value) as stream:
        rows = stream.read_all().combine_chunks().select(table.block_schema.names).cast(table.block_schema)
    rows.validate(full=True)
    if rows.num_rows > MAX_ROWS:
        raise RecordError(f"{rows.num_rows} rows are more than {MAX_ROWS}")
    if nulls := [name for name in (*COMMON, *table.identity) if rows[name].null_count]:
        raise RecordError(f"nulls in {', '.join(nulls)}")
    batch = rows.to_batches()[0] if rows.num_rows else pa.RecordBatch.from_pylist([], schema=table.block_schema)
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
