"""TFRecord files: length (8 bytes), its checksum (4), the record, its checksum (4); checksums are masked CRC-32C.

Source: the format as TensorFlow documents it. A file may be torn (its writer was killed, or still writes) or damaged.
After a wrong checksum of a length nobody can say where the next record begins; after one of a record only that is lost.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import google_crc32c
import numpy as np
import numpy.typing as npt

from ingest.importers.records import Integers, UnreadableSource

CHUNK_BYTES = 4 << 20
HEADER, FOOTER = 12, 4
MASK = 0xA282EAD8
LENGTH = struct.Struct("<QI")


@dataclass(frozen=True)
class Chunk:
    """Records in one buffer: the place and size of each. ``damaged``: how many were left out for their checksum."""

    buffer: bytes
    starts: Integers
    sizes: Integers
    damaged: int = 0

    def record(self, number: int) -> bytes:
        """Return one record."""
        start = int(self.starts[number])
        return self.buffer[start : start + int(self.sizes[number])]


def chunks(path: Path) -> Iterator[Chunk]:
    """Yield the records of a file, some MB at a time.

    Raises UnreadableSource after the last whole record, if the file does not end there.
    """
    try:
        with path.open("rb") as file:
            yield from _chunks(path, file)
    except OSError as error:
        raise UnreadableSource(f"{path}: {error.strerror}") from error


def _chunks(path: Path, file: BinaryIO) -> Iterator[Chunk]:
    buffer, offset = b"", 0
    checked: dict[int, int] = {}
    while more := file.read(max(CHUNK_BYTES, _missing(buffer))):
        buffer += more
        chunk, used = _records(buffer, checked)
        yield chunk
        offset += used
        buffer = buffer[used:]
        if len(buffer) >= HEADER and not _is_header(buffer[:HEADER]):
            raise UnreadableSource(f"{path}: damaged at byte {offset}, the rest of it cannot be read")
    if buffer:
        raise UnreadableSource(f"{path}: torn at byte {offset}, in the middle of a record")


def _missing(buffer: bytes) -> int:
    """Return how many bytes the record at the start of a buffer still lacks."""
    return LENGTH.unpack_from(buffer)[0] + HEADER + FOOTER - len(buffer) if len(buffer) >= HEADER else 0


def _records(buffer: bytes, checked: dict[int, int]) -> tuple[Chunk, int]:
    """Return the whole records of a buffer, and how many of its bytes they take.

    ``checked``: the right checksum of each length that was met; nearly all records of a file have one of a few.
    """
    starts, sizes, sums = [], [], []
    at, end = 0, len(buffer)
    checksum, length = google_crc32c.value, LENGTH.unpack_from
    while at + HEADER <= end:
        size, expected = length(buffer, at)
        if checked.get(size) != expected:
            if not _is_header(buffer[at : at + HEADER]):
                break
            checked[size] = expected
        start = at + HEADER
        following = start + size + FOOTER
        if following > end:
            break
        starts.append(start)
        sizes.append(size)
        sums.append(checksum(buffer[start : start + size]))
        at = following
    return _undamaged(buffer, starts, sizes, sums), at


def _undamaged(buffer: bytes, starts: list[int], sizes: list[int], sums: list[int]) -> Chunk:
    """Return the records whose checksums, unmasked, are those that follow them."""
    first, length = np.array(starts, np.int64), np.array(sizes, np.int64)
    footers = np.frombuffer(buffer, np.uint8)[(first + length)[:, None] + np.arange(FOOTER)]
    expected = np.ascontiguousarray(footers).view("<u4").reshape(len(first))
    is_right = _masked(np.array(sums, np.uint32)) == expected
    return Chunk(buffer, first[is_right], length[is_right], int(np.count_nonzero(~is_right)))


def _is_header(header: bytes) -> bool:
    expected: int = LENGTH.unpack_from(header)[1]
    return int(_masked(np.array([google_crc32c.value(header[:8])], np.uint32))[0]) == expected


def _masked(checksums: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Return CRC-32Cs as they stand in a file: rotated, and moved by a constant, modulo 2^32."""
    return (checksums >> np.uint32(15) | checksums << np.uint32(17)) + np.uint32(MASK)
