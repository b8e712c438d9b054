"""``get_task_plots``, ``get_multi_task_plots``, ``plots`` (API contract 3.4, 3.13 and 3.14)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Data
from tests.harness.events import ABSENT, column, model_events, plot
from tests.integration.conftest import Service

# --- get_task_plots ---------------------------------------------------------------------------------------------------


def test_the_newest_plot_of_each_metric_and_variant(service: Service) -> None:
    task = service.new_task()
    assert service.call("get_task_plots", task=task) == {"plots": [], "returned": 0, "total": 0, "scroll_id": None}
    service.send([plot(task, 1, "one", "B"), plot(task, 5, "five", "A"), plot(task, ABSENT, "absent", "B")])
    service.send([plot(task, 3, "three", "B"), plot(task, 3, "w", "B", "w"), plot(task, 3, "key", "B", key="k")])
    answer = service.call("get_task_plots", task=task)
    assert column(answer["plots"], "plot_str") == ["five", "three", "w"]
    assert (answer["returned"], answer["total"], answer["scroll_id"]) == (3, 3, None)
    many = service.call("get_task_plots", task=task, iters=10**6, no_scroll=True, scroll_id="ignored")
    assert column(many["plots"], "plot_str") == ["five", "three", "key", "one", "absent", "w"]
    some = service.call("get_task_plots", task=task, metrics=[{"metric": "B", "variants": ["w"]}])
    assert column(some["plots"], "plot_str") == ["w"]
    for iters in (0, -1, "x"):
        assert service.fail("get_task_plots", task=task, iters=iters) == (400, 12)
    service.call("delete_for_task", task=task)
    assert service.call("get_task_plots", task=task)["plots"] == []


def test_large_plots_come_back_whole(service: Service) -> None:
    model, text = service.new_model(), "x" * 150_000
    service.send(model_events([plot(model, 0, text), plot(model, 1, "")]))
    (newest, large) = service.call("get_task_plots", task=model, model_events=True, iters=2)["plots"]
    assert (newest["plot_str"], newest["plot_len"], newest["iter"]) == ("", 0, 1)
    assert (large["plot_str"], large["plot_len"]) == (text, 150_000)
    assert "plot_data" not in large


@pytest.mark.parametrize("action", ["get_task_plots", "debug_images"])
def test_the_oldest_implementation(service: Service, action: str) -> None:
    """API contract 3.3.1 and 3.13: metric and variant are told apart by their concatenation only."""
    task = service.new_task()
    kind, events = ("plot", "plots") if action == "get_task_plots" else ("training_debug_image", "images")
    places = [(4, "a", "bc"), (3, "ab", "c"), (5, "m", "v"), (2, "ab", "c"), (ABSENT, "x", "y"), (5, "n", "v")]
    lines = [plot(task, iteration, metric=metric, variant=variant) for iteration, metric, variant in places]
    service.send(line | {"type": kind} for line in lines)
    answers = list(service.scroll(action, "1.0", task=task))
    found = [(event.get("iter"), event["metric"]) for event in answers[0][events]]
    assert found == [(5, "m"), (5, "n"), (4, "a"), (None, "x")]
    assert column(answers, "returned", "total") == [(4, 6), (0, 6)]
    assert answers[-1]["scroll_id"] == "FFFF"
    two = service.call(action, "1.7", task=task, iters=2)
    assert column(two[events][:4], "iter") == [5, 5, 4, 3]
    assert service.fail(action, "1.0", task=task, iters=0) == (400, 12)
    ended = service.call(action, "1.0", task=task, scroll_id="FFFF")
    assert (ended["returned"], ended["total"], ended["scroll_id"]) == (0, 0, None)
    assert service.fail(action, "1.0", task=task, scroll_id="garbage") == (400, 1104)


def test_pages_of_the_oldest_implementation(service: Service) -> None:
    task = service.new_task()
    service.send(plot(task, n, str(n), "m", str(n % 2)) for n in range(10_400))
    answers = list(service.scroll("get_task_plots", "1.0", task=task))
    assert column(answers, "returned", "total") == [(2, 10_400), (2, 10_400), (0, 10_400)]
    assert [column(answer["plots"], "iter") for answer in answers] == [[10_399, 10_398], [399, 398], []]


# --- get_multi_task_plots ---------------------------------------------------------------------------------------------


def tree(answer: dict[str, Any]) -> dict[str, Any]:
    """metric -> variant -> task -> iterations"""
    return {
        metric: {variant: {task: list(iters) for task, iters in tasks.items()} for variant, tasks in variants.items()}
        for metric, variants in answer["plots"].items()
    }


def test_plots_of_several_tasks(service: Service) -> None:
    one, two = service.new_task(), service.new_task()
    empty = {"plots": {}, "returned": 0, "total": 0, "scroll_id": None}
    assert service.call("get_multi_task_plots", tasks=[one, two]) == empty
    service.send([plot(one, 1, "{}", "A", "AX"), plot(one, 2, "{}", "B", "BX"), plot(one, 3, "{}", "B", "BX")])
    service.send([plot(one, 3, "{}", "C", "CX"), plot(two, 1, "{}", "C", "CX"), plot(two, 2, "{}", "A", "AY")])
    service.send([plot(two, ABSENT, "{}", "D")])
    answer = service.call("get_multi_task_plots", tasks=[two, one])
    b = {"BX": {one: ["3"]}}
    both = {"CX": {one: ["3"], two: ["1"]}}
    assert tree(answer) == {"A": {"AX": {one: ["1"]}, "AY": {two: ["2"]}}, "B": b, "C": both}
    assert list(answer["plots"]) == ["C", "B", "A"]
    assert list(answer["plots"]["A"]) == ["AY", "AX"]
    assert (answer["returned"], answer["total"]) == (3, 5)
    shown = answer["plots"]["B"]["BX"][one]["3"]
    assert (shown["name"], column(shown["plots"], "iter", "plot_str")) == ("a task", [(3, "{}")])
    last = service.call("get_multi_task_plots", tasks=[one, two], scroll_id=answer["scroll_id"])
    assert (last["plots"], last["returned"], last["total"], last["scroll_id"]) == ({}, 0, 5, "FFFF")
    of_a = service.call("get_multi_task_plots", tasks=[one, two], metrics=[{"metric": "A"}])
    assert list(tree(of_a)) == ["A"]
    per_task = service.call("get_multi_task_plots", tasks=[one, two], last_iters_per_task_metric=False)
    assert tree(per_task) == {"A": {"AY": {two: ["2"]}}, "B": b, "C": {"CX": {one: ["3"]}}}
    two_each = service.call("get_multi_task_plots", tasks=[one, two], iters=2, no_scroll=True)
    assert tree(two_each)["B"] == {"BX": {one: ["3", "2"]}}
    assert two_each["scroll_id"] is None
    assert tree(service.call("get_multi_task_plots", "1.7", tasks=[one, two]))["D"] == {"v": {two: ["null"]}}
    odd: tuple[Data, ...] = ({"tasks": []}, {}, {"tasks": [one], "iters": 0})
    for bad in odd:
        assert service.fail("get_multi_task_plots", **bad) == (400, 12)


def test_a_scroll_over_several_tasks_is_a_snapshot(service: Service) -> None:
    tasks = [service.new_task() for _ in range(3)]
    for task in tasks:
        service.send(plot(task, n, str(n), "m", str(variant)) for n in range(300) for variant in range(2))
    request: Data = {"tasks": tasks, "iters": 300}
    first = service.call("get_multi_task_plots", **request)
    assert (first["total"], first["returned"]) == (1800, 1)
    service.send(plot(task, n, "new", "m", "0") for task in tasks for n in (400, 10))
    second = service.call("get_multi_task_plots", tasks=tasks[::-1], scroll_id=first["scroll_id"])
    assert (second["total"], second["returned"]) == (1800, 1)
    last = service.call("get_multi_task_plots", tasks=tasks, scroll_id=second["scroll_id"])
    assert (last["total"], last["returned"], last["scroll_id"]) == (1800, 0, "FFFF")
    for task in tasks:
        found = [int(iteration) for answer in (first, second) for iteration in answer["plots"]["m"]["0"].get(task, {})]
        assert sorted(found) == [n for n in range(300) if n != 10]
    assert service.fail("get_multi_task_plots", tasks=tasks[:2], scroll_id=first["scroll_id"]) == (400, 1104)


# --- plots ------------------------------------------------------------------------------------------------------------


def test_plots_by_iteration(service: Service) -> None:
    task = service.new_task()
    service.send(plot(task, n, f"{n}", "m", variant, timestamp=n) for n in range(3) for variant in "ba")
    service.send([plot(task, 2, "newest", "m", "a", key="x", timestamp=9), plot(task, 2, "null", "m", "a", key="y")])
    service.send([plot(task, 2, "null", "m", "a", key="y", timestamp=None), plot(task, ABSENT, metric="m")])
    answer = service.call("plots", "1.0", metrics=[{"task": task}], iters=2)
    (found,) = answer["metrics"]
    assert [(i["iter"], column(i["events"], "plot_str")) for i in found["iterations"]] == [
        (2, ["newest", "2"]),
        (1, ["1", "1"]),
    ]
    following = service.call("plots", metrics=[{"task": task}], iters=2, scroll_id=answer["scroll_id"])
    assert column(following["metrics"][0]["iterations"], "iter") == [0]
