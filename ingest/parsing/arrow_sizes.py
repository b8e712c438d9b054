"""Sizes that an Arrow IPC stream declares, added up before anything is decoded.

A stream of a few hundred bytes can declare any number of values: a column of nulls has no buffers, a compressed buffer
says its own size, and many buffers may be the same bytes. So lengths of fields and sizes of buffers are read from the
metadata of each message (flatbuffers, which Arrow has verified), and only a stream that stays within the bounds is
given to Arrow's decoder.

Layout: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc, and
``Message.fbs`` there. A table begins with the distance to its vtable: (bytes of the vtable, bytes of the table, the
distance of each field from the table's beginning, 0 if it is absent).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schema.errors import BodyTooLarge, MalformedRequest

MAX_MESSAGES = 10_000
MAX_VALUES = 16_000_000  # of all columns, nested ones counted each
MAX_DECODED_BYTES = 256 << 20  # of all buffers without their compression
LENGTH_BYTES = 8  # before a compressed buffer: its size, or -1 where it is not compressed after all
HEADER, BATCH_OF_DICTIONARY = 2, 1  # places of fields in Message and DictionaryBatch
NODES, BUFFERS, COMPRESSION = 1, 2, 3  # in RecordBatch

Pairs = npt.NDArray[np.int64]


class Declared(NamedTuple):
    """The sizes that one batch declares: (length, nulls) of each field, (offset, size) of each buffer."""

    nodes: Pairs
    buffers: Pairs
    is_compressed: bool


def check_sizes(body: bytes) -> None:
    """Check what the stream declares.

    Raises BodyTooLarge if that is more than a body may expand to, and MalformedRequest if it is no stream.
    """
    messages = values = size = 0
    for message in pa.ipc.MessageReader.open_stream(body):
        messages += 1
        if messages > MAX_MESSAGES:
            raise BodyTooLarge(f"The body has more than {MAX_MESSAGES} messages")
        if message.type == "schema":
            continue
        declared = read_declared(message)
        values += _sum(declared.nodes[:, 0])
        if values > MAX_VALUES:
            raise BodyTooLarge(f"The body stands for more than {MAX_VALUES} values")
        size += _sum(_decoded_sizes(declared, message.body))
        if size > MAX_DECODED_BYTES:
            raise BodyTooLarge(f"The body stands for more than {MAX_DECODED_BYTES} bytes")


def read_declared(message: pa.ipc.Message) -> Declared:
    """Read what a record batch or dictionary declares. Raises MalformedRequest for any other message."""
    metadata = message.metadata.to_pybytes()
    batch = _table_at(metadata, _root(metadata), HEADER)
    if message.type == "dictionary":
        batch = _table_at(metadata, batch, BATCH_OF_DICTIONARY)
    elif message.type != "record batch":
        raise MalformedRequest(f"Not an Arrow stream of events: it has a {message.type}")
    is_compressed = _field(metadata, batch, COMPRESSION) != 0
    return Declared(_pairs(metadata, batch, NODES), _pairs(metadata, batch, BUFFERS), is_compressed)


def _decoded_sizes(declared: Declared, body: pa.Buffer | None) -> npt.NDArray[np.int64]:
    """Return the bytes of each buffer once it is decoded.

    Raises MalformedRequest for buffers that are not within the body.
    """
    offsets, sizes = declared.buffers[:, 0], declared.buffers[:, 1]
    end = body.size if body else 0
    if ((offsets < 0) | (sizes < 0) | (offsets > end) | (sizes > end - offsets)).any():
        raise MalformedRequest("Not an Arrow stream of events: a buffer is not within its message")
    if not declared.is_compressed or body is None:
        return sizes
    given = [(offset, size) for offset, size in zip(offsets.tolist(), sizes.tolist(), strict=True) if size]
    return np.array([_decoded_size(body, offset, size) for offset, size in given], np.int64)


def _decoded_size(body: pa.Buffer, offset: int, size: int) -> int:
    if size < LENGTH_BYTES:
        raise MalformedRequest("Not an Arrow stream of events: a compressed buffer has no size")
    (decoded,) = struct.unpack_from("<q", body, offset)
    if decoded < -1:
        raise MalformedRequest("Not an Arrow stream of events: a buffer's size is negative")
    return size if decoded == -1 else int(decoded)


def _sum(lengths: npt.NDArray[np.int64]) -> int:
    """Add numbers that may each be anything. Raises MalformedRequest if one is negative."""
    if (lengths < 0).any():
        raise MalformedRequest("Not an Arrow stream of events: a length is negative")
    return sum(lengths.tolist())  # Python's integers do not overflow


def _root(metadata: bytes) -> int:
    return int(struct.unpack_from("<I", metadata)[0])


def _field(metadata: bytes, table: int, place: int) -> int:
    """Return where a table's field stands; 0 if it is absent."""
    vtable = table - struct.unpack_from("<i", metadata, table)[0]
    entry = 4 + 2 * place
    if entry >= struct.unpack_from("<H", metadata, vtable)[0]:
        return 0
    distance = struct.unpack_from("<H", metadata, vtable + entry)[0]
    return table + distance if distance else 0


def _table_at(metadata: bytes, table: int, place: int) -> int:
    """Return where the table begins that a table's field refers to. Raises MalformedRequest if it is absent."""
    field = _field(metadata, table, place)
    if not field:
        raise MalformedRequest("Not an Arrow stream of events: a message has no content")
    return field + int(struct.unpack_from("<I", metadata, field)[0])


def _pairs(metadata: bytes, table: int, place: int) -> Pairs:
    """Return a vector of structs of two 64-bit integers."""
    field = _field(metadata, table, place)
    if not field:
        return np.empty((0, 2), np.int64)
    vector = field + struct.unpack_from("<I", metadata, field)[0]
    count = struct.unpack_from("<I", metadata, vector)[0]
    return np.frombuffer(metadata, "<i8", 2 * count, vector + 4).reshape(-1, 2)
