"""Requests that are well-formed for some parser and that the service could not answer: a clear error, never a fault."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.harness.api import Api, failure_of
from tests.harness.events import image, log, plot, scalar

HALF = "\ud800"  # as JSON "\\ud800": half of a character
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = "multipart/form-data; boundary=x"


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def deep_in(path: list[str], value: Any) -> Any:
    for name in reversed(path):
        value = {name: value}
    return value


# --- half characters --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{"msg": HALF}, {"task": HALF}, {"extra": [HALF]}, {HALF: 1}, {"type": HALF}])
def test_no_event_has_half_a_character(api: Api, task: str, fields: dict[str, Any]) -> None:
    assert api.fail("events.add", log(task) | fields) == (400, 0)
    assert api.events(task) == []


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("events.clear_task_log", {"include_metrics": [HALF]}),
        ("events.get_task_log", {"metrics": [{"metric": HALF}]}),
        ("events.get_scalar_metric_data", {"metric": HALF}),
        ("events.get_plot_sample", {"metric": HALF}),
        ("events.get_task_events", {"metrics": [{"metric": "m", "variants": [HALF]}]}),
        ("tasks.edit", {"comment": HALF}),
    ],
)
def test_nothing_is_asked_for_by_half_a_character(api: Api, task: str, action: str, fields: dict[str, Any]) -> None:
    api.add(log(task))
    assert api.fail(action, {"task": task} | fields) == (400, 0)
    assert len(api.logs(task)) == 1


# --- levels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [260, 498])
def test_what_is_nested_deeply_comes_back(api: Api, task: str, levels: int) -> None:
    deep = {"deep": nested(levels), "nan": float("nan"), "text": 'NaN "-Infinity" \\'}
    api.batch([log(task, "one") | deep, {"type": "training_stats_vector", "task": task, "values": nested(levels)}])
    api.call("events.add", log(task, "two") | deep)
    told = api.logs(task)
    assert [line["deep"] for line in told] == [nested(levels)] * 2
    assert [(line["nan"], line["text"]) for line in told] == [(None, deep["text"])] * 2
    assert len(api.events(task)) == 3


@pytest.mark.parametrize("levels", [500, 700, 960, 100_000])
def test_what_is_nested_without_end_is_refused(api: Api, task: str, levels: int) -> None:
    line = json.dumps(log(task, deep="HERE")).replace('"HERE"', "[" * levels + "]" * levels)
    assert api.fail_batch([line]) == (400, 0)
    assert failure_of(api.raw("events.add", content=line.encode())) == (400, 0)
    assert api.logs(task) == []


# --- forms and query strings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_a_form_is_read_with_any_method(api: Api, task: str, method: str) -> None:
    api.add(log(task, "é"))
    answer = api.raw("events.get_task_log", content=f"task={task}&batch_size=1".encode(), headers=FORM, method=method)
    assert answer.json()["data"]["returned"] == 1


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        (FORM["Content-Type"], b"task=\xff"),
        (f"{FORM['Content-Type']}; charset=nonsense", b"task=x"),
        ("multipart/form-data", b"--x\r\n\r\n"),
        (MULTIPART, b""),
        (MULTIPART, b"garbage"),
        (MULTIPART, b'--x\r\nContent-Disposition: form-data; name="task"\r\n\r\nabc'),
    ],
)
def test_a_broken_form_is_malformed(api: Api, content_type: str, content: bytes) -> None:
    answer = api.raw("events.get_task_log", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 400


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "utf-7", "rot13", "zip", "Punycode"])
def test_a_form_is_in_an_encoding_that_forms_have(api: Api, charset: str) -> None:
    """Python's slower ones would take minutes for a megabyte."""
    part = f'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset={charset}\r\n\r\n'
    started = time.monotonic()
    for content_type, content in (
        (f"{FORM['Content-Type']}; charset={charset}", b"a=" + b"z" * 500_000),
        (MULTIPART, part.encode() + b"z" * 60_000 + b"\r\n--x--"),
        (
            MULTIPART,
            f'--x\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\n{charset}\r\n'.encode() + part.encode(),
        ),
    ):
        answer = api.raw("events.get_task_log", content=content, headers={"Content-Type": content_type})
        assert answer.status_code == 400
    assert time.monotonic() - started < 5


def test_a_number_without_end_is_a_text(api: Api, task: str) -> None:
    digits = "9" * 5000
    answer = api.raw("events.get_task_log", content=f"task={task}&batch_size={digits}".encode(), headers=FORM)
    assert failure_of(answer) == (400, 12)


def test_a_version_without_end_is_none(api: Api) -> None:
    assert api.fail("events.get_task_log", version="9" * 4500 + ".1") == (400, 2)


# --- batches ----------------------------------------------------------------------------------------------------------


def test_reasons_without_an_entity_are_counted_apart_from_an_empty_id(api: Api, task: str) -> None:
    lines = [scalar(task), {"type": "zz", "task": task}, log("") | {"task": None}, log("")]
    answer = api.batch(lines)
    assert (answer["added"], answer["errors"], sorted(answer["errors_info"].values())) == (1, 3, [1, 1, 1])


@pytest.mark.parametrize("odd", [{"type": "zz", "allow_locked": True}, {"allow_locked": True}, {"model_event": True}])
def test_events_of_no_type_name_their_entity_as_others_do(api: Api, task: str, odd: dict[str, Any]) -> None:
    """API contract 2.7: per entity id, in all of its events."""
    assert api.fail_batch([odd | {"task": task}, log(task)]) == (400, 12)
    assert api.logs(task) == []


def test_an_empty_text_is_a_field_too(api: Api, task: str) -> None:
    api.batch([log(task, str(number), method="") for number in range(100)])
    assert {line["method"] for line in api.logs(task)} == {""}


def test_an_encoding_that_is_refused_is_not_used(api: Api, task: str) -> None:
    api.add(image(task), plot(task), *(log(task, str(number)) for number in range(20)))
    accept = {"Accept-Encoding": "gzip;q=0, zstd; q=0.0, deflate"}
    assert api.raw("events.get_task_log", {"task": task}, headers=accept).headers["Content-Encoding"] == "deflate"


@pytest.mark.parametrize("iters", [2**31, 2**40, 10**30])
def test_iterations_have_no_greatest_number(api: Api, task: str, iters: int) -> None:
    """API contract 5, row 11."""
    api.add(*(plot(task, number) for number in range(3)))
    assert api.call("events.get_task_plots", task=task, iters=iters)["returned"] == 3
    assert len(api.call("events.plots", metrics=[{"task": task}], iters=iters)["metrics"][0]["iterations"]) == 3


# --- lists of documents -----------------------------------------------------------------------------------------------

BAD_LISTS: list[tuple[dict[str, Any], tuple[int, int]]] = [
    ({"name": "a{999999999}"}, (400, 21)),
    ({"name": "(?:a{100}){100}"}, (400, 21)),
    ({"name": "a(?R)"}, (400, 21)),
    ({"name": "(" * 900 + "n+" + ")" * 900}, (400, 21)),
    ({"search_text": 5}, (400, 12)),
    ({"filters": {"tags": {"any": {"include": 5}}}}, (400, 12)),
    ({"last_metrics.x.y.value": [10**400, None]}, (400, 12)),
    ({"created": "0001-01-01T00:00:00+14:00"}, (400, 16)),
    ({"created": [[], {}]}, (400, 16)),
    ({"page": 2**62, "page_size": 10}, (400, 12)),
]


@pytest.mark.parametrize(("fields", "code"), BAD_LISTS, ids=str)
def test_a_list_that_cannot_be_asked_for(api: Api, fields: dict[str, Any], code: tuple[int, int]) -> None:
    assert api.fail("tasks.get_all_ex", fields) == code


@pytest.mark.parametrize(
    "fields",
    [
        {"tags": ["__$and"] + ["a"] * 1500},
        {"_any_": {"pattern": "a", "fields": ["name"] * 1500}},
        {"order_by": ["name"] * 2500},
        {"order_by": ["runtime.\0"]},
        {"hyperparams.\0": ["x"]},
    ],
    ids=lambda fields: str(fields)[:40],
)
def test_what_is_too_much_for_the_registry_is_no_fault_of_its(api: Api, fields: dict[str, Any]) -> None:
    assert api.raw("tasks.get_all_ex", fields).status_code in (200, 400)


@pytest.mark.parametrize("parts", [1, 100, 1000, 20_000])
def test_a_field_that_no_document_has_is_not_shown(api: Api, task: str, parts: int) -> None:
    asked = {"id": [task], "only_fields": [".".join(["hyperparams", *["a"] * parts]), "name"]}
    for action in ("tasks.get_all", "tasks.get_all_ex", "tasks.get_by_id_ex"):
        (found,) = api.call(action, asked)["tasks"]
        assert found.keys() - {"hyperparams"} == {"id", "name"}


@pytest.mark.parametrize("levels", [100, 490])
def test_a_field_that_stands_deep_is_shown(api: Api, levels: int) -> None:
    path = ["runtime", *["a"] * levels]
    fields = {"runtime": deep_in(path[1:], [{"b": 1, "c": 2}])}
    asked = {"id": [api.create_task(**fields)], "only_fields": [".".join([*path, "b"])]}
    for action in ("tasks.get_all", "tasks.get_all_ex", "tasks.get_by_id_ex"):
        (found,) = api.call(action, asked)["tasks"]
        assert found == {"id": asked["id"][0]} | deep_in(path, [{"b": 1}])


def test_values_are_not_searched_without_end(api: Api) -> None:
    parameter = {"section": "S", "name": "n", "value": "a" * 40 + "!"}
    api.create_task(hyperparams={"S": {"n": parameter}})
    assert api.fail("projects.get_hyperparam_values", section="S", name="n", pattern="(a|a)*$") == (400, 21)


@pytest.mark.parametrize(
    "fields",
    [
        {"new_task_hyperparams": {"a": None}},
        {"new_task_hyperparams": {"a": "b"}},
        {"new_task_configuration": {"c": "v"}},
        {"new_task_input_models": [{"name": []}]},
        {"execution_overrides": {"artifacts": 5}},
    ],
    ids=str,
)
def test_a_copy_has_what_a_new_task_may_have(api: Api, task: str, fields: dict[str, Any]) -> None:
    assert api.fail("tasks.clone", {"task": task} | fields) == (400, 12)
