"""Files of W&B runs (``.wandb``): a log in LevelDB's format, in blocks of 32 KiB, behind a header of 7 bytes.

A fragment has its checksum (4 bytes, CRC-32 of type and data), its size (2), its type (1: a whole record, 2: the first
fragment, 3: one in between, 4: the last) and its data; what is left of a block, less than 7 bytes, is empty.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ingest.importers.records import UnreadableSource

BLOCK_BYTES = 32 << 10
FILE_HEADER = struct.Struct("<4sHB")
MAGIC, NUMBER, VERSION = b":W&B", 0xBEE1, 0
FRAGMENT = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass(frozen=True)
class Damaged:
    """A part of the file that is not what was written. ``offset``: of its block."""

    offset: int


def records(path: Path) -> Iterator[bytes | Damaged]:
    """Yield the records of a file.

    Raises UnreadableSource for one of another format or version, and behind the last whole record if the file is torn.
    """
    try:
        with path.open("rb") as file:
            yield from _records(path, file)
    except OSError as error:
        raise UnreadableSource(f"{path}: {error.strerror}") from error


def _records(path: Path, file: BinaryIO) -> Iterator[bytes | Damaged]:
    pending: list[bytes] | None = None
    for offset, fragment in _fragments(path, file):
        if fragment is None:
            pending = None
            yield Damaged(offset)
            continue
        kind, data = fragment
        if kind in (FULL, FIRST):
            pending = []
        if pending is None:
            continue  # its beginning was damaged
        pending.append(data)
        if kind in (FULL, LAST):
            yield b"".join(pending)
            pending = None
    if pending is not None:
        raise UnreadableSource(f"{path}: torn in the middle of its last record")


def _fragments(path: Path, file: BinaryIO) -> Iterator[tuple[int, tuple[int, bytes] | None]]:
    """Yield the offset of each fragment's block, and type and data; None: the rest of the block is damaged."""
    offset, at = 0, FILE_HEADER.size
    while block := file.read(BLOCK_BYTES):
        if not offset:
            _check_header(path, block)
        while at + FRAGMENT.size <= len(block):
            checksum, size, kind = FRAGMENT.unpack_from(block, at)
            if not checksum and not size and not kind:
                break  # the empty end of a block
            data = block[at + FRAGMENT.size : at + FRAGMENT.size + size]
            if len(data) < size and len(block) < BLOCK_BYTES:
                raise UnreadableSource(f"{path}: torn at byte {offset + at}, in the middle of a record")
            if zlib.crc32(data, zlib.crc32(bytes((kind,)))) != checksum:
                yield offset, None
                break
            yield offset, (kind, data)
            at += FRAGMENT.size + size
        offset, at = offset + len(block), 0


def _check_header(path: Path, block: bytes) -> None:
    if len(block) < FILE_HEADER.size:
        raise UnreadableSource(f"{path}: torn in its header")
    magic, number, version = FILE_HEADER.unpack_from(block)
    if (magic, number) != (MAGIC, NUMBER):
        raise UnreadableSource(f"{path}: not a file of W&B")
    if version != VERSION:
        raise UnreadableSource(f"{path}: of version {version}; version {VERSION} can be read")
