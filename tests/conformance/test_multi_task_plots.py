"""API contract 3.14: ``get_multi_task_plots``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import ABSENT, image, model_events, plot

MULTI = "events.get_multi_task_plots"
NO_MORE = (None, "FFFF")


def plots(api: Api, tasks: list[str], version: str = "999.0", **fields: Any) -> Data:
    answer = api.call(MULTI, fields, version=version, tasks=tasks)
    assert set(answer) == {"plots", "returned", "total", "scroll_id"}
    assert answer["returned"] == len(answer["plots"])
    return answer


def iterations(answer: Data) -> dict[str, dict[str, dict[str, list[str]]]]:
    """metric → variant → task → iterations as they are emitted."""
    return {
        metric: {variant: {task: list(found) for task, found in tasks.items()} for variant, tasks in variants.items()}
        for metric, variants in answer["plots"].items()
    }


@pytest.fixture
def two(api: Api) -> tuple[str, str]:
    """The upstream test: A/AX@1, B/BX@2, B/BX@3, C/CX@3 and C/CX@1, A/AY@2."""
    one, two = api.create_task("task one"), api.create_task("task two")
    api.add(*(plot(one, n, "{}", v[0], v) for v, n in (("AX", 1), ("BX", 2), ("BX", 3), ("CX", 3))))
    api.add(*(plot(two, n, "{}", v[0], v) for v, n in (("CX", 1), ("AY", 2))))
    return one, two


def test_the_last_iteration_of_each_task_and_metric(api: Api, two: tuple[str, str]) -> None:
    one, other = two
    answer = plots(api, [one, other])
    assert iterations(answer) == {
        "A": {"AX": {one: ["1"]}, "AY": {other: ["2"]}},
        "B": {"BX": {one: ["3"]}},
        "C": {"CX": {one: ["3"], other: ["1"]}},
    }
    assert (answer["returned"], answer["total"]) == (3, 5)


def test_the_last_iteration_of_each_task(api: Api, two: tuple[str, str]) -> None:
    one, other = two
    answer = plots(api, [one, other], last_iters_per_task_metric=False)
    assert iterations(answer) == {
        "A": {"AY": {other: ["2"]}},
        "B": {"BX": {one: ["3"]}},
        "C": {"CX": {one: ["3"]}},
    }
    assert answer["total"] == 3


def test_the_metric_filter(api: Api, two: tuple[str, str]) -> None:
    one, other = two
    answer = plots(api, [one, other], metrics=[{"metric": "A"}])
    assert iterations(answer) == {"A": {"AX": {one: ["1"]}, "AY": {other: ["2"]}}}
    answer = plots(api, [one, other], metrics=[{"metric": "A", "variants": ["AY"]}, {"metric": "C"}])
    assert iterations(answer) == {"A": {"AY": {other: ["2"]}}, "C": {"CX": {one: ["3"], other: ["1"]}}}


def test_the_shape_of_an_answer(api: Api) -> None:
    task = api.create_task("Task one")
    event = plot(task, 3, "{}", "roc", "val", timestamp=5, worker="w1")
    api.add(event, plot(task, 2, "{}", "roc", "val"))
    answer = plots(api, [task])
    entry = answer["plots"]["roc"]["val"][task]["3"]
    assert set(entry) == {"name", "plots"}
    assert entry["name"] == "Task one"
    (stored,) = entry["plots"]
    stored.pop("@timestamp")
    assert stored == event | {"model_event": False, "plot_len": 2}
    assert (answer["returned"], answer["total"]) == (1, 1)


def test_every_level_descends(api: Api) -> None:
    tasks = sorted(api.create_task() for _ in range(3))
    numbers = (9, 10, 2)
    api.add(*(plot(task, n, "{}", m, v) for task in tasks for n in numbers for m in ("b", "a", "é") for v in "yx"))
    found = iterations(plots(api, tasks, iters=3))
    assert list(found) == ["é", "b", "a"]
    assert list(found["a"]) == ["y", "x"]
    assert list(found["a"]["x"]) == tasks[::-1]
    assert found["a"]["x"][tasks[0]] == ["10", "9", "2"]


def test_several_plots_of_one_iteration(api: Api, task: str) -> None:
    """C: of each metric, variant and task the ``iters`` events of the greatest iterations."""
    api.add(*(plot(task, n, f"{n}{key}", key=key) for n in (1, 2) for key in "ab"))
    found = plots(api, [task], iters=3)["plots"]["m"]["v"][task]
    texts = {iteration: [event["plot_str"] for event in entry["plots"]] for iteration, entry in found.items()}
    assert texts == {"2": ["2a", "2b"], "1": ["1a"]}
    assert plots(api, [task], iters=3)["total"] == 4


def test_the_iterations_of_one_metric_are_shared_by_its_variants(api: Api, task: str) -> None:
    api.add(
        plot(task, 1, variant="a"), plot(task, 2, variant="b"), plot(task, 5, variant="c"), plot(task, 9, metric="n")
    )
    assert iterations(plots(api, [task])) == {"n": {"v": {task: ["9"]}}, "m": {"c": {task: ["5"]}}}
    both = iterations(plots(api, [task], iters=2))
    assert both == {"n": {"v": {task: ["9"]}}, "m": {"c": {task: ["5"]}, "b": {task: ["2"]}}}


def test_a_thousand_plots_a_page(api: Api, task: str) -> None:
    api.add(*(plot(task, 1, "{}", f"m{n:04}") for n in range(1_200)))
    first = plots(api, [task])
    assert (first["returned"], first["total"]) == (1_000, 1_200)
    second = plots(api, [task], scroll_id=first["scroll_id"])
    assert (second["returned"], second["total"]) == (200, 1_200)
    assert sorted([*first["plots"], *second["plots"]]) == [f"m{n:04}" for n in range(1_200)]
    end = plots(api, [task], scroll_id=second["scroll_id"])
    assert (end["plots"], end["scroll_id"] in NO_MORE) == ({}, True)


def test_without_a_scroll_only_the_first_page(api: Api, task: str) -> None:
    api.add(*(plot(task, 1, "{}", f"m{n:04}") for n in range(1_001)))
    answer = plots(api, [task], no_scroll=True)
    assert (answer["returned"], answer["total"], answer["scroll_id"]) == (1_000, 1_001, None)


def test_pages_are_by_iteration_descending(api: Api, task: str) -> None:
    api.add(*(plot(task, n % 2, "{}", "m", f"v{n:04}") for n in range(1_500)))
    first = plots(api, [task], iters=2)
    found = [n for variants in iterations(first).values() for tasks in variants.values() for n in tasks[task]]
    assert (found.count("1"), found.count("0")) == (750, 250)


def test_no_plots(api: Api, task: str) -> None:
    api.add(image(task, 1))
    answer = plots(api, [task])
    assert (answer["plots"], answer["total"], answer["scroll_id"] in NO_MORE) == ({}, 0, True)


def test_plots_without_an_iteration_are_no_fault(api: Api, task: str) -> None:
    """API contract 5, row 32."""
    api.add(plot(task, ABSENT, "none", "n"), plot(task, 1, "one"))
    assert plots(api, [task])["plots"]["m"]["v"][task]["1"]["plots"][0]["plot_str"] == "one"
    assert plots(api, [task], "1.0")["plots"]["m"]["v"][task]["1"]["plots"][0]["plot_str"] == "one"


def test_models(api: Api, model: str) -> None:
    api.add(*model_events([plot(model, n) for n in (1, 2)]))
    answer = plots(api, [model], model_events=True)
    assert answer["plots"]["m"]["v"][model]["2"]["name"] == "a model"
    assert iterations(answer) == {"m": {"v": {model: ["2"]}}}


# --- implementation 1.0 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.7"])
def test_the_last_of_each_metric_variant_and_task(api: Api, two: tuple[str, str], version: str) -> None:
    one, other = two
    answer = plots(api, [one, other], version)
    assert iterations(answer) == {
        "A": {"AX": {one: ["1"]}, "AY": {other: ["2"]}},
        "B": {"BX": {one: ["3"]}},
        "C": {"CX": {one: ["3"], other: ["1"]}},
    }
    assert (answer["returned"], answer["total"]) == (3, 6)
    assert iterations(plots(api, [one, other], version, iters=2))["B"] == {"BX": {one: ["3", "2"]}}


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.8"])
@pytest.mark.parametrize("tasks", [None, [], "x", [5]])
def test_malformed_lists_of_tasks(api: Api, version: str, tasks: object) -> None:
    assert api.fail(MULTI, tasks=tasks, version=version) == (400, 12)


@pytest.mark.parametrize("fields", [{"iters": 0}, {"iters": -1}, {"iters": "x"}, {"metrics": [{}]}, {"scroll_id": 5}])
def test_malformed_requests(api: Api, task: str, fields: Data) -> None:
    assert api.fail(MULTI, fields, tasks=[task]) == (400, 12)
