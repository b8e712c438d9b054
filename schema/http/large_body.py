"""The body of a large answer, which is written in parts."""

from __future__ import annotations

import asyncio

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

PART_BYTES = 1 << 18  # asyncio copies what the socket does not take, which holds up all others


class LargeBody(Payload):
    """Bytes whose parts are views of them: aiohttp's payload of a BytesIO copies the whole at once, and each part."""

    _value: bytes

    @property
    def size(self) -> int:
        """The length in bytes."""
        return len(self._value)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the text of the body."""
        return self._value.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write part after part; other requests go on between them."""
        whole = memoryview(self._value)
        for start in range(0, len(whole), PART_BYTES):
            await writer.write(whole[start : start + PART_BYTES])
            await asyncio.sleep(0)
