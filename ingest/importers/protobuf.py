"""The wire format of protocol buffers: the fields of a message, without its description.

Source: the encoding as protobuf.dev documents it. The messages of other trackers are read by field number, which never
changes, so that no generated code of theirs is needed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

Value = int | bytes
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10


class MalformedMessage(ValueError):
    """Bytes that are no message."""


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Yield number and value of each field: an integer for varints, else its bytes. Raises MalformedMessage."""
    at, end = 0, len(message)
    while at < end:
        tag, at = varint(message, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = varint(message, at)
            yield tag >> 3, value
            continue
        size, at = varint(message, at) if kind == BYTES else (_fixed_size(kind), at)
        if at + size > end:
            raise MalformedMessage("a field goes beyond the end of its message")
        yield tag >> 3, message[at : at + size]
        at += size


def _fixed_size(kind: int) -> int:
    if kind == FIXED64:
        return 8
    if kind == FIXED32:
        return 4
    raise MalformedMessage(f"no field has wire type {kind}")


def varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the integer at a place, and the place after it. Raises MalformedMessage."""
    number = 0
    for shift in range(0, 7 * MAX_VARINT_BYTES, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise MalformedMessage("an integer has no end")


def signed(number: int) -> int:
    """Return an int64 of its varint."""
    return number - (1 << 64) if number >= 1 << 63 else number


def double(value: Value) -> float:
    """Return a double of its 8 bytes, or a float of 4. Raises MalformedMessage."""
    if isinstance(value, int) or len(value) not in (4, 8):
        raise MalformedMessage("a floating-point number has 4 or 8 bytes")
    number: float = struct.unpack("<d" if len(value) == 8 else "<f", value)[0]
    return number


def text(value: Value) -> str:
    """Return a text of its bytes. Raises MalformedMessage."""
    return data(value).decode(errors="replace")


def data(value: Value) -> bytes:
    """Return bytes, a text or a message. Raises MalformedMessage for a number."""
    if isinstance(value, int):
        raise MalformedMessage("bytes are expected, and not a number")
    return value


def number(value: Value) -> int:
    """Return an integer. Raises MalformedMessage for bytes."""
    if not isinstance(value, int):
        raise MalformedMessage("a number is expected, and not bytes")
    return value
