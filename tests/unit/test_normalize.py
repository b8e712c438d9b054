"""``schema/events/normalize.py``: a line becomes a row, and that an event again. Rules: API contract 2."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schema.events.normalize import Mention, ParseContext, is_float32, is_json, normalise, source_urls
from schema.events.render import document
from schema.events.tables import TABLES
from tests.harness.events import (
    ABSENT,
    IMAGE,
    PLOT,
    SCALAR,
    TYPES,
    VECTOR,
    Event,
    image,
    log,
    one_of_each,
    plot,
    scalar,
)

CONTEXT = ParseContext(now_ms=1_700_000_000_123, worker="w")
RECEIVED = {"received_at": 1_700_000_000_456, "seq": 7}
SPECIAL = {"type", "task", "model", "model_event", "allow_locked", "timestamp", "ts", "@timestamp", "iter", "metric"}
SPECIAL |= {"variant", "worker", "value", "values", "x_axis_label", "plot_str", "plot_len", "source_urls", "plot_data"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
EXTRAS = st.dictionaries(st.text().filter(lambda name: name not in SPECIAL), JSON, max_size=4)


def returned(line: Event, context: ParseContext = CONTEXT) -> Event:
    """What a line looks like when it is read."""
    event = normalise(json.loads(json.dumps(line)), 0, context)
    assert not event.refusal, event.refusal
    assert set(event.row) == set(TABLES[event.type].block_schema.names)
    return document(event.row | RECEIVED, event.type)


def refused(line: Event) -> bool:
    return bool(normalise(json.loads(json.dumps(line)), 0, CONTEXT).refusal)


@pytest.mark.parametrize("line", one_of_each("t"), ids=lambda line: line["type"])
def test_a_plain_event_comes_back_with_defaults(line: Event) -> None:
    expected = line | {
        "timestamp": CONTEXT.now_ms,
        "@timestamp": "2023-11-14T22:13:20.456Z",
        "worker": "w",
        "model_event": False,
    }
    if "values" in expected:
        expected["value"] = expected.pop("values")
    if line["type"] == PLOT:
        expected["plot_len"] = 2
    assert returned(line) == expected


@given(st.sampled_from(TYPES), EXTRAS)
@example(SCALAR, {"huge": 10**40, "e": 1e300, "zero": -0.0, "nested": {"": [None, {"a": "\u2028"}]}})
@example(IMAGE, {"url": 5, "key": {"a": [1]}})
@example("log", {"msg": ["a"], "level": 5})
def test_other_fields_come_back_verbatim(event_type: str, extras: Event) -> None:
    found = returned({"type": event_type, "task": "t"} | extras)
    assert {name: found[name] for name in extras} == extras
    assert {name: type(found[name]) for name in extras} == {name: type(value) for name, value in extras.items()}


@given(st.integers(-(2**63), 2**63 - 2) | st.floats(-9e18, 9e18))
def test_a_timestamp_comes_back_as_it_was(timestamp: float) -> None:
    row = normalise(scalar("t", timestamp=timestamp), 0, CONTEXT).row
    assert row["timestamp"] == int(timestamp)
    found = document(row | RECEIVED, SCALAR)["timestamp"]
    assert (found, type(found)) == (timestamp, type(timestamp))


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_iteration_comes_back_as_it_was(iteration: int) -> None:
    assert returned(scalar("t", iteration))["iter"] == iteration
    assert returned(scalar("t", str(iteration)))["iter"] == iteration


VALUES = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.floats(-1e38, 1e38)


@given(VALUES | st.integers(-(10**30), 10**30))
def test_a_value_comes_back_as_it_was(value: float) -> None:
    found = returned(scalar("t", 1, value))["value"]
    assert found == value
    assert math.copysign(1, found) == math.copysign(1, value)


@given(JSON)
def test_a_vector_comes_back_as_it_was(value: Any) -> None:
    assert returned({"type": VECTOR, "task": "t", "iter": 1, "values": value})["value"] == value


@given(JSON)
def test_a_key_comes_back_as_it_was_and_is_part_of_the_identity(key: Any) -> None:
    assert returned(image("t", 1, key=key))["key"] == key
    row = normalise(image("t", 1, key=json.loads(json.dumps(key))), 0, CONTEXT).row
    assert row["discriminator"] not in ("", normalise(image("t", 1, key=[key]), 0, CONTEXT).row["discriminator"])


def test_absent_null_and_given_iterations_and_keys_are_told_apart() -> None:
    keys = (ABSENT, None, "", "null", "a")
    made = [image("t", iteration, key=key) for iteration in (0, None, ABSENT) for key in keys]
    rows = [normalise(dict(line), 0, CONTEXT).row for line in made]
    assert len({row["discriminator"] for row in rows}) == len(made)
    assert {row["iter"] for row in rows} == {0}
    for line, row in zip(made, rows, strict=True):
        found = document(row | RECEIVED, IMAGE)
        assert ("iter" in found, "key" in found) == ("iter" in line, "key" in line)


@pytest.mark.parametrize("given", [None, "", 0, False, [], {}, ABSENT])
def test_falsy_names_are_empty(given: Any) -> None:
    found = returned(scalar("t", metric=given, variant=given))
    assert (found["metric"], found["variant"]) == ("", "")


@pytest.mark.parametrize(("given", "kept"), [(ABSENT, "w"), ("own", "own"), ("", ""), (None, None), (5, 5)])
def test_only_an_absent_worker_is_the_requests(given: Any, kept: Any) -> None:
    assert returned(log("t", worker=given))["worker"] == kept


def test_a_field_that_only_the_server_sets() -> None:
    found = returned(plot("t", 1, "{}", plot_len=9, source_urls=["x"], plot_data="y", **{"@timestamp": "z"}))
    assert found["@timestamp"] == "2023-11-14T22:13:20.456Z"
    assert (found["plot_len"], "source_urls" in found, "plot_data" in found) == (2, False, False)


def test_the_label_of_the_x_axis_is_kept_but_not_returned() -> None:
    row = normalise(scalar("t", 1, x_axis_label="steps"), 0, CONTEXT).row
    assert row["x_axis_label"] == "steps"
    assert "x_axis_label" not in document(row | RECEIVED, SCALAR)


def test_an_entity_is_mentioned_even_where_the_rest_is_wrong() -> None:
    """Its own refusal wins (API contract 2.7)."""
    event = normalise(scalar("t", "x", allow_locked=True), 0, CONTEXT)
    assert (bool(event.refusal), event.mention) == (True, Mention("t", False, True))


def test_the_model_of_a_model_event_is_its_entity() -> None:
    event = normalise(scalar("t", 1, model="m", model_event=1), 0, CONTEXT)
    assert (event.mention, event.row["task"], event.row["extras"]) == (Mention("m", True, False), "m", "")
    assert normalise(scalar("t", 1, model=None, model_event=1), 0, CONTEXT).mention == Mention("t", True, False)
    assert returned(scalar("t", 1, model="resnet"))["model"] == "resnet"


NO_TYPES: list[Any] = [None, 5, "zz", "", "Log", ["log"]]
NO_TASKS: list[Any] = [None, 5, ["t"], {}]
NO_ITERATIONS: list[Any] = ["x", "", [1], {}, 2**63, -(2**63) - 1, 1e30]
NO_VALUES: list[Any] = [True, "1", [1], {}, 1e39, 10**40]
REFUSED: list[Event] = [
    {},
    {"type": "log"},
    *({"type": given, "task": "t"} for given in NO_TYPES),
    *(log("t") | {"task": given} for given in NO_TASKS),
    log("t", model_event=True),
    *(scalar("t", given) for given in NO_ITERATIONS),
    *(scalar("t", 1, given) for given in NO_VALUES),
    *(scalar("t", timestamp=given) for given in (True, "5", [5], 2**63, -(2**63) - 1)),
    *(scalar("t", **{name: given}) for name in ("metric", "variant") for given in (5, True, ["a"], "x" * 32_767)),
    *(plot("t", 1, given) for given in (5, True, ["a"], {"a": 1})),
]


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: json.dumps(line)[:60])
def test_what_is_refused(line: Event) -> None:
    assert refused(line)


@given(st.dictionaries(st.sampled_from(sorted(SPECIAL)) | st.text(max_size=3), JSON, max_size=8), st.integers(0, 9))
def test_no_object_is_too_odd(line: Event, place: int) -> None:
    event = normalise(line, place, CONTEXT)
    if not event.refusal:
        assert set(event.row) == set(TABLES[event.type].block_schema.names)
        json.dumps(document(event.row | RECEIVED, event.type))


FITS = [0, 0.1, 5e-324, -(10**38), 3.4028234663852886e38, 3.4028235677973362e38]
TOO_LARGE = [3.4028235677973366e38, -1e39, float("nan"), float("inf"), 10**400]


def test_what_rounds_to_a_32_bit_float() -> None:
    assert [is_float32(value) for value in FITS] == [True] * len(FITS)
    assert [is_float32(value) for value in TOO_LARGE] == [False] * len(TOO_LARGE)


@pytest.mark.parametrize(
    ("text", "valid"), [("{}", True), ("[NaN, Infinity]", True), ("5", True), ("", False), (None, False), ("{", False)]
)
def test_what_is_a_valid_plot(text: str | None, valid: bool) -> None:
    assert is_json(text) == valid


@given(st.text())
def test_source_urls_come_from_the_text(text: str) -> None:
    for url in source_urls(text):
        assert "://" in url
        assert url in text
    assert source_urls(f'{text}"source": "s3://b/k"')[-1:] == ["s3://b/k"]
