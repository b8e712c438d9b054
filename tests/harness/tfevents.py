"""A writer of TensorBoard's event files, byte by byte, for what tensorboardX does not write."""

from __future__ import annotations

import struct

import google_crc32c


def varint(number: int) -> bytes:
    """A number, seven bits a byte."""
    out = b""
    while number > 0x7F:
        out, number = out + bytes((number & 0x7F | 0x80,)), number >> 7
    return out + bytes((number,))


def block(number: int, content: bytes) -> bytes:
    """A field of bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def integer(number: int, value: int) -> bytes:
    """A field of an integer."""
    return varint(number << 3) + varint(value)


def event(step: int, *values: bytes, time: float = 1.5) -> bytes:
    """An event with a summary of some values."""
    at = integer(2, step) if step else b""
    return b"\x09" + struct.pack("<d", time) + at + block(5, b"".join(block(1, value) for value in values))


def simple(tag: str, value: float) -> bytes:
    """A scalar in its old form."""
    return block(1, tag.encode()) + b"\x15" + struct.pack("<f", value)


def tensor(tag: str, plugin: str, content: bytes) -> bytes:
    """A value in the form of TensorFlow 2."""
    return block(1, tag.encode()) + block(8, content) + block(9, block(1, block(1, plugin.encode())))


def record(content: bytes) -> bytes:
    """A TFRecord."""
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)


def _checksum(content: bytes) -> bytes:
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
