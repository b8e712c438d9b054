"""API contract 3.11: ``get_task_events``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import ABSENT, SCALAR, TYPES, column, image, log, model_events, one_of_each, plot, scalar

EVENTS = "events.get_task_events"


def pages(api: Api, task: str, first: Data, **following: Any) -> list[Data]:
    """Every answer of a scroll that has events, the last of them followed by an empty one."""
    answers = [api.call(EVENTS, first, task=task)]
    while answers[-1]["events"]:
        assert len(answers) < 200, "the scroll does not end"
        answers.append(api.call(EVENTS, following, task=task, scroll_id=answers[-1]["scroll_id"]))
    assert answers[-1]["returned"] == 0
    return answers[:-1]


def iters(answers: list[Data]) -> list[list[int]]:
    return [[event.get("iter") for event in answer["events"]] for answer in answers]


@pytest.fixture(scope="module")
def nine(api: Api) -> str:
    """Iterations 0 … 8 of one curve, written out of order."""
    task = api.create_task()
    api.add(*(scalar(task, iteration, float(iteration)) for iteration in (3, 0, 8, 1, 7, 2, 6, 4, 5)))
    return task


def test_the_shape_of_an_answer(api: Api, task: str) -> None:
    event = scalar(task, 0, 0.9, "loss", "train", timestamp=1671640000000, worker="w1")
    api.add(event)
    answer = api.call(EVENTS, task=task)
    assert set(answer) == {"events", "returned", "total", "scroll_id"}
    assert (answer["returned"], answer["total"]) == (1, 1)
    assert isinstance(answer["scroll_id"], str)
    (stored,) = answer["events"]
    stored.pop("@timestamp")
    assert stored == event | {"model_event": False}


def test_events_are_in_the_order_of_their_iterations(api: Api, nine: str) -> None:
    """API contract 5, row 3: not of their timestamps."""
    assert column(api.call(EVENTS, task=nine)["events"], "iter") == list(range(9))
    assert column(api.call(EVENTS, task=nine, order="asc")["events"], "iter") == list(range(9))
    assert column(api.call(EVENTS, task=nine, order="desc")["events"], "iter") == list(range(9))[::-1]
    assert column(api.call(EVENTS, task=nine, order=None)["events"], "iter") == list(range(9))


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_ties_are_by_type_then_by_write_order(api: Api, task: str, order: str) -> None:
    """API contract 3.0.2: also in descending order."""
    backwards = [event | {"note": note} for note in "ab" for event in reversed(one_of_each(task, variant=note))]
    api.add(*backwards)
    found = column(api.call(EVENTS, task=task, order=order)["events"], "type", "note")
    assert found == [(event_type, note) for event_type in TYPES for note in "ab"]


@pytest.mark.parametrize("event_type", TYPES)
def test_one_type(api: Api, task: str, event_type: str) -> None:
    api.add(*one_of_each(task))
    answer = api.call(EVENTS, task=task, event_type=event_type)
    assert (column(answer["events"], "type"), answer["total"]) == ([event_type], 1)


@pytest.mark.parametrize("event_type", ["*", None])
def test_all_types(api: Api, task: str, event_type: str | None) -> None:
    api.add(*one_of_each(task))
    assert api.call(EVENTS, task=task, event_type=event_type)["total"] == 5


@pytest.mark.parametrize(
    "fields",
    [
        {"event_type": "scalar"},
        {"event_type": ""},
        {"event_type": "training stats scalar"},
        {"order": "up"},
        {"batch_size": "x"},
        {"batch_size": -1},
        {"metrics": [{"variants": []}]},
        {"scroll_id": 5},
    ],
)
def test_malformed_requests(api: Api, task: str, fields: Data) -> None:
    assert api.fail(EVENTS, fields, task=task)[0] == 400


def test_the_filter_affects_page_and_total(api: Api, task: str) -> None:
    api.add(*(scalar(task, n, 1.0, "ab"[n % 2], "xyz"[n % 3]) for n in range(12)), plot(task, 50, metric="a"))
    answer = api.call(EVENTS, task=task, metrics=[{"metric": "a", "variants": ["x", "v"]}], batch_size=1)
    assert (column(answer["events"], "iter"), answer["total"]) == ([0], 3)
    rest = api.call(EVENTS, task=task, scroll_id=answer["scroll_id"], batch_size=10)
    assert (column(rest["events"], "iter"), rest["total"]) == ([6, 50], 3)


def test_the_total_may_be_left_out(api: Api, nine: str) -> None:
    answer = api.call(EVENTS, task=nine, count_total=False, batch_size=2)
    assert answer["total"] is None
    assert api.call(EVENTS, task=nine, scroll_id=answer["scroll_id"])["total"] is None


# --- paging -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(("batch_size", "event_type"), [(1, SCALAR), (4, "*"), (8, SCALAR), (9, "*")])
def test_pages_join_to_the_whole(api: Api, nine: str, order: str, batch_size: int, event_type: str) -> None:
    """API contract 5, row 1: a page that ends at iteration 0 is a page like any other."""
    first = {"order": order, "batch_size": batch_size, "event_type": event_type}
    answers = pages(api, nine, first, batch_size=batch_size)
    whole = list(range(9)) if order == "asc" else list(range(9))[::-1]
    assert iters(answers) == [whole[start : start + batch_size] for start in range(0, 9, batch_size)]
    assert {answer["total"] for answer in answers} == {9}


def test_the_order_and_size_of_a_scroll_are_those_of_its_first_call(api: Api, nine: str) -> None:
    """API contract 5, row 4: an omitted batch_size is inherited."""
    answers = pages(api, nine, {"event_type": SCALAR, "order": "desc", "batch_size": 4}, order="asc")
    assert iters(answers) == [[8, 7, 6, 5], [4, 3, 2, 1], [0]]


def test_a_new_batch_size_is_that_of_the_new_page(api: Api, nine: str) -> None:
    answers = pages(api, nine, {"event_type": SCALAR, "batch_size": 2}, batch_size=5)
    assert iters(answers) == [[0, 1], [2, 3, 4, 5, 6], [7, 8]]


def test_type_and_filter_of_a_scroll_are_those_of_its_first_call(api: Api, task: str) -> None:
    api.add(*(scalar(task, n, 1.0, "ab"[n % 2]) for n in range(6)), *(plot(task, n) for n in range(6)))
    first = {"event_type": SCALAR, "metrics": [{"metric": "b"}], "batch_size": 2}
    answers = pages(api, task, first, event_type="plot", metrics=[{"metric": "a"}], batch_size=2)
    assert iters(answers) == [[1, 3], [5]]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_an_iteration_is_never_split_between_pages(api: Api, task: str, order: str) -> None:
    api.add(*(scalar(task, iteration, variant=str(place)) for iteration in range(-1, 3) for place in range(5)))
    answers = pages(api, task, {"order": order, "batch_size": 3}, batch_size=3)
    expected = [[iteration] * 5 for iteration in range(-1, 3)]
    assert iters(answers) == (expected if order == "asc" else expected[::-1])
    assert [column(answer["events"], "variant") for answer in answers] == [list("01234")] * 4


def test_a_page_completed_by_ties_in_the_middle_of_the_next_iteration(api: Api, task: str) -> None:
    api.add(*(scalar(task, iteration, variant=str(place)) for iteration in (1, 2, 3) for place in range(2)))
    assert iters(pages(api, task, {"event_type": SCALAR, "batch_size": 3}, batch_size=3)) == [[1, 1, 2, 2], [3, 3]]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_events_without_an_iteration_come_last_and_are_paged(api: Api, task: str, order: str) -> None:
    """API contract 5, row 2; by type, then in write order."""
    without = [scalar(task, ABSENT, metric="absent"), scalar(task, None, metric="null")]
    logs = [log(task, f"l{number}") for number in range(7)]
    api.add(*without, *logs, scalar(task, -1), scalar(task, 0), scalar(task, 1))
    answers = pages(api, task, {"order": order, "batch_size": 2}, batch_size=2)
    found = [event for answer in answers for event in answer["events"]]
    counted = [-1, 0, 1] if order == "asc" else [1, 0, -1]
    assert [event.get("iter") for event in found] == counted + [None] * 9
    assert column(found[3:10], "msg") == [f"l{number}" for number in range(7)]
    assert column(found[10:], "metric") == ["absent", "null"]
    assert {answer["total"] for answer in answers} == {12}


def test_a_task_of_nothing_but_logs(api: Api, task: str) -> None:
    api.add(*(log(task, str(number)) for number in range(1_203)))
    answers = pages(api, task, {}, batch_size=500)
    assert [event["msg"] for answer in answers for event in answer["events"]] == list(map(str, range(1_203)))


def test_the_default_page_has_500_events(api: Api, task: str) -> None:
    api.add(*(scalar(task, number) for number in range(1_001)))
    assert [answer["returned"] for answer in pages(api, task, {"event_type": SCALAR})] == [500, 500, 1]


def test_the_sdk_reads_until_a_page_is_short(api: Api, task: str) -> None:
    api.add(*(scalar(task, number) for number in range(2_100)), plot(task, 5))
    request = {"task": task, "event_type": SCALAR, "batch_size": 1000}
    answers = [api.call(EVENTS, request)]
    while answers[-1]["returned"] >= 1000 and answers[-1]["scroll_id"]:
        answers.append(api.call(EVENTS, request, scroll_id=answers[-1]["scroll_id"]))
    assert [answer["returned"] for answer in answers] == [1000, 1000, 100]
    assert sum(answer["returned"] for answer in answers) == answers[0]["total"]


def test_a_page_of_10_000(api: Api, task: str) -> None:
    api.add(*(scalar(task, number) for number in range(10_050)))
    answer = api.call(EVENTS, task=task, batch_size=10_000)
    assert (answer["returned"], answer["total"]) == (10_000, 10_050)
    rest = api.call(EVENTS, task=task, batch_size=10_000, scroll_id=answer["scroll_id"])
    assert column(rest["events"], "iter") == list(range(10_000, 10_050))


def test_a_page_beyond_10_000_is_refused_or_whole(api: Api, nine: str) -> None:
    response = api.raw(EVENTS, {"task": nine, "batch_size": 10_001})
    assert response.status_code == 400 or response.json()["data"]["returned"] == 9


def test_a_page_of_nothing(api: Api, nine: str) -> None:
    answer = api.call(EVENTS, task=nine, batch_size=0)
    assert (answer["events"], answer["returned"], answer["total"]) == ([], 0, 9)


def test_no_events(api: Api, task: str) -> None:
    answer = api.call(EVENTS, task=task)
    assert (answer["events"], answer["returned"], answer["total"]) == ([], 0, 0)


# --- the end ----------------------------------------------------------------------------------------------------------


def test_every_answer_has_a_scroll_id_and_the_end_is_the_end(api: Api, nine: str) -> None:
    answer = api.call(EVENTS, task=nine)
    for _ in range(3):
        answer = api.call(EVENTS, task=nine, scroll_id=answer["scroll_id"])
        assert (answer["events"], answer["returned"], answer["total"]) == ([], 0, 9)
        assert answer["scroll_id"]


def test_models(api: Api, model: str) -> None:
    api.add(*model_events([scalar(model, n) for n in range(4)] + [image(model, 4)]))
    answer = api.call(EVENTS, task=model, model_events=True, batch_size=3)
    assert column(answer["events"], "iter") == [0, 1, 2]
    rest = api.call(EVENTS, task=model, model_events=True, scroll_id=answer["scroll_id"])
    assert column(rest["events"], "iter", "model_event") == [(3, True), (4, True)]
    assert api.fail(EVENTS, task=model, scroll_id=answer["scroll_id"])[0] == 400


@pytest.mark.parametrize("event_type", TYPES)
def test_many_ties_are_still_one_page(api: Api, task: str, event_type: str) -> None:
    fields = {"type": event_type, "task": task, "iter": 7, "url": "u", "plot_str": "{}"}
    api.add(*(fields | {"variant": f"{n:04}", "values": [n], "value": n} for n in range(300)))
    answer = api.call(EVENTS, task=task, batch_size=1)
    assert column(answer["events"], "variant") == [f"{n:04}" for n in range(300)]
