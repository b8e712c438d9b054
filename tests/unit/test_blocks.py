"""``schema/events/blocks.py``: records carry what went in, pieces stay small and in order, and poison is recognised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.parsing.batch import read_events
from schema.errors import RecordError
from schema.events import blocks
from schema.events.blocks import EVENTS, LOGS, Block, Content, Deletion, Place, decode, encode, partition_of
from schema.events.normalize import ParseContext
from schema.events.tables import EVENT_TYPES, INT64_MAX, TABLES
from tests.harness.events import SCALAR, column, log, one_of_each, scalar

Headers = dict[str, bytes]
Spoil = Callable[[Headers, bytes], tuple[Headers, bytes]]
CONTEXT = ParseContext(now_ms=5, batch_id=b"b" * 16, fresh_id=b"f" * 16)


def block_of(*lines: dict[str, Any], event_type: str = SCALAR, company: str = "c") -> Block:
    return Block(company, event_type, 123, read_events(lines, CONTEXT).columns[event_type])


def batch_of(block: Block) -> pa.RecordBatch:
    """The rows of a block in columns."""
    assert not isinstance(block.rows, list)
    return block.rows


def same(first: Content, second: Content) -> bool:
    if isinstance(first, Block) and isinstance(second, Block):
        names = ("company", "event_type", "received_at")
        return batch_of(first).equals(second.rows) and all(getattr(first, n) == getattr(second, n) for n in names)
    return first == second


# --- there and back ---------------------------------------------------------------------------------------------------

CONTENTS: dict[str, Content] = {
    **{name: block_of(*one_of_each("t", note="é"), event_type=name) for name in EVENT_TYPES},
    "many rows": block_of(*(scalar("t", n, n / 3) for n in range(3_000))),
    "several entities": block_of(scalar("t"), scalar("u"), scalar("t", 2)),
    "other characters": block_of(scalar("é\U0001f600"), company="ü\U0001f600"),
    "deletion": Deletion("c", "é", EVENTS, 5),
    "clearing": Deletion("c", "t", LOGS, 5, 17, ["a", "é"], [""]),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_a_record_carries_its_content(content: Content) -> None:
    key, headers, value = encode(content, epoch=3)
    assert key.decode() == f"{content.company}\0{content.entity}"
    record = decode(headers, value, partition=7, offset=99)
    assert record.place == Place(3, 7, 99)
    assert same(record.content, content)


def test_a_record_that_comes_again_keeps_its_place_and_says_where_it_came() -> None:
    _, headers, value = encode(block_of(scalar("t")), epoch=3)
    assert decode(headers, value, 1, 70).arrived == 0
    first = {"origin_epoch": b"2", "origin_offset": b"50", "origin_row": b"4"}
    record = decode(headers | first, value, 1, 70)
    assert (record.place, record.arrived) == (Place(2, 1, 50, 4), Place(3, 1, 70).seq)


def test_columns_are_known_by_their_names() -> None:
    block = block_of(scalar("t", 1, 0.5))
    _, headers, _ = encode(block, 1)
    names = batch_of(block).schema.names[::-1]
    turned = pa.table({name: batch_of(block)[name] for name in names}).append_column("more", pa.array([1]))
    decoded = decode(headers, stream_of(turned), 0, 0).content
    assert same(decoded, block)


# --- poison -----------------------------------------------------------------------------------------------------------


def stream_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _without(name: str) -> Spoil:
    return lambda headers, value: ({key: data for key, data in headers.items() if key != name}, value)


def _with(**changed: bytes) -> Spoil:
    return lambda headers, value: (headers | changed, value)


POISON: dict[str, Spoil] = {
    "no headers": lambda headers, value: ({}, value),
    "no value": lambda headers, value: (headers, b""),
    "nonsense": lambda headers, value: (headers, b"nonsense"),
    "half a value": lambda headers, value: (headers, value[: len(value) // 2]),
    "a damaged value": lambda headers, value: (headers, value[:300] + b"\xff" * 40 + value[340:]),
    "a newer schema": _with(schema=b"2"),
    "no number as schema": _with(schema=b"x"),
    "an unknown kind": _with(kind=b"zz"),
    "another kind": _with(kind=b"log"),
    "a block for a deletion": _with(kind=b"deletion"),
    "no number as epoch": _with(epoch=b""),
    "no UTF-8": _with(company=b"\xff"),
    **{f"no {name}": _without(name) for name in ("schema", "epoch", "kind", "company", "received_at")},
    "columns missing": lambda headers, value: (headers, stream_of(pa.table({"task": ["t"]}))),
}


@pytest.mark.parametrize("spoil", POISON.values(), ids=POISON.keys())
def test_what_cannot_be_read_is_a_record_error(
    spoil: Spoil,
) -> None:
    _, headers, value = encode(block_of(*(scalar("t", n, n / 7) for n in range(200))), 1)
    with pytest.raises(RecordError):
        decode(*spoil(headers, value), 0, 0)


def test_more_rows_than_their_numbers_have_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _, headers, value = encode(block_of(*(scalar("t", n) for n in range(9))), 1)
    monkeypatch.setattr(blocks, "MAX_ROWS", 8)
    with pytest.raises(RecordError, match="rows"):
        decode(headers, value, 0, 0)


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"{}", b'{"company": "c", "unknown": 1}', b"\xff"])
def test_a_deletion_that_cannot_be_read_is_a_record_error(value: bytes) -> None:
    _, headers, _ = encode(Deletion("c", "t", EVENTS, 5), 1)
    with pytest.raises(RecordError):
        decode(headers, value, 0, 0)


@given(st.binary(max_size=200), st.sampled_from([*EVENT_TYPES, "deletion"]))
def test_random_bytes_are_a_record_error(value: bytes, kind: str) -> None:
    headers = {"schema": b"1", "epoch": b"1", "received_at": b"1", "company": b"c", "kind": kind.encode()}
    with pytest.raises(RecordError):
        decode(headers, value, 0, 0)


# --- splitting --------------------------------------------------------------------------------------------------------

TASKS = st.sampled_from([f"task-{n}" for n in range(6)])


@given(st.lists(TASKS, min_size=1, max_size=60), st.integers(1, 5), st.sampled_from([1, 300, 2_000, 1 << 30]))
def test_pieces_hold_every_row_once_in_order(tasks: list[str], partitions: int, max_bytes: int) -> None:
    block = block_of(*(scalar(task, n) for n, task in enumerate(tasks)))
    pieces = list(block.split(partitions, max_bytes))
    for partition, piece in pieces:
        assert batch_of(piece).num_rows == 1 or batch_of(piece).nbytes <= max_bytes
        assert (piece.company, piece.event_type, piece.received_at) == ("c", SCALAR, 123)
        places = {partition_of("c", task, partitions) for task in batch_of(piece)["task"].to_pylist()}
        assert places == {partition}
    for partition in range(partitions):
        found = [row for place, piece in pieces if place == partition for row in rows_of(piece)]
        assert found == [row for row in rows_of(block) if partition_of("c", row[0], partitions) == partition]


def rows_of(block: Block) -> list[tuple[str, int]]:
    return column(batch_of(block).to_pylist(), "task", "iter")


def test_a_piece_has_at_most_as_many_rows_as_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_ROWS", 8)
    block = block_of(*(scalar("t", n) for n in range(30)))
    pieces = [piece for _, piece in block.split(1, 1 << 30)]
    assert max(batch_of(piece).num_rows for piece in pieces) <= 8
    assert [row for piece in pieces for row in rows_of(piece)] == rows_of(block)


def test_a_huge_row_is_a_piece_of_its_own() -> None:
    lines = [log("t", "x" * size) for size in (10, 5_000, 10)]
    pieces = [piece for _, piece in block_of(*lines, event_type="log").split(1, 1_000)]
    assert [batch_of(piece).num_rows for piece in pieces] == [1, 1, 1]
    assert max(len(encode(piece, 1)[2]) for piece in pieces) < 5_000


def test_pieces_are_encoded_without_what_they_were_cut_from() -> None:
    block = block_of(*(scalar("t", n, n / 3) for n in range(10_000)))
    sizes = [len(encode(piece, 1)[2]) for _, piece in block.split(1, batch_of(block).nbytes // 8)]
    assert sum(sizes) < 2 * len(encode(block, 1)[2])


def test_an_entity_has_one_partition() -> None:
    assert len({partition_of("c", "t", 12) for _ in range(5)}) == 1
    spread = {partition_of("c", f"{n:032x}", 12) for n in range(300)}
    assert spread == set(range(12))
    assert any(partition_of("c", f"{n}", 12) != partition_of("d", f"{n}", 12) for n in range(20))


def test_the_partition_of_an_entity_is_the_same_in_every_release() -> None:
    """It is where an entity's history is: a change would split it."""
    assert [partition_of("c", task, 12) for task in ("t", "u", "v", "é")] == [6, 0, 10, 0]


# --- seq --------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**8 - 1), st.integers(0, 2**40 - 2))
def test_later_places_have_greater_numbers(epoch: int, offset: int) -> None:
    place, after = Place(epoch, 0, offset), Place(epoch, 0, offset + 1)
    assert place.seq + blocks.MAX_ROWS <= after.seq
    assert after.seq < 2**64
    assert Place(epoch + 1, 0, 0).seq > place.seq
    assert place.holds(place.seq)
    assert place.holds(place.seq + blocks.MAX_ROWS - 1)
    assert not place.holds(after.seq)


def test_a_deletion_reaches_everything_unless_narrowed() -> None:
    assert Deletion("c", "t", EVENTS, 5) == Deletion("c", "t", EVENTS, 5, INT64_MAX, [], [])


def test_every_type_has_a_schema_of_its_own() -> None:
    assert set(EVENT_TYPES) == set(TABLES)
    for event_type in EVENT_TYPES:
        names = TABLES[event_type].block_schema.names
        assert len(names) == len(set(names))
