"""Scalars as TensorBoard's event files: a TFRecord for each point, with the value as a 64-bit float.

Source: the messages Event, Summary and TensorProto as TensorFlow documents them, and the framing of TFRecords.
"""

from __future__ import annotations

import struct
from types import TracebackType
from typing import Any, Self

import google_crc32c
import pyarrow as pa

from schema.events.tables import SINGLE_VALUE_ITER

FILE_NAME = "events.out.tfevents.1.eventide"  # by what its name begins with TensorBoard finds it
VERSION = b"brain.Event:2"
MASK = 0xA282EAD8
# A tensor of no dimension, type double: DataType 2, an empty shape, and 8 bytes of double_val.
TENSOR = b"\x08\x02\x12\x00\x32\x08"
SCALAR_PLUGIN = b"\x0a\x09\x0a\x07scalars"  # SummaryMetadata: plugin_data, plugin_name


class TensorBoardFile:
    """A file that is written to batch by batch; leaving it leaves ``file`` open."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._tags: dict[tuple[str, str], bytes] = {}
        self._file.write(_record(b"\x09" + struct.pack("<d", 0.0) + _field(3, VERSION)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write the points of a batch. Events without a value are left out; single values, and those without a step,
        are at step 0."""
        names = ("metric", "variant", "iter", "timestamp", "value")
        rows = zip(*(batch.column(name).to_pylist() for name in names), strict=True)
        self._file.write(b"".join(self._point(*row) for row in rows if row[-1] is not None))

    def _point(self, metric: str, variant: str, step: int | None, milliseconds: int | None, value: float) -> bytes:
        at = 0 if step is None or step == SINGLE_VALUE_ITER else step
        tensor = TENSOR + struct.pack("<d", value)
        summary = _field(1, self._tag(metric, variant) + _field(8, tensor) + _field(9, SCALAR_PLUGIN))
        time = b"\x09" + struct.pack("<d", (milliseconds or 0) / 1000)
        return _record(time + b"\x10" + _varint(at) + _field(5, summary))

    def _tag(self, metric: str, variant: str) -> bytes:
        """Return the field of the tag, which is made of the names as the client makes them of a key."""
        if (found := self._tags.get((metric, variant))) is None:
            tag = metric if metric == variant else f"{metric}/{variant}"
            found = self._tags[metric, variant] = _field(1, tag.encode())
        return found


def _field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Return an integer, seven bits a byte; negative ones as of 64 bits."""
    number &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)


def _checksum(content: bytes) -> bytes:
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + MASK) & 0xFFFFFFFF)
