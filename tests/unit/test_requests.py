"""``schema/api/requests.py``: API contract 1.4 and 1.5, without HTTP."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.api.requests import (
    AnyFields,
    Boolean,
    EventBatch,
    Integer,
    Request,
    first_of,
    media_type,
    merge_pairs,
    parse_json,
)
from schema.errors import InvalidField, MalformedRequest


class Sample(Request):
    """One field of each kind."""

    text: str = "default"
    number: Integer = 7
    flag: Boolean = True
    names: list[str] = []


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[]", b'""', b"0", b"0.0", b"false", b" {} ", b"\n{}\r\n"])
def test_an_empty_document_is_no_parameters(body: bytes) -> None:
    assert parse_json(body) == {}


@pytest.mark.parametrize("body", [b"[1]", b'"x"', b"1", b"-1", b"true", b"[[]]", b"NaN"])
def test_any_other_document_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidField):
        parse_json(body)


DEEP = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
MALFORMED = [b"{", b"{}{}", b"{} x", b"x", b"{'a': 1}", b'{"a": 1,}', b"\xff", b'{"a":"\xff"}', b" ", b'{"a":\x01}']


@pytest.mark.parametrize("body", [*MALFORMED, DEEP], ids=lambda body: str(body[:9]))
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_json(body)


def test_the_literals_of_python_are_numbers() -> None:
    assert parse_json(b'{"a": Infinity, "b": -Infinity}') == {"a": float("inf"), "b": -float("inf")}
    assert parse_json(b'{"a": NaN}')["a"] != parse_json(b'{"a": NaN}')["a"]


@given(st.binary(max_size=40))
def test_any_bytes_are_parameters_or_refused(body: bytes) -> None:
    with contextlib.suppress(MalformedRequest, InvalidField):
        assert isinstance(parse_json(body), dict)


# --- pairs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], {"a": 0}),
        ([("a", "x")], {"a": "x"}),
        ([("b", "x")], {"a": 0, "b": "x"}),
        ([("b", "x"), ("b", "y")], {"a": 0, "b": ["x", "y"]}),
        ([("b[]", "x")], {"a": 0, "b": ["x"]}),
        ([("b[]", "x"), ("b[]", "y")], {"a": 0, "b": ["x", "y"]}),
        ([("b.c", "x")], {"a": 0, "b": {"c": "x"}}),
        ([("b.c", "x"), ("b.d.e", "1")], {"a": 0, "b": {"c": "x", "d": {"e": 1}}}),
        ([("b.c[]", "x")], {"a": 0, "b": {"c": ["x"]}}),
        ([("a.b", "x")], {"a": {"b": "x"}}),
        ([("b", "")], {"a": 0, "b": ""}),
    ],
)
def test_pairs_are_merged_over_the_parameters(pairs: list[tuple[str, str]], expected: dict[str, Any]) -> None:
    assert merge_pairs({"a": 0}, pairs) == expected


def test_a_nested_pair_keeps_its_neighbours() -> None:
    assert merge_pairs({"metric": {"variants": ["v"]}}, [("metric.metric", "m")]) == {
        "metric": {"variants": ["v"], "metric": "m"}
    }


CONVERTED: dict[str, object] = {"12": 12, "007": 7, "0": 0, "1.5": 1.5, "7.": 7.0, ".5": 0.5}
CONVERTED |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
TEXTS = ["-3", "+3", "1e3", "1.2.3", ".", "", "tRue", "null", "NaN", "١٢", "½", "1_000", " 1"]


@pytest.mark.parametrize(("text", "value"), [*CONVERTED.items(), *((text, text) for text in TEXTS)])
def test_what_looks_like_a_number_or_boolean_is_one(text: str, value: object) -> None:
    (found,) = merge_pairs({}, [("a", text)]).values()
    assert (found, type(found)) == (value, type(value))


@given(st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6)), max_size=6))
def test_any_pairs_can_be_merged(pairs: list[tuple[str, str]]) -> None:
    merged = merge_pairs({"a": {"b": 1}, "c": [1]}, pairs)
    assert json.loads(json.dumps(merged)) == merged


# --- fields -----------------------------------------------------------------------------------------------------------


def test_absent_and_null_are_the_default_but_for_booleans() -> None:
    nulls = dict.fromkeys(Sample.model_fields)
    assert Sample.read({}) == Sample(text="default", number=7, flag=True, names=[])
    assert Sample.read(nulls) == Sample(text="default", number=7, flag=False, names=[])


def test_unknown_fields_are_ignored() -> None:
    assert Sample.read({"other": 1, "text": "x"}) == Sample(text="x")


def test_a_document_keeps_its_unknown_fields() -> None:
    assert AnyFields.read({"other": {"a": [1]}, "none": None}).model_dump() == {"other": {"a": [1]}}


INTEGERS: list[tuple[object, int]] = [(3, 3), (-3, -3), (3.9, 3), (-3.9, -3), ("12", 12), ("-12", -12), (" 12 ", 12)]
INTEGERS += [("1.9", 1), ("1e2", 100), (True, 1), (False, 0), (2**70, 2**70)]


@pytest.mark.parametrize(("given", "number"), INTEGERS)
def test_integers(given: object, number: int) -> None:
    found = Sample.read({"number": given})
    assert isinstance(found, Sample)
    assert (found.number, type(found.number)) == (number, int)


@pytest.mark.parametrize("given", ["x", "", "1.x", [], [1], {}, float("nan"), float("inf"), "NaN", "inf", "1e999"])
def test_no_integers(given: object) -> None:
    with pytest.raises(InvalidField, match="number"):
        Sample.read({"number": given})


TRUE: list[object] = [True, 1, 0.5, [0], "true", "TRUE", "1"]
FALSE: list[object] = [False, 0, [], {}, "false", "False", "0", ""]


@pytest.mark.parametrize(("given", "flag"), [*((value, True) for value in TRUE), *((value, False) for value in FALSE)])
def test_booleans(given: object, flag: bool) -> None:
    """API contract 5, row 27: the words mean what they say."""
    found = Sample.read({"flag": given})
    assert isinstance(found, Sample)
    assert found.flag is flag


WRONG: dict[str, list[Any]] = {"text": [5, ["x"], True], "names": ["x", [5], {"x": 1}, [None]]}
WRONG |= {"flag": ["perhaps"], "number": ["x"]}


@pytest.mark.parametrize("fields", [{name: value} for name, values in WRONG.items() for value in values])
def test_wrong_types(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidField, match=next(iter(fields))):
        Sample.read(fields)


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, ""),
        ("", ""),
        ("application/json-lines", "application/json-lines"),
        ("Application/JSON-Lines; charset=utf-8", "application/json-lines"),
        (" text/plain ;a=b;c", "text/plain"),
    ],
)
def test_media_types(header: str | None, expected: str) -> None:
    assert media_type(header) == expected


def test_the_first_header_wins() -> None:
    headers = {"X-Trains-Worker": "old", "X-Clearml-Worker": "new"}
    assert first_of(headers, "X-Clearml-Worker", "X-Trains-Worker") == "new"
    assert first_of(headers, "X-Other", "X-Trains-Worker") == "old"
    assert first_of(headers, "X-Other") is None


def test_an_event_batch_is_bytes_or_one_event() -> None:
    assert (EventBatch(body=b"x").event, EventBatch(event={"a": 1}).body) == (None, b"")
