"""``schema/api/wire.py``: API contract 1.1, 1.3 and 1.6, without HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.api.requests import EventBatch, Request
from schema.api.wire import MAX_VERSION, Answer, Call, Caller, Endpoints, Tier, parse_version
from schema.errors import BadVersion, InvalidTask, MalformedRequest, UnknownEndpoint
from schema.json_encoding import to_json

CALLER = Caller("user", "company", "user")


class First(Request):
    """What the old implementations take."""


class Second(Request):
    """What the new one takes."""


def table() -> Endpoints:
    endpoints = Endpoints(Tier.QUERY)

    @endpoints.add("events.read", "1.0")
    @endpoints.add("events.read", "1.7")
    async def old(service: str, caller: Caller, request: First) -> Answer:
        return {"old": service}

    @endpoints.add("events.read", "2.9")
    async def new(service: str, caller: Caller, request: Second) -> Answer:
        return {"new": service}

    @endpoints.add("events.write", tier=Tier.GATEWAY, is_batch=True)
    async def write(service: str, caller: Caller, request: EventBatch) -> Answer:
        return {}

    return endpoints


# --- paths ------------------------------------------------------------------------------------------------------------

GOOD: dict[str, tuple[str, tuple[int, int]]] = {
    "/events.add": ("events.add", parse_version(MAX_VERSION)),
    "events.add": ("events.add", parse_version(MAX_VERSION)),
    "/events.add/": ("events.add", parse_version(MAX_VERSION)),
    "/v2.22/events.add": ("events.add", (2, 22)),
    "/v2.22/events.add/": ("events.add", (2, 22)),
    "/v22/events.add": ("events.add", (22, 0)),
    "/v999.0/events.add_batch": ("events.add_batch", (999, 0)),
    "/v0.9/events.add": ("events.add", (0, 9)),
    "/api/v2.9/events.add": ("events.add", (2, 9)),
    "/api/events.add": ("events.add", parse_version(MAX_VERSION)),
    "/_a._b": ("_a._b", parse_version(MAX_VERSION)),
    "/a1.b2": ("a1.b2", parse_version(MAX_VERSION)),
    "/EVENTS.Add": ("EVENTS.Add", parse_version(MAX_VERSION)),
}
BAD = ["", "/", "//", "events", "/v2/events.add", "/v2.2.2/events.add", "/V2.22/events.add", "/2.22/events.add"]
BAD += ["/events.add//", "/events.add/x", "/x/events.add", "/api/api/events.add", "/v2.22/api/events.add", "/events"]
BAD += ["/a.bb", "/aa.b", "/1a.bb", "/aa.1b", "/events..add", "/events.add.x", "/év.add", "/events.a%64d", "/e.add\n"]
BAD += ["/events.add?x", "//events.add", "/v٢.٢٢/events.add", "/v2.22events.add", "/v2.22//events.add", "/-a.bb"]


@pytest.mark.parametrize(("path", "expected"), GOOD.items())
def test_the_grammar_of_paths(path: str, expected: tuple[str, tuple[int, int]]) -> None:
    call = Call()
    call.parse(path)
    assert (call.name, call.version) == expected


@pytest.mark.parametrize("path", BAD)
def test_other_paths_are_malformed(path: str) -> None:
    call = Call()
    with pytest.raises(MalformedRequest):
        call.parse(path)
    assert (call.name, call.version) == ("", (1, 0))


@pytest.mark.parametrize("path", ["/v02.09/events.add", "/v2.09/events.add", "/v02/events.add", "/v2./events.add"])
def test_a_version_has_no_leading_zero(path: str) -> None:
    with pytest.raises(BadVersion if not path.startswith("/v2./") else MalformedRequest):
        Call().parse(path)


@given(st.text(max_size=12), st.sampled_from(["", "/v2.22/", "/api/", "/v2.22/events.", "/events.add"]))
def test_any_path_is_understood_or_refused(text: str, before: str) -> None:
    call = Call()
    try:
        call.parse(before + text)
    except (MalformedRequest, BadVersion):
        return
    assert call.name.isascii()
    assert call.name in before + text


# --- versions ---------------------------------------------------------------------------------------------------------


def test_versions_compare_by_number() -> None:
    texts = ["0.9", "1.7", "1.10", "2.0", "2.9", "2.10", "2.22", "10.0", "22"]
    assert sorted(map(parse_version, reversed(texts))) == [parse_version(text) for text in texts]


@pytest.mark.parametrize("text", ["", "x", "1.", ".1", "1.2.3", "01", "1.02", "-1", "1,2", "١", " 1", "1\n"])
def test_other_texts_are_no_versions(text: str) -> None:
    with pytest.raises(BadVersion):
        parse_version(text)


ANSWERED_BY = {"1.0": "1.0", "1.6": "1.0", "1.7": "1.7", "1.10": "1.7", "2.8": "1.7", "2.9": "2.9", "2.10": "2.9"}


@pytest.mark.parametrize(("requested", "since"), [*ANSWERED_BY.items(), ("999.0", "2.9")])
def test_the_newest_that_is_not_too_new_answers(requested: str, since: str) -> None:
    assert table().get("events.read", parse_version(requested)).actual_version == since


@pytest.mark.parametrize(("name", "version"), [("events.read", "0.9"), ("events.none", "2.9"), ("Events.read", "2.9")])
def test_there_may_be_none(name: str, version: str) -> None:
    with pytest.raises(UnknownEndpoint):
        table().get(name, parse_version(version))


# --- the table --------------------------------------------------------------------------------------------------------


def test_an_endpoint_knows_its_request_tier_and_kind() -> None:
    read, write = table().get("events.read", (2, 9)), table().get("events.write", (2, 9))
    assert (read.request, read.tier, read.is_batch) == (Second, Tier.QUERY, False)
    assert (write.request, write.tier, write.is_batch) == (EventBatch, Tier.GATEWAY, True)


def test_tables_are_merged_and_bound() -> None:
    merged = Endpoints(Tier.BOTH).merge(table().bind("service"))
    assert sorted(endpoint.name for endpoint in merged) == ["events.read"] * 3 + ["events.write"]

    async def call() -> object:
        return await merged.get("events.read", (2, 9)).handler(CALLER, Second())

    assert asyncio.run(call()) == {"new": "service"}
    assert merged.get("events.write", (2, 9)).tier is Tier.GATEWAY


# --- the envelope -----------------------------------------------------------------------------------------------------


def envelope(path: str, *, resolved: bool = True, error: Any = None) -> Any:
    call = Call(id="1" * 32, trx="")
    call.parse(path)
    if resolved:
        call.resolve(table())
    return json.loads(b"".join(call.envelope(b'{"a":1}', error)))


def test_an_envelope() -> None:
    assert envelope("/v2.22/events.read") == {
        "meta": {
            "id": "1" * 32,
            "trx": "1" * 32,
            "endpoint": {"name": "events.read", "requested_version": "2.22", "actual_version": "2.9"},
            "result_code": 200,
            "result_subcode": 0,
            "result_msg": "OK",
            "error_stack": None,
            "error_data": {},
        },
        "data": {"a": 1},
    }


def test_the_envelope_of_an_error() -> None:
    meta = envelope("/events.read", error=InvalidTask("no such task"))["meta"]
    assert (meta["result_code"], meta["result_subcode"], meta["result_msg"]) == (400, 101, "no such task")
    assert meta["endpoint"]["requested_version"] == MAX_VERSION


SHOWN: dict[str, list[Any]] = {"1.10": [1.1, 1.7], "2.0": [2.0, 1.7], "2.1": ["2.1", "1.7"], "2.22": ["2.22", "2.9"]}


@pytest.mark.parametrize(("version", "shown"), SHOWN.items())
def test_versions_are_numbers_below_2_1(version: str, shown: list[Any]) -> None:
    endpoint = envelope(f"/v{version}/events.read")["meta"]["endpoint"]
    found = [endpoint["requested_version"], endpoint["actual_version"]]
    assert (found, list(map(type, found))) == (shown, list(map(type, shown)))


def test_an_unresolved_call_has_no_actual_version() -> None:
    endpoint = envelope("/v2.22/events.none", resolved=False)["meta"]["endpoint"]
    assert endpoint == {"name": "events.none", "requested_version": "2.22", "actual_version": None}


def test_a_call_without_a_path_has_the_version_1_0() -> None:
    endpoint = json.loads(b"".join(Call().envelope(b"{}")))["meta"]["endpoint"]
    assert endpoint == {"name": "", "requested_version": 1.0, "actual_version": None}


def test_every_call_has_an_id() -> None:
    assert Call().id != Call().id
    assert json.loads(b"".join(Call(trx="mine").envelope(b"{}")))["meta"]["trx"] == "mine"


# --- JSON -------------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_is_ascii_and_means_the_same(value: Any) -> None:
    text = to_json(value)
    assert text.isascii()
    assert json.loads(text) == value
    assert text == json.dumps(json.loads(text), separators=(",", ":")).encode() or b"e" in text.lower()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_is_null(value: float) -> None:
    assert to_json({"a": [value]}) == b'{"a":[null]}'


def test_integers_beyond_64_bits() -> None:
    assert json.loads(to_json({"a": 10**40, "b": [2**64]})) == {"a": 10**40, "b": [2**64]}


def test_null_stands_for_nan_beside_integers_beyond_64_bits_too() -> None:
    assert json.loads(to_json({"a": 10**40, "b": float("nan")}), parse_constant=pytest.fail) == {"a": 10**40, "b": None}
