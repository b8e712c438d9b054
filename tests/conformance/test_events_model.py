"""API contract 2.1 to 2.7: what of an event is accepted, how it is kept, and how the request is answered."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.harness.api import Api
from tests.harness.events import (
    ABSENT,
    IMAGE,
    LOG,
    PLOT,
    SCALAR,
    SINGLE_VALUE,
    TYPES,
    VECTOR,
    Event,
    column,
    image,
    log,
    model_events,
    one_of_each,
    plot,
    scalar,
    vector,
)

INT64_MAX = 2**63 - 1
FLOAT32_MAX = 3.4028234663852886e38
NOT_FINITE = [float("nan"), float("inf"), -float("inf")]
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UNKNOWN = "0123456789abcdef0123456789abcdef"


def only(api: Api, task: str, event_type: str = SCALAR, **fields: Any) -> Event:
    """The one event of that type of an entity."""
    (event,) = api.events(task, event_type, **fields)
    return event


def refuse_all(api: Api, task: str, events: list[Event]) -> None:
    """Each is a per-event error: alone it fails the request, in a batch the others are stored."""
    for event in events:
        assert api.fail_batch([json.dumps(event)]) == (400, 131), event
    answer = api.batch([log(task, "good"), *map(json.dumps, events)])
    assert (answer["added"], answer["errors"]) == (1, len(events))
    assert sum(answer["errors_info"].values()) == len(events)
    assert column(api.events(task), "type") == ["log"]


# --- type -------------------------------------------------------------------------------------------------------------


def test_each_type_is_known_with_spaces_too(api: Api, task: str) -> None:
    for variant, given in enumerate(name for known in TYPES for name in (known, known.replace("_", " "))):
        assert api.call("events.add", type=given, task=task, iter=1, variant=str(variant))["added"] == 1
    assert column(api.events(task), "type") == [name for name in TYPES for _ in range(2)]


def test_any_other_type_is_an_error_of_the_event(api: Api, task: str) -> None:
    wrong = ["Log", "PLOT", "training_stats", "*", "", "scalar", "log ", 5, True, ["log"], None]
    refuse_all(api, task, [log(task) | {"type": given} for given in wrong])


def test_a_missing_type_is_an_error_of_the_event(api: Api, task: str) -> None:
    refuse_all(api, task, [{"task": task, "msg": "x"}, {}])


# --- entity -----------------------------------------------------------------------------------------------------------


def test_a_task_that_is_none_is_an_error_of_the_event(api: Api, task: str) -> None:
    wrong = [None, "", UNKNOWN, 5, ["x"], {"id": "x"}, True]
    refuse_all(api, task, [make(task) | {"task": given} for given in wrong for make in (log, scalar)])


def test_a_missing_task_is_an_error_of_the_event(api: Api, task: str) -> None:
    refuse_all(api, task, [{"type": "log", "msg": "x"}, scalar(ABSENT), plot(ABSENT)])


def test_every_event_says_whether_it_is_a_models(api: Api, task: str, model: str) -> None:
    api.add(*one_of_each(task), *model_events([scalar(model)]))
    assert column(api.events(task), "model_event") == [False] * 5
    assert only(api, model, model_events=True)["model_event"] is True


def test_truth_decides_what_is_a_model_event(api: Api, model: str) -> None:
    """API contract, appendix D."""
    given = [True, 1, "yes", "false", [0], 0.5]
    for iteration, value in enumerate(given):
        api.add(scalar(model, iteration, model_event=value))
    stored = column(api.events(model, SCALAR, model_events=True), "model_event")
    assert [flag is True for flag in stored] == [True] * len(given)


def test_false_in_any_form_is_a_task_event(api: Api, task: str) -> None:
    given = [False, 0, "", None, []]
    api.add(*(scalar(task, iteration, model_event=value) for iteration, value in enumerate(given)))
    stored = column(api.events(task, SCALAR), "model_event")
    assert [flag is False for flag in stored] == [True] * len(given)


def test_model_overwrites_the_task_of_a_model_event(api: Api, task: str, model: str) -> None:
    api.add(
        scalar(task, 1, model=model, model_event=True),
        scalar(ABSENT, 2, model=model, model_event=True),
        scalar(model, 3, model=None, model_event=True),
    )
    assert column(api.events(model, model_events=True), "iter", "task") == [(1, model), (2, model), (3, model)]
    assert "model" not in api.events(model, model_events=True)[0]
    assert api.events(task) == []


def test_model_is_any_other_field_of_a_task_event(api: Api, task: str) -> None:
    api.add(scalar(task, model="resnet"))
    assert only(api, task)["model"] == "resnet"


def test_models_have_no_logs(api: Api, model: str) -> None:
    answer = api.batch([*model_events([scalar(model), log(model), log(model)])])
    assert (answer["added"], answer["errors"], list(answer["errors_info"].values())) == (1, 2, [2])


def test_allow_locked_is_never_returned(api: Api, task: str) -> None:
    api.add(*one_of_each(task, allow_locked=False))
    assert not any("allow_locked" in event for event in api.events(task))


# --- timestamp --------------------------------------------------------------------------------------------------------


def test_a_timestamp_is_returned_as_it_was_sent(api: Api, task: str) -> None:
    given = [1_671_640_000_000, 0, -5, 1_671_640_000_000.75, 2**53 + 1, 2**62]
    api.add(*(event for n, value in enumerate(given) for event in one_of_each(task, iter=n, timestamp=value)))
    stored = column(api.events(task), "timestamp")
    expected = [value for value in given for _ in TYPES]
    assert [(value, type(value)) for value in stored] == [(value, type(value)) for value in expected]


def test_without_a_timestamp_it_is_now(api: Api, task: str) -> None:
    before = int(time.time() * 1000)
    api.add(*one_of_each(task))
    after = int(time.time() * 1000)
    assert all(before <= event["timestamp"] <= after for event in api.events(task))


def test_ts_is_an_alias_that_wins(api: Api, task: str) -> None:
    api.add(log(task, "a", ts=5), log(task, "b", ts=7, timestamp=1))
    assert column(api.logs(task), "msg", "timestamp") == [("a", 5), ("b", 7)]
    assert not any("ts" in event for event in api.logs(task))


def test_a_null_timestamp_stays_null_and_comes_last(api: Api, task: str) -> None:
    api.add(log(task, "null", timestamp=None), log(task, "1", timestamp=1), log(task, "2", timestamp=2))
    assert column(api.logs(task), "msg", "timestamp") == [("1", 1), ("2", 2), ("null", None)]
    assert column(api.logs(task, navigate_earlier=True), "msg") == ["2", "1", "null"]


BAD_TIMES = ["2020-01-01T00:00:00Z", "yesterday", "5", "", True, False, [5], {"ms": 5}, 2**63, -(2**63) - 1]


def test_an_unusable_timestamp_is_an_error_of_the_event(api: Api, task: str) -> None:
    """API contract, appendix D."""
    wrong = [*BAD_TIMES, *NOT_FINITE]
    refuse_all(api, task, [make(task, timestamp=given) for given in wrong for make in (log, scalar)])


def test_the_time_of_writing_is_the_servers(api: Api, task: str) -> None:
    before = time.time()
    api.add(*one_of_each(task, **{"@timestamp": "1999-01-01T00:00:00.000Z"}))
    for event in api.events(task):
        assert ISO_TIME.fullmatch(event["@timestamp"])
        assert event["@timestamp"][:4] == time.strftime("%Y", time.gmtime(before))


# --- iter -------------------------------------------------------------------------------------------------------------


ITERATIONS: list[tuple[object, int]] = [(7, 7), (-7, -7), (3.9, 3), (-3.9, -3), ("12", 12), ("-12", -12)]
ITERATIONS += [(True, 1), (False, 0), (INT64_MAX, INT64_MAX), (-(2**63), -(2**63)), (2**53 + 1, 2**53 + 1)]


def test_an_iteration_becomes_an_integer(api: Api, task: str) -> None:
    api.add(*(event for given, _ in ITERATIONS for event in one_of_each(task, iter=given, metric=repr(given))))
    events = api.events(task)
    assert {type(event["iter"]) for event in events} == {int}
    assert {(event["type"], event["metric"]): event["iter"] for event in events} == {
        (event_type, repr(given)): stored for given, stored in ITERATIONS for event_type in TYPES
    }


def test_an_absent_iteration_stays_absent_and_a_null_one_null(api: Api, task: str) -> None:
    api.add(scalar(task, ABSENT, variant="absent"), scalar(task, None, variant="null"))
    events = {event["variant"]: event for event in api.events(task)}
    assert "iter" not in events["absent"]
    assert events["null"]["iter"] is None


def test_an_unusable_iteration_is_an_error_of_the_event(api: Api, task: str) -> None:
    """API contract 2.6; API contract 5, rows 6 and 7."""
    wrong = ["abc", "", [1], {"a": 1}, *NOT_FINITE, 2**63, -(2**63) - 1, 1e30]
    refuse_all(api, task, [event for given in wrong for event in (scalar(task, given), log(task, iter=given))])


# --- metric and variant -----------------------------------------------------------------------------------------------


def test_falsy_names_are_empty(api: Api, task: str) -> None:
    given: list[Any] = [ABSENT, None, "", 0, False, [], {}]
    api.add(*(scalar(task, n, metric=name, variant=name) for n, name in enumerate(given)))
    assert column(api.events(task, SCALAR), "metric", "variant") == [("", "")] * len(given)


NAMES = [
    "a.b/c-d%e",
    "$key",
    "with space ",
    "Tab\tand\nnewline",
    "nul\0",
    "'quoted' \"twice\" \\ back",
    "{task:String}",
    "été",
    "\U0001f600",
    "\u2028",
    "2020-01-01",
    "x" * 3000,
    "null",
    "*",
]


def test_names_are_verbatim(api: Api, task: str) -> None:
    names = [(name, name[::-1]) for name in NAMES]
    api.add(*(event | {"metric": m, "variant": v} for m, v in names for event in one_of_each(task)))
    assert column(api.events(task), "metric", "variant") == names * len(TYPES)
    histogram = api.call("events.scalar_metrics_iter_histogram", task=task)
    assert histogram == {m: {v: {"name": v, "x": [0], "y": [1.0]}} for m, v in names}
    assert api.call("events.get_scalar_metrics_and_variants", task=task) == {"metrics": {m: [v] for m, v in names}}
    for metric, variant in names:
        raw = api.call("events.scalar_metrics_iter_raw", task=task, metric={"metric": metric, "variants": [variant]})
        assert raw["variants"] == {variant: {"y": [1.0], "iter": [0]}}


def test_a_name_that_is_no_text_is_an_error_of_the_event(api: Api, task: str) -> None:
    wrong = [5, 1.5, True, ["a"], {"a": 1}]
    refuse_all(api, task, [scalar(task, **{name: given}) for given in wrong for name in ("metric", "variant")])


def test_names_have_a_greatest_length_in_bytes(api: Api, task: str) -> None:
    longest, wide = "x" * 32_766, "é" * 16_383
    refuse_all(api, task, [scalar(task, metric=longest + "x"), scalar(task, variant=wide + "x")])
    api.add(scalar(task, metric=longest, variant=wide))
    assert column(api.events(task, SCALAR), "metric", "variant") == [(longest, wide)]


# --- worker, and everything else --------------------------------------------------------------------------------------


def test_an_explicit_worker_is_kept_even_if_empty(api: Api, task: str) -> None:
    api.batch([log(task, worker=""), log(task, worker=None), log(task)], headers={"X-Clearml-Worker": "w"})
    assert column(api.logs(task), "worker") == ["", None, "w"]


EXTRAS: dict[str, Any] = {
    "text": "été \U0001f600",
    "date": "2020-01-01T00:00:00Z",
    "number": 12345678901234567890,
    "huge": 10**40,
    "float": 0.1,
    "null": None,
    "list": [1, "a", None, {"b": []}],
    "object": {"a": {"b": {"c": [True, False]}}},
    "": "empty name",
    "seq": 1,
    "company": "x",
    "received_at": 5,
    "extras": "y",
    "discriminator": "k",
    "has_iter": False,
    "event_type": "log",
}


def test_unknown_fields_come_back_verbatim(api: Api, task: str) -> None:
    api.add(*one_of_each(task, **EXTRAS))
    for event in api.events(task):
        assert {name: event.get(name, ABSENT) for name in EXTRAS} == EXTRAS


def test_the_type_of_an_unknown_field_may_change(api: Api, task: str) -> None:
    """API contract 2.1: extras are opaque."""
    values: list[Any] = [1, "a", [1], {"a": 1}, None, True]
    api.add(*(log(task, odd=value, timestamp=place) for place, value in enumerate(values)))
    assert column(api.logs(task), "odd") == values


def test_texts_that_look_like_dates_stay_texts(api: Api, task: str) -> None:
    """API contract, appendix D."""
    api.add(log(task, "2020-01-01T00:00:00Z"), scalar(task, metric="2020-01-01", variant="2020-01-01T00:00:00"))
    assert column(api.logs(task), "msg") == ["2020-01-01T00:00:00Z"]
    assert api.call("events.get_scalar_metrics_and_variants", task=task) == {
        "metrics": {"2020-01-01": ["2020-01-01T00:00:00"]}
    }


def test_the_level_is_verbatim(api: Api, task: str) -> None:
    levels = ["INFO", "warning", "", "no level at all", 5, None, {"a": 1}]
    api.add(*(log(task, level=level) for level in levels))
    assert column(api.logs(task), "level") == levels


def test_a_log_line_has_no_greatest_length(api: Api, task: str) -> None:
    message = "x\n\t\x1b[31m\r\0" * 300_000
    api.add(log(task, message))
    assert column(api.logs(task), "msg") == [message]


def test_logs_may_have_metric_variant_and_iteration(api: Api, task: str) -> None:
    api.add(log(task, metric="a", variant="b", iter=5), log(task))
    events = api.logs(task)
    assert column(events, "metric", "variant") == [("a", "b"), ("", "")]
    assert (events[0]["iter"], "iter" in events[1]) == (5, False)


# --- scalar values ----------------------------------------------------------------------------------------------------


def test_a_value_comes_back_as_the_full_double(api: Api, task: str) -> None:
    values = [0.1, 1, -1.5, 0, 1e-320, 5e-324, 1e-45, FLOAT32_MAX, -FLOAT32_MAX, 2**60 + 1, 123456789012345678, 1e38]
    api.add(*(scalar(task, n, value) for n, value in enumerate(values)))
    assert column(api.events(task, SCALAR), "value") == values
    raw = api.call("events.scalar_metrics_iter_raw", task=task, metric={"metric": "m"})
    assert list(map(float, raw["variants"]["v"]["y"])) == list(map(float, values))


@pytest.mark.parametrize("value", [3.0, -0.0, 2.26797932753915e17, -1.2345678901234e20, 3.4e38])
def test_a_whole_double_is_the_same_double_wherever_it_is_told(api: Api, task: str, value: float) -> None:
    api.add(scalar(task, 1, value), scalar(task, -(2**31), value, metric="single"))
    raw = api.call("events.scalar_metrics_iter_raw", task=task, metric={"metric": "m"})["variants"]["v"]["y"]
    single = api.call("events.get_task_single_value_metrics", tasks=[task])["tasks"][0]["values"][0]["value"]
    whole = [event["value"] for event in api.events(task)]
    last_metrics = api.call("tasks.get_by_id", task=task)["task"]["last_metrics"].values()
    summaries = [summary for variants in last_metrics for summary in variants.values()]
    told = [*raw, single, *whole, *(s[name] for s in summaries for name in ("value", "min_value", "first_value"))]
    assert len(told) == 10
    assert all(isinstance(number, float) and number == value for number in told)


def test_aggregates_see_a_32_bit_float(api: Api, task: str) -> None:
    values = {0.1: 0.10000000149011612, 0.25: 0.25, 16777217: 16777216.0, 1e-50: 0.0, -3.3: -3.299999952316284}
    api.add(*(scalar(task, n, value) for n, value in enumerate(values)))
    assert api.call("events.scalar_metrics_iter_histogram", task=task)["m"]["v"]["y"] == list(values.values())


def test_an_unusable_value_is_an_error_of_the_event(api: Api, task: str) -> None:
    """API contract 5, row 6, and appendix D."""
    wrong: list[Any] = [*NOT_FINITE, 3.5e38, -3.5e38, 1e300, 10**300]
    wrong += [True, False, "0.5", "abc", [1.0], [], {"a": 1}]
    refuse_all(api, task, [scalar(task, 1, given) for given in wrong])


@pytest.mark.parametrize("given", [ABSENT, None])
def test_a_scalar_without_value_is_stored_but_not_counted(api: Api, task: str, given: object) -> None:
    api.add(scalar(task, 5, given))
    event = only(api, task)
    assert event.get("value") is None
    assert ("value" in event) == (given is None)
    assert api.task(task)["last_metrics"] == {}
    assert api.task(task)["last_iteration"] == 5


# --- vectors and images -----------------------------------------------------------------------------------------------


def test_values_is_an_alias_that_wins(api: Api, task: str) -> None:
    api.add(vector(task, 1, [1, 2.5]), vector(task, 2, [3], value=[9]), vector(task, 3, ABSENT, value=[4]))
    events = api.events(task, VECTOR)
    assert column(events, "value") == [[1, 2.5], [3], [4]]
    assert not any("values" in event for event in events)


def test_url_and_key_are_verbatim(api: Api, task: str) -> None:
    api.add(image(task, 1, "s3://b/k é?x=1#y", key="/k"), image(task, 2, ""), image(task, 3, ABSENT, key=5))
    events = api.events(task, IMAGE)
    assert [(event.get("url"), event.get("key")) for event in events] == [
        ("s3://b/k é?x=1#y", "/k"),
        ("", None),
        (None, 5),
    ]
    assert "url" not in events[2]


# --- 2.3 identity -----------------------------------------------------------------------------------------------------


def difference(pair: tuple[Event, Event]) -> str:
    """What a failing pair is about."""
    first, second = pair
    names = [name for name in first | second if first.get(name, ABSENT) != second.get(name, ABSENT)]
    return f"{first['type']} {' '.join(f'{name}={first.get(name)}' for name in names)}"


# two events that are one, or two
SAME = [
    (scalar("", timestamp=5), scalar("", timestamp=4)),
    (scalar("", worker="a"), scalar("", worker="b")),
    (scalar("", value=1), scalar("", value=2)),
    (scalar("", metric="", variant=""), scalar("", metric=ABSENT, variant=None)),
    (scalar("", ABSENT), scalar("", ABSENT)),
    (scalar("", None), scalar("", None)),
    (scalar("", 3), scalar("", "3")),
    (scalar("", 3), scalar("", 3.7)),
    (image("", url="a"), image("", url="b")),
    (image("", key="k"), image("", key="k")),
    (image("", key=None), image("", key=None)),
    (plot("", plot_str="{}"), plot("", plot_str="[]")),
    (vector("", values=[1]), vector("", values=[2])),
    (scalar("", other=1), scalar("", more=2)),
]
DIFFERENT = [
    (scalar("", 1), scalar("", 2)),
    (scalar("", 0), scalar("", ABSENT)),
    (scalar("", 0), scalar("", None)),
    (scalar("", None), scalar("", ABSENT)),
    (scalar("", metric="a"), scalar("", metric="b")),
    (scalar("", variant="a"), scalar("", variant="b")),
    (scalar("", metric="a"), scalar("", metric="A")),
    (scalar("", metric="a-b", variant="c"), scalar("", metric="a", variant="b-c")),
    (scalar("", 1, metric="a", variant="b"), scalar("", 1, metric="b", variant="a")),
    (image("", key="a"), image("", key="b")),
    (image("", key="a"), image("")),
    (image("", key=None), image("")),
    (image("", key=None), image("", key="None")),
    (image("", key=None), image("", key="null")),
    (image("", key=1), image("", key="1")),
    (plot("", key="a"), plot("")),
    (scalar("", key="a"), scalar("", key="b")),
    (scalar(""), plot("")),
    (image(""), plot("")),
    (scalar(""), vector("")),
    (log(""), log("")),
    (log("", iter=1, metric="a", key="k"), log("", iter=1, metric="a", key="k")),
]


Pairs = list[tuple[str, Event, Event]]


def of_tasks(api: Api, pairs: list[tuple[Event, Event]]) -> Pairs:
    """Each pair with a task of its own."""
    tasks = [api.create_task() for _ in pairs]
    notes: list[Event] = [{"note": "first"}, {"note": "second"}]
    return [
        (task, first | {"task": task} | notes[0], second | {"task": task} | notes[1])
        for task, (first, second) in zip(tasks, pairs, strict=True)
    ]


@pytest.mark.parametrize("together", [True, False])
def test_a_later_event_of_the_same_identity_replaces_the_whole(api: Api, together: bool) -> None:
    pairs = of_tasks(api, SAME)
    if together:
        api.add(*(event for _, *both in pairs for event in both))
    else:
        api.add(*(first for _, first, _ in pairs))
        api.add(*(second for _, _, second in pairs))
    for task, first, second in pairs:
        event = only(api, task, first["type"])
        assert event["note"] == "second"
        assert "other" not in event
        for name in ("value", "url", "plot_str", "worker", "timestamp", "more"):
            assert event.get(name) == second.get(name, event.get(name)), difference((first, second))


def test_events_of_different_identity_coexist(api: Api) -> None:
    pairs = of_tasks(api, DIFFERENT)
    api.add(*(event for _, *both in pairs for event in both))
    for task, first, second in pairs:
        event_type = first["type"] if first["type"] == second["type"] else "*"
        notes = column(api.events(task, event_type), "note")
        assert sorted(notes) == ["first", "second"], difference((first, second))


def test_identity_is_within_the_task(api: Api, task: str) -> None:
    other = api.create_task()
    api.add(scalar(task, value=1), scalar(other, value=2))
    assert [only(api, one)["value"] for one in (task, other)] == [1, 2]


def test_an_overwritten_event_moves_to_the_end_of_the_write_order(api: Api, task: str) -> None:
    api.add(*(image(task, 1, variant=name) for name in "abc"))
    api.add(image(task, 1, variant="a"))
    api.add(image(task, 1, variant="d"))
    assert column(api.events(task), "variant") == ["b", "c", "a", "d"]


def test_write_order_is_the_order_of_requests_and_of_their_lines(api: Api, task: str) -> None:
    """API contract, appendix D: write order everywhere."""
    for names in ("ab", "c", "de"):
        api.add(*(log(task, name, timestamp=5) for name in names))
    assert column(api.logs(task), "msg") == list("abcde")
    assert column(api.logs(task, navigate_earlier=True), "msg") == list("abcde")


def test_equal_log_lines_of_different_requests_are_all_kept(api: Api, task: str) -> None:
    line = log(task, "same", timestamp=5)
    api.add(line)
    api.add(line, line)
    api.add(line, line, line)
    assert len(api.logs(task)) == 6


def test_the_same_request_again_stores_its_log_lines_once(api: Api, task: str) -> None:
    """Architecture, decision 3: the SDK repeats requests whose answer it did not see."""
    lines = [log(task, "a", timestamp=5), log(task, "a", timestamp=5), log(task, "b", timestamp=6)]
    for _ in range(3):
        api.add(*lines)
    assert column(api.logs(task), "msg") == ["a", "a", "b"]


def test_an_idempotency_key_tells_requests_apart(api: Api, task: str) -> None:
    for key in ("one", "two", "one"):
        api.batch([log(task, timestamp=5)], headers={"Idempotency-Key": key})
    assert len(api.logs(task)) == 2


def test_log_lines_without_a_time_of_their_own_are_new_every_time(api: Api, task: str) -> None:
    for _ in range(3):
        api.add(log(task))
    assert len(api.logs(task)) == 3


# --- 2.4 single values ------------------------------------------------------------------------------------------------


@pytest.fixture
def single(api: Api, task: str) -> str:
    """A task with nothing but a single value."""
    api.add(scalar(task, SINGLE_VALUE, 0.5, "Summary", "acc"))
    return task


def test_single_values_are_no_part_of_curves_and_metrics(api: Api, single: str) -> None:
    assert api.call("events.scalar_metrics_iter_histogram", task=single) == {}
    assert api.call("events.multi_task_scalar_metrics_iter_histogram", tasks=[single]) == {"metrics": {}}
    metrics = api.call("events.get_task_metrics", tasks=[single], event_type="*")["metrics"]
    assert metrics in ([], [{"task": single, "metrics": []}])


def test_single_values_are_everywhere_else(api: Api, single: str) -> None:
    (values,) = api.call("events.get_task_single_value_metrics", tasks=[single])["tasks"]
    assert column(values["values"], "metric", "variant", "value") == [("Summary", "acc", 0.5)]
    raw = api.call("events.scalar_metrics_iter_raw", task=single, metric={"metric": "Summary"})
    assert raw["variants"] == {"acc": {"y": [0.5], "iter": [SINGLE_VALUE]}}
    assert column(api.call("events.get_scalar_metric_data", task=single, metric="Summary")["events"], "iter") == [
        SINGLE_VALUE
    ]
    assert column(api.events(single), "iter") == [SINGLE_VALUE]
    assert api.call("events.get_scalar_metrics_and_variants", task=single) == {"metrics": {"Summary": ["acc"]}}
    assert api.call("events.get_task_latest_scalar_values", task=single)["metrics"][0]["name"] == "Summary"


def test_a_single_value_moves_no_iteration_but_the_latest_value(api: Api, single: str) -> None:
    document = api.task(single)
    assert document["last_iteration"] == 0
    (variants,) = document["last_metrics"].values()
    (summary,) = variants.values()
    assert (summary["value"], summary["min_value_iteration"]) == (0.5, SINGLE_VALUE)


# --- 2.5 plots --------------------------------------------------------------------------------------------------------


def test_the_length_of_a_plot_counts_characters(api: Api, task: str) -> None:
    lengths = {"{}": 2, "": 0, "é\U0001f600": 2, "no JSON": 7, "NaN": 3}
    plots = [plot(task, n, text, plot_len=99) for n, text in enumerate(lengths)]
    api.add(*plots, plot(task, 90, None), plot(task, 91, ABSENT))
    *events, null, absent = api.events(task, PLOT)
    assert column(events, "plot_str", "plot_len") == list(lengths.items())
    assert (null["plot_str"], null["plot_len"]) == (None, 0)
    assert ("plot_str" in absent, absent["plot_len"]) == (False, 0)


def test_a_plot_that_is_no_text_is_an_error_of_the_event(api: Api, task: str) -> None:
    wrong = [{"data": []}, [1], 5, True]
    refuse_all(api, task, [plot(task, 1, given) for given in wrong])


URLS: dict[str, list[str]] = {
    '{"source": "http://a/b.png"}': ["http://a/b.png"],
    '{"source":"s3://bucket/key with space"}': ["s3://bucket/key with space"],
    "{'source': 'gs://x'}": ["gs://x"],
    '{"SOURCE": "HTTPS://x", "Source":\n"a+b.c-d://y"}': ["HTTPS://x", "a+b.c-d://y"],
    '{"source": "http://a", "x": {"source": "http://b"}, "y": {"source": "http://a"}}': ["http://a", "http://b"],
    '{"source": ""}': [],
    '{"source":  "http://two-spaces"}': [],
    '{"source": "data:image/png;base64,xyz"}': [],
    '{"source": "/local/file"}': [],
    '{"source": "1http://x"}': [],
    '{"resource": "http://x"}': [],
    '{"sources": "http://x"}': [],
    "{source: http://x}": [],
    "{}": [],
}


def test_urls_that_a_plot_names_as_source(api: Api, task: str) -> None:
    api.add(*(plot(task, n, text) for n, text in enumerate(URLS)))
    events = api.events(task, PLOT)
    assert column(events, "plot_str") == list(URLS)
    for event in events:
        assert sorted(event.get("source_urls", [])) == sorted(URLS[event["plot_str"]])
        assert ("source_urls" in event) == bool(URLS[event["plot_str"]])


def test_without_validation_skip_validation_is_any_other_field(api: Api, task: str) -> None:
    api.add(plot(task, 1, "no JSON", skip_validation=True))
    event = only(api, task, PLOT)
    assert event["skip_validation"] is True
    assert "valid_plot" not in event


@pytest.fixture(scope="module")
def large(api: Api) -> tuple[str, str]:
    """A task with one plot of more than 100 000 characters, and the plot."""
    task, text = api.create_task(), json.dumps({"data": ["é\U0001f600"] * 60_000}, ensure_ascii=False)
    assert len(text) >= 100_000
    api.add(plot(task, 3, text))
    return task, text


def first_plot(data: Any) -> Event:
    """The event inside whatever answers."""
    while isinstance(data, list) or "plot_len" not in data:
        data = data[0] if isinstance(data, list) else next(v for v in data.values() if isinstance(v, dict | list) and v)
    found: Event = data
    return found


LARGE_READS: dict[str, tuple[str, dict[str, Any]]] = {
    "get_task_events": ("999.0", {}),
    "get_task_plots": ("999.0", {}),
    "get_task_plots 1.0": ("1.0", {}),
    "get_multi_task_plots": ("999.0", {}),
    "get_multi_task_plots 1.0": ("1.0", {}),
    "plots": ("999.0", {}),
    "get_plot_sample": ("999.0", {"metric": "m"}),
}


@pytest.mark.parametrize("name", LARGE_READS)
def test_a_large_plot_is_returned_whole(api: Api, large: tuple[str, str], name: str) -> None:
    """API contract 2.5: always ``plot_str``, never ``plot_data``."""
    (task, text), (version, more) = large, LARGE_READS[name]
    body = {"task": task, "tasks": [task], "metrics": [{"task": task}] if name == "plots" else None} | more
    event = first_plot(api.call(f"events.{name.split()[0]}", body, version=version))
    assert event["plot_str"] == text
    assert event["plot_len"] == len(text)
    assert "plot_data" not in event


def test_around_the_threshold_too(api: Api, task: str) -> None:
    lengths = [99_999, 100_000, 100_001]
    api.add(*(plot(task, n, "x" * n) for n in lengths))
    assert [len(text) for text in column(api.events(task, PLOT), "plot_str")] == lengths


# --- 2.7 results ------------------------------------------------------------------------------------------------------


def test_added_counts_every_line(api: Api, task: str) -> None:
    assert api.batch([scalar(task, 1), scalar(task, 1), log(task)]) == {"added": 3, "errors": 0, "errors_info": {}}
    assert len(api.events(task)) == 2


def test_errors_are_counted_by_message(api: Api, task: str) -> None:
    """The upstream test: unknown type, null task, unknown task, and one good event."""
    bad = [log(task) | {"type": "zz"}, log(task) | {"task": None}, log(UNKNOWN)]
    answer = api.batch([*bad, log(task)])
    assert (answer["added"], answer["errors"], sorted(answer["errors_info"].values())) == (1, 3, [1, 1, 1])
    assert api.fail_batch(bad) == (400, 131)


def test_messages_hold_the_offending_id_or_type(api: Api, task: str) -> None:
    bad = [log("a1"), log("a1"), log("a2"), scalar("a2"), log(task) | {"type": "zz"}, scalar(task) | {"type": "z z"}]
    info = api.batch([*bad, log(task)])["errors_info"]
    assert sorted(info.values()) == [1, 1, 2, 2]
    for part in ("a1", "a2", "zz", "z_z"):
        assert sum(part in message for message in info) == 1


def test_an_event_is_counted_under_the_first_check_that_fails(api: Api, task: str) -> None:
    worst = {"type": "zz", "iter": 2**70, "value": "x"}
    groups: list[list[Event]] = [
        [worst | {"task": task}, {"type": "zz"}, {"type": "zz", "task": "m1", "model_event": True}],
        [log("m2", model_event=True), log("m3", model_event=True), {"type": "log", "model_event": True}],
        [{"type": "log"}, {"type": "log", "iter": 2**70}, {"type": "plot", "task": None}],
        [log(UNKNOWN), scalar(UNKNOWN, 2**70), scalar(UNKNOWN, 1, "x"), plot(UNKNOWN, 1, {"a": 1})],
        [scalar(task, 2**70), scalar(task, -(2**70))],
    ]
    answer = api.batch([log(task), *(event for group in groups for event in group)])
    assert answer["added"] == 1
    assert sorted(answer["errors_info"].values()) == sorted(map(len, groups))


def test_good_lines_are_stored_wherever_the_bad_ones_stand(api: Api, task: str) -> None:
    bad = [scalar(task, "x"), log(UNKNOWN), {"type": "log"}]
    lines = [event for place in range(6) for event in (log(task, str(place), timestamp=place), bad[place % 3])]
    assert api.batch(lines)["added"] == 6
    assert column(api.logs(task), "msg") == list("012345")


def test_tasks_and_models_may_share_a_batch(api: Api, task: str, model: str) -> None:
    """API contract 5, row 30."""
    api.add(scalar(task), *model_events([scalar(model), plot(model)]), log(task))
    assert len(api.events(task)) == 2
    assert len(api.events(model, model_events=True)) == 2


def test_several_tasks_may_share_a_batch(api: Api, task: str) -> None:
    other = api.create_task()
    api.add(*(log((task, other)[place % 2], str(place), timestamp=place) for place in range(6)))
    assert [column(api.logs(one), "msg") for one in (task, other)] == [["0", "2", "4"], ["1", "3", "5"]]


def test_one_entity_has_one_allow_locked(api: Api, task: str) -> None:
    other = api.create_task()
    assert api.fail_batch([log(task), log(task, allow_locked=True), log(other)]) == (400, 12)
    assert api.fail_batch([log(task, allow_locked=True), log(task, allow_locked=False), log(other)]) == (400, 12)
    assert api.logs(task) == api.logs(other) == []
    api.add(log(task), log(task, allow_locked=False), log(other, allow_locked=True))


def test_one_id_is_not_both_task_and_model(api: Api, task: str, model: str) -> None:
    assert api.fail_batch([scalar(task), scalar(task, model_event=True)]) == (400, 12)
    assert api.fail_batch([scalar(task), scalar(UNKNOWN), scalar(UNKNOWN, model_event=True)]) == (400, 12)
    assert api.fail_batch([scalar(task), log(task, model_event=True)]) == (400, 12)
    assert api.fail_batch([scalar(task), log(task, model_event=True, other=1)]) == (400, 12)
    assert api.events(task) == []


# --- locks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["created", "started", "completed", "stopped", "failed"])
def test_a_task_takes_events_in_every_other_status(api: Api, task: str, status: str) -> None:
    if status != "created":
        api.call("tasks.started", task=task)
    if status not in ("created", "started"):
        api.call(f"tasks.{status}", task=task)
    api.add(log(task))


def test_a_published_task_is_locked(api: Api, task: str) -> None:
    api.call("tasks.publish", task=task, force=True)
    assert api.fail("events.add", log(task)) == (400, 131)
    other = api.create_task()
    answer = api.batch([log(task), scalar(task), log(other)])
    assert (answer["added"], answer["errors"], list(answer["errors_info"].values())) == (1, 2, [2])
    api.add(log(task, allow_locked=True))
    assert len(api.events(task)) == 1


def test_a_locked_task_is_refused_like_an_unknown_one(api: Api, task: str) -> None:
    """API contract 5, row 29: only the code matters."""
    api.call("tasks.publish", task=task, force=True)
    assert api.fail("events.add", log(task)) == api.fail("events.add", log(UNKNOWN)) == (400, 131)


def test_a_ready_model_is_locked(api: Api) -> None:
    ready = api.create_model(ready=True)
    assert api.fail("events.add", scalar(ready, model_event=True)) == (400, 131)
    api.add(scalar(ready, model_event=True, allow_locked=True))
    assert len(api.events(ready, model_events=True)) == 1


# --- large batches ----------------------------------------------------------------------------------------------------


def test_a_batch_has_no_greatest_number_of_lines(api: Api, task: str) -> None:
    lines = [scalar(task, number, float(number)) for number in range(20_000)]
    assert api.batch(lines)["added"] == 20_000
    assert api.call("events.get_task_events", task=task, batch_size=1)["total"] == 20_000


def test_one_bad_line_of_many_changes_nothing_for_the_others(api: Api, task: str) -> None:
    lines = [scalar(task, number, float(number)) for number in range(2_000)]
    lines[1_500] = scalar(task, 1_500, float("nan"))
    answer = api.batch(lines)
    assert (answer["added"], answer["errors"]) == (1_999, 1)
    histogram = api.call("events.scalar_metrics_iter_histogram", task=task, samples=6000)["m"]["v"]
    assert histogram["x"] == [number for number in range(2_000) if number != 1_500]


def test_logs_of_every_kind_in_one_batch(api: Api, task: str) -> None:
    """API contract, appendix A: lines of the SDK carry ``method``, which is ignored or an unknown field."""
    lines = [event | {"method": "get"} for event in one_of_each(task)]
    assert api.batch(lines)["added"] == 5
    assert column(api.events(task), "type") == list(TYPES)
    assert TYPES[0] == LOG
