"""Scalar events of TensorBoard, many at once in arrays: those of one value in its old form, as nearly all are.

Such an event is ``wall_time (9 bytes), [step (1 + varint)], summary{value{tag, simple_value}}``. Events of the same
size and length of step have each part at the same place, so that a column of bytes is compared at a time: 0.5 µs an
event, where to read one field after the other takes 8 µs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.importers.records import Doubles, Integers
from ingest.importers.tfrecords import Chunk

Bytes = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.bool_]
WALL_TIME, STEP, SUMMARY, VALUE, TAG, SIMPLE_VALUE = 0x09, 0x10, 0x2A, 0x0A, 0x0A, 0x15  # field and wire type
AFTER_TIME = 9
MAX_SIZE = 127  # beyond, sizes take two bytes
MIN_SIZE = AFTER_TIME + 6 + 5
MAX_STEP_BYTES = 9  # a step below 2^63


@dataclass(frozen=True)
class ScalarRows:
    """Scalars of one tag: the number of each event in its chunk, and its time in ms."""

    tag: str
    places: Integers
    steps: Integers
    values: Doubles
    times: Integers


def scalar_rows(chunk: Chunk) -> tuple[list[ScalarRows], Integers]:
    """Return the scalars of a chunk, in its order within each part, and the numbers of all other events."""
    buffer = np.frombuffer(chunk.buffer, np.uint8)
    starts, sizes = chunk.starts, chunk.sizes
    found = []
    is_other = np.ones(len(starts), np.bool_)
    for size in np.unique(sizes).tolist():
        if MIN_SIZE <= size <= MAX_SIZE:
            places = np.flatnonzero(sizes == size)
            events = buffer[starts[places][:, None] + np.arange(size)]
            for rows in _of_one_size(events, places):
                is_other[rows.places] = False
                found.append(rows)
    return found, np.flatnonzero(is_other)


def _of_one_size(events: Bytes, places: Integers) -> Iterator[ScalarRows]:
    is_timed = events[:, 0] == WALL_TIME
    has_step = events[:, AFTER_TIME] == STEP
    yield from _of_one_form(events, places, is_timed & ~has_step, 0)
    waiting = is_timed & has_step
    for count in range(1, MAX_STEP_BYTES + 1):
        last = AFTER_TIME + count
        if last + MIN_SIZE - AFTER_TIME > events.shape[1] or not waiting.any():
            return
        ends = waiting & (events[:, last] < 0x80)
        yield from _of_one_form(events, places, ends, count)
        waiting &= ~ends


def _of_one_form(events: Bytes, places: Integers, chosen: Bits, step_bytes: int) -> Iterator[ScalarRows]:
    """Yield the scalars among the chosen events, whose step takes that many bytes; 0: they have none."""
    at = AFTER_TIME + (1 + step_bytes if step_bytes else 0)
    size = events.shape[1]
    tag_size = size - 5 - (at + 6)
    if tag_size < 1:
        return
    expected = {
        at: SUMMARY,
        at + 1: size - at - 2,
        at + 2: VALUE,
        at + 3: size - at - 4,
        at + 4: TAG,
        at + 5: tag_size,
        size - 5: SIMPLE_VALUE,
    }
    for place, byte in expected.items():
        chosen = chosen & (events[:, place] == byte)
    if chosen.any():
        rows = events[chosen]
        yield from _by_tag(rows, places[chosen], _steps(rows, step_bytes), slice(at + 6, size - 5))


def _by_tag(rows: Bytes, places: Integers, steps: Integers, tag: slice) -> Iterator[ScalarRows]:
    times = np.round(_column(rows[:, 1:AFTER_TIME], "<f8") * 1000).astype(np.int64)
    values = _column(rows[:, -4:], "<f4").astype(np.float64)
    tags = _column(rows[:, tag], f"V{tag.stop - tag.start}")
    distinct, numbers = np.unique(tags, return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        name = distinct[numbers[part[0]]].tobytes().decode(errors="replace")
        yield ScalarRows(name, places[part], steps[part], values[part], times[part])


def _column(rows: Bytes, dtype: str) -> npt.NDArray[Any]:
    """Return some bytes of each row as one value."""
    return np.ascontiguousarray(rows).view(dtype).reshape(len(rows))


def _steps(rows: Bytes, step_bytes: int) -> Integers:
    steps = np.zeros(len(rows), np.int64)
    for number in range(step_bytes):
        steps |= (rows[:, AFTER_TIME + 1 + number].astype(np.int64) & 0x7F) << (7 * number)
    return steps
