"""The body of a large answer, which is written in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

PIECE_BYTES = 1 << 18  # asyncio copies what the socket does not take, which holds up all others
Parts = tuple[bytes, ...]  # of a body, in order


def size_of(parts: Parts) -> int:
    """Return the length of a body in bytes."""
    return sum(map(len, parts))


def pieces_of(parts: Parts) -> Iterator[memoryview]:
    """Yield views of a body, of PIECE_BYTES at most."""
    for part in parts:
        whole = memoryview(part)
        for start in range(0, len(whole), PIECE_BYTES):
            yield whole[start : start + PIECE_BYTES]


class LargeBody(Payload):
    """Bytes whose pieces are views of them: aiohttp's payload of a BytesIO copies the whole at once, and each piece."""

    _value: Parts

    @property
    def size(self) -> int:
        """The length in bytes."""
        return size_of(self._value)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the text of the body."""
        return b"".join(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write piece after piece; other requests go on between them."""
        for piece in pieces_of(self._value):
            await writer.write(piece)
            await asyncio.sleep(0)
