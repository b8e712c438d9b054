"""Values as JSON: small ones at once, large ones in pieces on the threads that companies share.

orjson holds Python's lock while it encodes, whichever thread it is on: the curves of 10 tasks, 25 MB, stopped every
other call for 120 ms.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
import orjson

from schema.fairness.computing import compute

PIECE_VALUES = 10_000  # numbers and texts that are encoded at once, in about 0.5 ms
PIECE_LEVELS = 20  # of containers that are taken apart: a client's document may have hundreds, Python 1000 calls
TEXT_VALUE_CHARACTERS = 16  # of a text that take as long as a number
NON_ASCII = re.compile(r"[^\x00-\x7f]+")
TEXT_OR_NO_NUMBER = re.compile(r'"(?:[^"\\]+|\\.)*"|NaN|-?Infinity')


def to_json(value: Any) -> bytes:
    """Encode as compact ASCII JSON; NaN and infinities become null. Values may be numpy arrays."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # integers beyond 64 bits or many levels, in a field of a client's own
        plain = json.dumps(value, separators=(",", ":"))
        text = TEXT_OR_NO_NUMBER.sub(lambda found: found[0] if found[0][0] == '"' else "null", plain).encode()
    return text if text.isascii() else NON_ASCII.sub(_escape, text.decode()).encode()


async def encode(answer: Any) -> bytes:
    """Encode as ``to_json`` does, without holding up the event loop.

    An answer to which the caller keeps no reference is freed on the thread: 15 000 curves took 0.5 s of the loop.
    """
    if is_small(answer):
        return to_json(answer)
    alone = [answer]
    del answer
    return await compute(encode_only, alone)


def encode_only(alone: list[Any]) -> bytes:
    """Encode the only item of a list as ``to_json`` does, in pieces between which other threads run, and remove it."""
    written = BytesIO()  # takes half of the time and memory of a join, which also keeps Python's lock to its end
    written.writelines(_pieces(alone.pop()))
    return written.getvalue()


def is_small(value: Any) -> bool:
    """Tell whether a value is encoded at once. Looks at PIECE_VALUES of its values at most."""
    return _rest(value, PIECE_VALUES) >= 0


def _rest(value: Any, room: int) -> int:
    """Return what of the room a value leaves; less than 0 if it takes more, without looking at the rest."""
    if isinstance(value, str):
        return room - 1 - len(value) // TEXT_VALUE_CHARACTERS
    if isinstance(value, np.ndarray):
        return room - value.size
    if not isinstance(value, dict | list | tuple):
        return room - 1
    for item in value.values() if isinstance(value, dict) else value:
        room = _rest(item, room)
        if room < 0:
            break
    return room - 1


def _pieces(value: Any, levels: int = PIECE_LEVELS) -> Iterator[bytes]:
    if not levels or not isinstance(value, dict | list | tuple) or not value or is_small(value):
        yield to_json(value)
    elif isinstance(value, dict):
        yield from _items(b"{", ((to_json(name) + b":", item) for name, item in value.items()), b"}", levels - 1)
    else:
        yield from _items(b"[", ((b"", item) for item in value), b"]", levels - 1)


def _items(opening: bytes, named: Iterable[tuple[bytes, Any]], closing: bytes, levels: int) -> Iterator[bytes]:
    for name, item in named:
        yield opening + name
        yield from _pieces(item, levels)
        opening = b","
    yield closing


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
