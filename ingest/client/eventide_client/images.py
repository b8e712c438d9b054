"""Images of whatever kind as the bytes of a file, and the names of their files."""

from __future__ import annotations

import io
import os
import re
import struct
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
ENDINGS = {PNG: ".png", JPEG: ".jpg", b"GIF8": ".gif", b"RIFF": ".webp", b"BM": ".bmp"}
COLOURS = {1: 0, 3: 2, 4: 6}  # PNG's colour type of so many channels
UNFIT = re.compile(r"[^\w. -]+")
MAX_PART = 100  # characters of a folder's name; identity is in the task's id, metric and variant of the event


def encoded(image: object) -> bytes:
    """Return an image's file. Raises TypeError for what is none, ValueError for an array of another shape."""
    if isinstance(image, bytes):
        return image
    if isinstance(image, (str, os.PathLike)):
        return Path(image).read_bytes()
    for method in ("savefig", "save"):  # matplotlib, PIL
        if hasattr(image, method):
            buffer = io.BytesIO()
            getattr(image, method)(buffer, format="png")
            return buffer.getvalue()
    if hasattr(image, "cpu"):
        image = image.detach().cpu().numpy()  # type: ignore[attr-defined]
    if hasattr(image, "shape") and hasattr(image, "tobytes"):
        return _png_of_array(image)
    raise TypeError(f"an image is expected, not {type(image).__name__}")


def ending(content: bytes) -> str:
    """Return the ending of an image's file name; ``.png`` of what is not known."""
    return next((found for start, found in ENDINGS.items() if content.startswith(start)), ".png")


def path_part(name: str) -> str:
    """Return a name as a part of a path."""
    return UNFIT.sub("_", name).strip(". ")[:MAX_PART] or "_"


def quoted(path: str) -> str:
    """Return a path as a part of a URL."""
    return quote(path, safe="/")


def png(rows: bytes, width: int, height: int, channels: int) -> bytes:
    """Return a PNG of rows of bytes, one a channel. Raises ValueError unless they are as many as that takes."""
    stride = width * channels
    if channels not in COLOURS or len(rows) != stride * height or not rows:
        raise ValueError(f"an image of {height} x {width} x {channels} is expected to have 1, 3 or 4 channels")
    lines = b"".join(b"\0" + rows[start : start + stride] for start in range(0, len(rows), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, COLOURS[channels], 0, 0, 0)
    return PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, 3)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def _png_of_array(array: Any) -> bytes:
    """Return the PNG of an array of numpy's kind: height x width, or height x width x channels."""
    if len(array.shape) not in (2, 3):
        raise ValueError(f"height x width (x channels) is expected, not {array.shape}")
    height, width, *channels = array.shape
    if array.dtype.kind == "b":
        array = array.astype("uint8") * 255
    if array.dtype.kind == "f":
        array = (array.clip(0, 1) * 255).round()
    return png(array.clip(0, 255).astype("uint8").tobytes(), width, height, channels[0] if channels else 1)
