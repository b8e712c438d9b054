"""Encodings by which bodies of answers are compressed, part by part, so that none of these is copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import cramjam
from isal import isal_zlib

from schema.http.large_body import Parts, pieces_of

ZLIB_BITS, GZIP_BITS = 15, 31  # of a window of 32 KB, and the format: zlib's, or gzip's
# As small as zlib's level 3 makes curves, in a seventh of its time: 1.1 MB in 4 ms rather than 29.
ISAL_LEVEL, ZSTD_LEVEL = 2, 1


def _deflated(wbits: int, parts: Parts) -> Parts:
    compressor = isal_zlib.compressobj(ISAL_LEVEL, wbits=wbits)
    return *map(compressor.compress, parts), compressor.flush()


def _zstandard(parts: Parts) -> Parts:
    compressor = cramjam.zstd.Compressor(level=ZSTD_LEVEL)
    for piece in pieces_of(parts):  # this compressor keeps Python's lock, which others have between two pieces
        compressor.compress(bytes(piece))
    return (bytes(compressor.finish()),)


ENCODERS: Mapping[str, Callable[[Parts], Parts]] = {
    "zstd": _zstandard,
    "gzip": partial(_deflated, GZIP_BITS),
    "deflate": partial(_deflated, ZLIB_BITS),
}
