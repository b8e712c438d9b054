"""Arrow columns give the batch that the same events give as json lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.parsing.arrow_stream import read_columns
from ingest.parsing.batch import Batch
from ingest.parsing.json_lines import read_lines
from schema.errors import BodyTooLarge, EmptyBatch, InvalidField, MalformedRequest
from schema.events.normalize import ParseContext

CONTEXT = ParseContext(now_ms=1_700_000_000_000, worker="w", batch_id=b"b" * 16, fresh_id=b"f" * 16)
TEXTS = st.none() | st.sampled_from(["", "a", "é", "😀", "a/b-c"])
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["training_stats_scalar", "training stats scalar", "plot", "log", "no such type"]),
        "task": st.sampled_from(["t1", "t2", ""]),
        "metric": TEXTS,
        "variant": TEXTS,
        "iter": st.none() | st.integers(-(2**63), 2**63 - 1),
        "timestamp": st.none() | st.integers(-(2**40), 2**41),
        "value": st.none() | st.floats(width=64),
        "worker": TEXTS,
        "msg": TEXTS,
        "plot_str": TEXTS,
        "extra": st.none() | st.integers(0, 9),
    }
)
TYPES = {"iter": pa.int64(), "timestamp": pa.int64(), "value": pa.float64(), "extra": pa.int64()}


def ipc(table: pa.Table, **options: int) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table, **options)
    return bytes(sink.getvalue().to_pybytes())


def stream(rows: list[dict[str, Any]], is_dictionary: bool = False) -> bytes:
    """Events as an Arrow IPC stream; columns without any value are left out."""
    names = [
        name for name in dict.fromkeys(n for row in rows for n in row) if any(r.get(name) is not None for r in rows)
    ]
    columns = {name: pa.array([row.get(name) for row in rows], TYPES.get(name)) for name in names}
    if is_dictionary:
        columns = {n: c.dictionary_encode() if pa.types.is_string(c.type) else c for n, c in columns.items()}
    return ipc(pa.table(columns), max_chunksize=3)


def lines(rows: list[dict[str, Any]]) -> bytes:
    """The same events as json lines; a null is a field that the event lacks."""
    present = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return "\n".join(json.dumps(row) for row in present).encode()


def rows_of(batch: Batch) -> dict[str, list[dict[str, Any]]]:
    """All rows; the order of fields of the client's own does not count."""
    rows = {kind: columns.to_pylist() for kind, columns in batch.columns.items()}
    for row in (row for of_kind in rows.values() for row in of_kind):
        row["extras"] = json.loads(row["extras"] or "{}")
    return rows


@given(st.lists(EVENTS, min_size=1, max_size=8), st.booleans())
def test_columns_and_lines_agree(rows: list[dict[str, Any]], is_dictionary: bool) -> None:
    columnar, plain = read_columns(stream(rows, is_dictionary), CONTEXT), read_lines(lines(rows), CONTEXT)
    assert columnar.entities == plain.entities
    assert sorted(columnar.failures, key=str) == sorted(plain.failures, key=str)
    assert rows_of(columnar) == rows_of(plain)


def test_timestamps_may_be_arrow_timestamps() -> None:
    table = pa.table(
        {
            "type": ["training_stats_scalar"],
            "task": ["t"],
            "iter": [1],
            "value": pa.array([0.5], pa.float32()),
            "timestamp": pa.array([1_700_000_000_123_456], pa.timestamp("us")),
        }
    )
    row = read_columns(ipc(table), CONTEXT).columns["training_stats_scalar"].to_pylist()[0]
    assert (row["timestamp"], row["value"]) == (1_700_000_000_123, 0.5)


@pytest.mark.parametrize("body", [b"", b"{}", stream([{"type": "log", "task": "t"}])[:-40]])
def test_what_is_not_a_stream_is_refused_whole(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        read_columns(body, CONTEXT)


def test_an_empty_stream_is_an_empty_batch() -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema({"type": pa.string()})):
        pass
    with pytest.raises(EmptyBatch):
        read_columns(sink.getvalue().to_pybytes(), CONTEXT)


def test_one_entity_named_in_two_ways_is_refused() -> None:
    rows = [{"type": "plot", "task": "t", "model_event": flag} for flag in (True, False)]
    with pytest.raises(InvalidField):
        read_columns(stream(rows), CONTEXT)


def test_a_dictionary_that_points_outside_of_its_buffer_is_refused() -> None:
    names = pa.array(["log"] * 4).dictionary_encode()
    body = ipc(pa.table({"type": names, "task": ["t"] * 4, "msg": pa.array(["one", "two"] * 2).dictionary_encode()}))
    offsets = b"\x00\x00\x00\x00\x03\x00\x00\x00\x06\x00\x00\x00"
    assert body.count(offsets) == 1
    for wrong in (b"\x00\x00\x00\x00\xff\xff\xff\x7f\x06\x00\x00\x00", b"\xf0\xff\xff\xff" * 3):
        with pytest.raises(MalformedRequest):
            read_columns(body.replace(offsets, wrong), CONTEXT)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([b"x"]),
        pa.array([Decimal(1)]),
        pa.array([1], pa.date32()),
        pa.array([1], pa.duration("ns")),
        pa.array([[datetime(2020, 1, 1, tzinfo=UTC)]]),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    ],
    ids=lambda values: str(values.type),
)
def test_what_json_has_no_form_for_is_refused_whole(values: pa.Array) -> None:
    for name in ("type", "msg", "anything"):
        with pytest.raises(MalformedRequest, match=name):
            read_columns(ipc(pa.table({"type": ["log"], "task": ["t"]} | {name: values})), CONTEXT)


@pytest.mark.parametrize("of", [pa.null(), pa.float16(), pa.bool_(), pa.list_(pa.string()), pa.uint64()], ids=str)
@pytest.mark.parametrize("name", ["type", "task"])
def test_a_column_of_another_type_is_an_error_of_each_event(name: str, of: pa.DataType) -> None:
    columns = {"type": pa.array(["log", "log"]), "task": pa.array(["t", "t"]), name: pa.nulls(2, of)}
    assert len(read_columns(ipc(pa.table(columns)), CONTEXT).failures) == 2


def test_columns_have_different_names() -> None:
    table = pa.table([["log"], ["t"], ["a"], ["b"]], names=["type", "task", "msg", "msg"])
    with pytest.raises(MalformedRequest):
        read_columns(ipc(table), CONTEXT)


def test_a_small_body_does_not_stand_for_too_much() -> None:
    with pytest.raises(BodyTooLarge):
        read_columns(ipc(pa.table({"type": pa.nulls(1_000_001), "task": pa.nulls(1_000_001)})), CONTEXT)
    large = pa.DictionaryArray.from_arrays(pa.array([0] * 300, pa.int32()), ["x" * (1 << 20)])
    with pytest.raises(BodyTooLarge):
        read_columns(ipc(pa.table({"type": ["plot"] * 300, "task": ["t"] * 300, "plot_str": large})), CONTEXT)
