"""``ingest/parsing/json_lines.py``: the fast path gives what the exact path gives; what is no JSON line fails the whole
request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.parsing.batch import Batch, read_events
from ingest.parsing.json_lines import read_lines, split_lines
from schema.errors import EmptyBatch, InvalidField, MalformedRequest
from schema.events.normalize import Mention, ParseContext
from tests.harness.events import ABSENT, IMAGE, LOG, PLOT, SCALAR, Event, column, image, log, one_of_each, plot, scalar

CONTEXT = ParseContext(now_ms=1_700_000_000_000, worker="w", batch_id=b"b" * 16, fresh_id=b"f" * 16)
INT64_MAX = 2**63 - 1
Outcome = tuple[Any, ...]


def body_of(*lines: Event | str, end: str = "") -> bytes:
    return ("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + end).encode()


def told(batch: Batch) -> Outcome:
    """A batch as something that compares and prints."""
    columns = {event_type: (rows.schema, rows.to_pylist()) for event_type, rows in batch.columns.items()}
    return columns, batch.entities, batch.failures


def outcome(read: Callable[[bytes], Batch], body: bytes) -> Outcome | type[Exception]:
    """What reading a body gives: a batch, or the kind of its refusal."""
    try:
        return told(read(body))
    except (EmptyBatch, MalformedRequest, InvalidField) as error:
        return type(error)


def fast(body: bytes, context: ParseContext = CONTEXT) -> Batch:
    return read_lines(body, context)


def exact(body: bytes, context: ParseContext = CONTEXT) -> Batch:
    return read_events(split_lines(body), context)


@pytest.fixture
def no_exact_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, only the fast path works."""

    def refuse(*_: object) -> Batch:
        raise AssertionError("the fast path gave way")

    monkeypatch.setattr("ingest.parsing.json_lines.read_events", refuse)


# --- ordinary lines take the fast path --------------------------------------------------------------------------------

ORDINARY: dict[str, list[Event]] = {
    "scalar": [scalar("t", 5, 0.25)],
    "integer value": [scalar("t", 5, 3)],
    "no timestamp, then one": [scalar("t", 1), scalar("t", 2, timestamp=7)],
    "worker": [scalar("t", 1, worker="own"), scalar("t", 2)],
    "no names": [scalar("t", 1, metric=ABSENT, variant=ABSENT)],
    "plot": [plot("t", 1, '{"source": "http://x"}')],
    "image": [image("t", 1), image("t", 2, key="/k"), image("t", 3, key='"')],
    "log": [log("t", "a"), log("t", "b", level=ABSENT, timestamp=5)],
    "models": [scalar("m", 1, model_event=True), plot("m", 1, model_event=True)],
    "locked": [scalar("t", 1, allow_locked=True)],
    "a model among tasks": [scalar("t", 1), scalar("m", 1, model_event=True), scalar("t", 2)],
    "a stray field of the SDK": [scalar("t", 1, method="get"), log("t", method="get")],
    "mixed": [log("t", "1"), scalar("u", 1), plot("t", 1), log("u", "2"), image("t", 1), scalar("t", 2)],
    "largest": [scalar("t", INT64_MAX, 2**53 - 1, timestamp=INT64_MAX - 1), scalar("t", -INT64_MAX - 1, -1e15)],
    "unicode": [scalar("t", 1, metric="é\U0001f600", variant="\u2028"), log("t", "nul\0 tab\t")],
}


@pytest.mark.usefixtures("no_exact_path")
@pytest.mark.parametrize("lines", ORDINARY.values(), ids=ORDINARY.keys())
@pytest.mark.parametrize("end", ["", "\n"])
def test_ordinary_lines_need_no_exact_path(lines: list[Event], end: str) -> None:
    assert told(fast(body_of(*lines, end=end))) == told(exact(body_of(*lines)))


@pytest.mark.usefixtures("no_exact_path")
def test_zeros_keep_their_signs() -> None:
    read = fast(body_of(scalar("t", 1, 0.0), scalar("t", 2, -0.0)))
    assert str(read.columns[SCALAR]["value"].to_pylist()) == "[0.0, -0.0]"


@pytest.mark.usefixtures("no_exact_path")
def test_a_long_text_is_as_long_as_it_was_sent() -> None:
    """A few short ones are kept for later batches, of many rows."""
    read = fast(body_of(scalar("t", 1, method="x" * 10_000), scalar("t", 2, method="x" * 10_000)))
    assert read.columns[SCALAR].get_total_buffer_size() < 1_000_000


UNUSUAL: dict[str, Event] = {
    "unknown field": scalar("t", 1, other=5),
    "float iteration": scalar("t", 1.5),
    "text iteration": scalar("t", "5"),
    "no iteration": scalar("t", ABSENT),
    "null iteration": scalar("t", None),
    "iteration beyond 64 bits": scalar("t", 2**63),
    "null value": scalar("t", 1, None),
    "no value": scalar("t", 1, ABSENT),
    "true as value": scalar("t", 1, True),
    "text as value": scalar("t", 1, "0.5"),
    "value beyond 32-bit floats": scalar("t", 1, 1e39),
    "value that a double rounds": scalar("t", 1, 2**53 + 1),
    "NaN": scalar("t", 1, float("nan")),
    "null names": scalar("t", 1, metric=None, variant=None),
    "number as name": scalar("t", 1, metric=5),
    "long name": scalar("t", 1, metric="x" * 32_767),
    "key of a scalar": scalar("t", 1, key="k"),
    "null key": image("t", 1, key=None),
    "null url": image("t", 1, None),
    "object as plot": plot("t", 1, {"a": 1}),
    "null worker": log("t", worker=None),
    "float timestamp": log("t", timestamp=1.5),
    "null timestamp": log("t", timestamp=None),
    "greatest timestamp": log("t", timestamp=INT64_MAX),
    "timestamp beyond 64 bits": log("t", timestamp=2**64),
    "legacy timestamp": log("t", ts=5),
    "metric of a log": log("t", metric="m"),
    "log of a model": log("t", model_event=True),
    "type with spaces": scalar("t", 1) | {"type": "training stats scalar"},
    "unknown type": scalar("t", 1) | {"type": "zz"},
    "no type": {"task": "t"},
    "null task": scalar("t", 1) | {"task": None},
    "number as task": scalar("t", 1) | {"task": 5},
    "one as a flag": scalar("t", 1, model_event=1),
    "vector": {"type": "training_stats_vector", "task": "t", "iter": 1, "values": [1, 2]},
    "label of the x axis": scalar("t", 1, x_axis_label="steps"),
    "nothing": {},
    "a type alone": {"type": SCALAR},
    "an unknown type alone": {"type": "zz"},
}


@pytest.mark.parametrize("line", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_an_unusual_line_is_read_exactly_and_so_are_its_neighbours(line: Event) -> None:
    for lines in ([line], [scalar("t", 8), line, log("t", "neighbour")], [scalar("u", 8), line, log("u", "neighbour")]):
        assert outcome(fast, body_of(*lines)) == outcome(exact, body_of(*lines))


# --- random lines -----------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
TASKS = st.sampled_from(["t", "u"])
NAMES = st.sampled_from(["", "m", "é", "a b"])
COMMON: dict[str, st.SearchStrategy[Any]] = {
    "timestamp": st.integers(-10, 2**63) | st.just(5.5),
    "worker": st.text(max_size=3),
    "model_event": st.booleans(),
    "allow_locked": st.just(False),
    "method": st.sampled_from(["get", "POST"]),
}
ITERATIONS = st.integers(-(2**63), 2**63 - 1)
KINDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    SCALAR: {"iter": ITERATIONS, "value": st.floats(-1e9, 1e9) | st.integers(-9, 9)},
    PLOT: {"iter": ITERATIONS, "plot_str": st.text(max_size=9) | st.just('"source": "s3://x"')},
    IMAGE: {"iter": ITERATIONS, "url": st.text(max_size=5)},
    LOG: {"msg": st.text(max_size=9)},
}


@st.composite
def lines(draw: st.DrawFn) -> Event:
    """Mostly what the SDK sends, sometimes with a field too many, too few, or of the wrong type."""
    event_type = draw(st.sampled_from(list(KINDS)))
    names = {} if event_type == LOG else {"metric": NAMES, "variant": NAMES}
    optional = COMMON | names | ({"key": st.text(max_size=2)} if event_type == IMAGE else {})
    required = {"type": st.just(event_type), "task": TASKS} | KINDS[event_type]
    event: Event = draw(st.fixed_dictionaries(required, optional=optional))
    if draw(st.integers(0, 9)) == 0:
        event[draw(st.sampled_from([*event, "other"]))] = draw(JSON)
    if draw(st.integers(0, 19)) == 0:
        del event[draw(st.sampled_from(list(event)))]
    return event


@settings(max_examples=150)
@given(st.lists(lines(), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.booleans())
def test_both_paths_agree(events: list[Event], separator: str, end: bool, ascii_only: bool) -> None:
    texts = [json.dumps(event, ensure_ascii=ascii_only) for event in events]
    body = (separator.join(texts) + separator * end).encode()
    assert outcome(fast, body) == outcome(exact, body)


NOISE = st.sampled_from([*'{}[]":,\\ \n\r\t0e+-.', "null", "NaN", "\ufeff", "\\ud800", "\\u0000", "é", "1e400"])


@settings(max_examples=200)
@given(st.lists(lines(), min_size=1, max_size=3), st.data())
def test_both_paths_agree_on_what_is_damaged(events: list[Event], data: st.DataObject) -> None:
    text = "\n".join(map(json.dumps, events))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        kept = data.draw(st.integers(0, 2))
        text = text[:place] + data.draw(NOISE) + text[place + kept :]
    body = text.encode()
    assert outcome(fast, body) == outcome(exact, body)


@settings(max_examples=150)
@given(st.binary(max_size=40))
def test_any_bytes_are_a_batch_or_refused(body: bytes) -> None:
    assert outcome(fast, body) == (outcome(exact, body) if body else EmptyBatch)


# --- what is no line --------------------------------------------------------------------------------------------------

GOOD = json.dumps(log("t", "good"))
MALFORMED: dict[str, bytes] = {
    "two objects on one line": b"{}{}",
    "two events on one line": (GOOD + GOOD).encode(),
    "two events and a space": (GOOD + " " + GOOD).encode(),
    "an object over two lines": b'{"type": "log",\n"task": "t"}',
    "an event over two lines": GOOD.replace(", ", ",\n", 1).encode(),
    "a blank line": f"{GOOD}\n\n{GOOD}".encode(),
    "a blank line at the start": f"\n{GOOD}".encode(),
    "a second newline at the end": f"{GOOD}\n\n".encode(),
    "a line of spaces": f"{GOOD}\n  \n{GOOD}".encode(),
    "only a newline": b"\n",
    "only a space": b" ",
    "a byte order mark": f"\ufeff{GOOD}".encode(),
    "a lone surrogate": GOOD.replace("good", "\\ud800").encode(),
    "a lone surrogate in capitals": GOOD.replace("good", "\\uD800").encode(),
    "a lone low surrogate": GOOD.replace("good", "\\udc00x").encode(),
    "an encoded surrogate": GOOD.encode().replace(b"good", b"\xed\xa0\x80"),
    "a number out of range": json.dumps(scalar("t", 1)).replace("1.0", "1e400").encode(),
    "a number out of range, elsewhere": b'{"x": -1e999}',
    "invalid UTF-8": GOOD.encode().replace(b"good", b"\xff"),
    "invalid UTF-8 in a field of its own": b'{"type":"log","task":"t","msg":"x","y":"\xc3"}',
    "an unfinished line": GOOD[:-1].encode(),
    "a comma": f"{GOOD},".encode(),
    "an array of events": f"[{GOOD}]".encode(),
    "a null": b"null",
    "a number": b"5",
    "a control character in a text": GOOD.replace("good", "\x01").encode(),
    "deep nesting": b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "single quotes": b"{'type': 'log'}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_json_line_fails_everything(body: bytes) -> None:
    for whole in (body, GOOD.encode() + b"\n" + body, body + b"\n" + GOOD.encode()):
        with pytest.raises(MalformedRequest):
            read_lines(whole, CONTEXT)


def test_no_bytes_are_an_empty_batch() -> None:
    with pytest.raises(EmptyBatch):
        read_lines(b"", CONTEXT)


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_break(separator: str) -> None:
    body = separator.join([GOOD, json.dumps(log("t", "a\\nb\\rc")), GOOD]).encode()
    assert column(read_lines(body, CONTEXT).columns[LOG].to_pylist(), "msg", "line") == [
        ("good", 0),
        ("a\\nb\\rc", 1),
        ("good", 2),
    ]


def test_other_separators_of_unicode_are_no_line_breaks() -> None:
    texts = ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1e"]
    body = "\n".join(json.dumps(log("t", text), ensure_ascii=False) for text in texts[:3]).encode()
    assert column(read_lines(body, CONTEXT).columns[LOG].to_pylist(), "msg") == texts[:3]
    for text in texts[3:]:
        assert outcome(fast, body_of(GOOD + text + GOOD)) is MalformedRequest


def test_of_a_repeated_name_the_last_counts() -> None:
    for line in (
        '{"type":"log","task":"x","task":"t","msg":"a","msg":"b"}',
        '{"type":"log","task":"t","msg":"a","other":1,"msg":"b","other":2}',
    ):
        (row,) = read_lines(line.encode(), CONTEXT).columns[LOG].to_pylist()
        assert (row["task"], row["msg"]) == ("t", "b")


def test_a_repeated_type_is_the_same_on_both_paths() -> None:
    body = b'{"type":"plot","type":"log","task":"t","msg":"a"}'
    assert outcome(fast, body) == outcome(exact, body)


def test_nan_and_infinity_are_taken_where_nobody_looks() -> None:
    (row,) = read_lines(b'{"type":"log","task":"t","msg":"a","x":[NaN,-Infinity]}', CONTEXT).columns[LOG].to_pylist()
    assert row["extras"] == '{"x":[NaN,-Infinity]}'


# --- batches ----------------------------------------------------------------------------------------------------------


def test_failures_name_their_entity_unless_it_is_unusable() -> None:
    batch = read_lines(body_of(scalar("t", "x"), {"type": "zz", "task": "t"}, log("u") | {"task": 5}), CONTEXT)
    assert [entity for entity, _ in batch.failures] == ["t", None, None]
    assert (batch.event_count, batch.entities) == (0, {"t": Mention("t", False, False)})


def test_refused_entities_take_their_events_along() -> None:
    batch = read_lines(body_of(*one_of_each("t"), *one_of_each("u"), scalar("t", "x"), {"type": "zz"}), CONTEXT)
    counts = batch.refuse({"t": "no such task"})
    assert (counts["no such task"], counts.total(), batch.event_count) == (6, 7, 5)
    assert {task for rows in batch.columns.values() for task in rows["task"].to_pylist()} == {"u"}


def test_nothing_refused_changes_nothing() -> None:
    batch = read_lines(body_of(*one_of_each("t")), CONTEXT)
    assert (batch.refuse({}), batch.event_count) == ({}, 5)


@pytest.mark.parametrize(
    "pair",
    [
        (scalar("t"), scalar("t", allow_locked=True)),
        (scalar("t"), scalar("t", model_event=True)),
        (scalar("t", other=1), scalar("t", allow_locked=True)),
        (scalar("t", "bad iteration"), scalar("t", allow_locked=True)),
    ],
)
def test_an_entity_is_named_in_one_way(pair: tuple[Event, Event]) -> None:
    for lines in (pair, pair[::-1]):
        with pytest.raises(InvalidField):
            read_lines(body_of(log("u"), *lines), CONTEXT)


def test_lines_know_their_request() -> None:
    body = body_of(scalar("t"), log("t", "timed", timestamp=5), log("t", "untimed"), log("t", "timed", timestamp=5))
    rows = read_lines(body, CONTEXT).columns[LOG].to_pylist()
    assert column(rows, "msg", "batch_id", "line") == [
        ("timed", b"b" * 16, 1),
        ("untimed", b"f" * 16, 2),
        ("timed", b"b" * 16, 3),
    ]


def test_validated_plots_take_the_exact_path_and_are_marked() -> None:
    context = ParseContext(now_ms=5, validate_plots=True)
    body = body_of(plot("t", 1, "{}"), plot("t", 2, "{no"), plot("t", 3, "{no", skip_validation=True), plot("t", 4, ""))
    rows = read_lines(body, context).columns[PLOT].to_pylist()
    assert column(rows, "valid_plot", "extras") == [(True, ""), (False, ""), (None, ""), (False, "")]


def test_a_type_has_one_schema_on_both_paths() -> None:
    ordinary, unusual = body_of(*one_of_each("t")[:4]), body_of(*one_of_each("t", other=1)[:4])
    first, second = (read_lines(body, CONTEXT).columns for body in (ordinary, unusual))
    assert {name: rows.schema for name, rows in first.items()} == {name: rows.schema for name, rows in second.items()}
    assert all(isinstance(rows, pa.RecordBatch) for rows in first.values())
