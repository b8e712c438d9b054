"""Arrow bodies that stand for far more than their bytes are refused before they are decoded."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingest.parsing.arrow_stream import as_lines, count_values, read_columns
from schema.errors import BodyTooLarge, MalformedRequest, RequestError
from schema.events.normalize import ParseContext
from tests.fuzz.arrow import stream_of

CONTEXT = ParseContext(now_ms=1_700_000_000_000)
NAMES: dict[str, list[Any]] = {"type": ["training_stats_vector"], "task": ["t"], "iter": [1]}
MEBIBYTE = 1 << 20


def body_of(compression: str | None = None, rows: int = 1, **columns: pa.Array) -> bytes:
    """A stream of events with these columns besides."""
    names = {name: pa.array(values * rows) for name, values in NAMES.items()}
    return stream_of(pa.table(names | columns), compression, rows)


def fixed(values: pa.Array, size: int) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(values, size)


def repeated_text(size: int, rows: int) -> pa.Array:
    """A dictionary of one long text, and many indices of one byte to it."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int8()), pa.array(["x" * size]))


def long_texts(count: int) -> pa.Array:
    """Texts of a mebibyte each."""
    return pa.array(["x" * MEBIBYTE]).take(pa.array([0] * count))


def many_messages() -> bytes:
    sink, schema = pa.BufferOutputStream(), pa.schema([("type", pa.string())])
    with pa.ipc.new_stream(sink, schema) as out:
        for _ in range(20_000):
            out.write_batch(pa.record_batch([pa.array([], pa.string())], schema=schema))
    body: bytes = sink.getvalue().to_pybytes()
    return body


def overlapping() -> bytes:
    """Sixteen columns of 32 MiB which are all the same bytes."""
    columns = {f"c{number}": pa.array(range(8)) for number in range(16)}
    body = bytearray(body_of(rows=8, **columns))
    return bytes(body.replace((64).to_bytes(8, "little"), (32 * MEBIBYTE).to_bytes(8, "little")))


TOO_LARGE: dict[str, Callable[[], bytes]] = {
    "nulls of a fixed size": lambda: body_of(value=fixed(pa.nulls(17_000_000), 17_000_000)),
    "nulls of fixed sizes": lambda: body_of(value=fixed(fixed(pa.nulls(25 * 10**6), 5000), 5000)),
    "empty objects": lambda: body_of(value=fixed(pa.array([{}] * 10**6, pa.struct([])), 10**6)),
    "zstd": lambda: body_of("zstd", rows=300, msg=long_texts(300)),
    "lz4": lambda: body_of("lz4", rows=300, msg=long_texts(300)),
    "zstd of numbers": lambda: body_of("zstd", value=fixed(pa.array([0.0]).take(pa.array([0] * 10**7)), 10**7)),
    "a long text by its index": lambda: body_of(rows=2000, msg=repeated_text(MEBIBYTE, 2000)),
    "long texts in many columns": lambda: body_of(
        rows=10, **{f"c{number}": repeated_text(4 * MEBIBYTE, 10) for number in range(10)}
    ),
    "messages": many_messages,
    "columns": lambda: body_of(**{f"c{number}": pa.array([1]) for number in range(2000)}),
    "columns of an object": lambda: body_of(value=pa.array([{f"c{number}": 1 for number in range(2000)}])),
    "values of one event": lambda: body_of(value=pa.array([[0.5] * 100_001])),
    "nested values of one event": lambda: body_of(value=pa.array([[[0.5] * 100] * 1000])),
    "values of one event among many": lambda: body_of(rows=2, value=pa.array([[], [{"a": 1}] * 60_000])),
}


@pytest.mark.parametrize("make", TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_stands_for_too_much_is_refused_at_once(make: Callable[[], bytes]) -> None:
    body = make()
    peak, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.thread_time()
    with pytest.raises(BodyTooLarge):
        read_columns(body, CONTEXT)
    assert time.thread_time() - started < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 300 << 10  # KiB


def test_buffers_beyond_their_message_are_refused() -> None:
    with pytest.raises(MalformedRequest, match="not within its message"):
        read_columns(overlapping(), CONTEXT)


def extension() -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"x" * 16], pa.binary(16)))


def in_a_list(values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)


NOT_JSON: dict[str, Callable[[], pa.Array]] = {
    "dictionary of lists": lambda: pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), pa.array([[1]])),
    "list of dictionaries": lambda: in_a_list(repeated_text(10, 1)),
    "object of dictionaries": lambda: pa.StructArray.from_arrays([repeated_text(10, 1)], ["a"]),
    "dictionary of dictionaries": lambda: pa.DictionaryArray.from_arrays(
        pa.array([0], pa.int8()), repeated_text(10, 1)
    ),
    "run ends": lambda: pa.RunEndEncodedArray.from_arrays([1], ["x"]),
    "union": lambda: pa.UnionArray.from_dense(pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])]),
    "view": lambda: pa.array(["x"], pa.string_view()),
    "list view": lambda: pa.array([[1]], pa.list_view(pa.int64())),
    "map": lambda: pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    "extension": extension,
    "binary": lambda: pa.array([b"x"]),
    "decimal": lambda: pa.array([1], pa.decimal128(38, 0)),
    "month": lambda: pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
}


@pytest.mark.parametrize("make", NOT_JSON.values(), ids=NOT_JSON)
def test_types_that_json_has_not_are_refused(make: Callable[[], pa.Array]) -> None:
    with pytest.raises(MalformedRequest):
        read_columns(body_of(extra=make()), CONTEXT)


@pytest.mark.parametrize("levels", [10, 40, 60])
def test_levels_are_taken_or_refused(levels: int) -> None:
    values = pa.array([1])
    for _ in range(levels):
        values = in_a_list(values)
    try:
        assert read_columns(body_of(value=values), CONTEXT).event_count == 1
    except RequestError:
        assert levels >= 60


def test_values_are_counted_as_they_will_be_made() -> None:
    rows = [None, [], [{"a": [1, 2]}], [{"a": None}, None]]
    array = pa.array(rows, pa.list_(pa.struct([("a", pa.list_(pa.int64()))])))
    assert count_values(array).tolist() == [1, 1, 5, 5]
    assert count_values(array.slice(2)).tolist() == [5, 5]
    assert count_values(fixed(pa.array(range(6)), 3).slice(1)).tolist() == [4]


def test_rows_are_the_same_in_slices() -> None:
    values = [[number] * (number % 7 * 300) for number in range(50)]
    table = pa.table({"a": values, "b": [None, 1] * 25})
    assert list(as_lines(table)) == [
        {"a": value} | ({"b": 1} if number % 2 else {}) for number, value in enumerate(values)
    ]


def test_mutated_bodies_stay_within_the_bounds() -> None:
    """For longer: ``python -m tests.fuzz.arrow --seconds 600``."""
    command = [sys.executable, "-m", "tests.fuzz.arrow", "--seconds", "5"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert re.search(r"\d{3,} bodies", done.stdout)
