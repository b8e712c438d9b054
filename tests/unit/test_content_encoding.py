"""What is compressed in parts is one body for who receives it, in the encoding that its header names."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pyarrow as pa
import pytest

from schema.http.content_encoding import ENCODERS

READERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "zstd": lambda body: pa.CompressedInputStream(pa.BufferReader(body), "zstd").read(),
}


@pytest.mark.parametrize("name", sorted(ENCODERS))
@pytest.mark.parametrize("parts", [(b"{", b"0.25," * 200_000, b"}"), (b"{}",), (b"", b"1" * 1000)])
def test_parts_are_one_body(name: str, parts: tuple[bytes, ...]) -> None:
    assert READERS[name](b"".join(ENCODERS[name](parts))) == b"".join(parts)
