"""API contract 3.15 and 3.16, and ``get_multi_task_metrics`` (API contract 4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api
from tests.harness.events import ABSENT, SINGLE_VALUE, TYPES, log, model_events, one_of_each, plot, scalar, vector

OF_TYPE = {
    "events.get_scalar_metrics_and_variants": scalar,
    "events.get_vector_metrics_and_variants": vector,
}
MULTI = "events.get_multi_task_metrics"
NAMES = ["b", "a", "Z", "é", "\U0001f600", "a b", "", "10", "9"]

each = pytest.mark.parametrize("action", OF_TYPE)


@each
def test_the_worked_example(api: Api, task: str, action: str) -> None:
    made = OF_TYPE[action]
    api.add(*(made(task, 1, metric=m, variant=v) for m, v in (("loss", "train"), ("acc", "val"), ("acc", "train"))))
    assert api.call(action, task=task) == {"metrics": {"acc": ["train", "val"], "loss": ["train"]}}


@each
def test_names_ascend_by_their_code_points(api: Api, task: str, action: str) -> None:
    api.add(*(OF_TYPE[action](task, 1, metric=metric, variant=variant) for metric in NAMES for variant in NAMES))
    metrics = api.call(action, task=task)["metrics"]
    assert list(metrics) == sorted(NAMES)
    assert all(variants == sorted(NAMES) for variants in metrics.values())


@each
@pytest.mark.parametrize("iteration", [SINGLE_VALUE, ABSENT, None, -5, 0])
def test_every_event_counts_whatever_its_iteration(api: Api, task: str, action: str, iteration: Any) -> None:
    api.add(OF_TYPE[action](task, iteration))
    assert api.call(action, task=task) == {"metrics": {"m": ["v"]}}


@each
def test_only_events_of_that_type_count(api: Api, task: str, action: str) -> None:
    others = [event for event in one_of_each(task) if event["type"] != OF_TYPE[action]("")["type"]]
    api.add(*others)
    assert api.call(action, task=task) == {"metrics": {}}


@each
def test_models_and_the_default_of_model_events(api: Api, model: str, action: str) -> None:
    api.add(*model_events([OF_TYPE[action](model, 1)]))
    assert api.call(action, task=model, model_events=True) == {"metrics": {"m": ["v"]}}
    assert api.fail(action, task=model) == (400, 101)


@each
def test_many_metrics_and_variants_are_all_returned(api: Api, task: str, action: str) -> None:
    """API contract, appendix D: API contract 3.0.7's ceilings are minimum guarantees."""
    api.add(*(OF_TYPE[action](task, 1, metric=f"m{n % 400}", variant=f"v{n // 400}") for n in range(4_000)))
    metrics = api.call(action, task=task)["metrics"]
    assert len(metrics) == 400
    assert {len(variants) for variants in metrics.values()} == {10}


@each
def test_malformed_requests(api: Api, action: str) -> None:
    assert api.fail(action) == (400, 12)
    assert api.fail(action, task=["x"]) == (400, 12)


# --- get_multi_task_metrics -------------------------------------------------------------------------------------------


def test_the_union_over_all_tasks(api: Api, task: str) -> None:
    other = api.create_task()
    api.add(scalar(task, 1, 1.0, "loss", "train"), scalar(other, 1, 1.0, "loss", "val"), plot(other, metric="acc"))
    assert api.call(MULTI, tasks=[other, task, task]) == {
        "metrics": [{"metric": "acc", "variants": ["v"]}, {"metric": "loss", "variants": ["train", "val"]}]
    }


@pytest.mark.parametrize("event_type", [*TYPES, "*", None])
def test_of_one_type_or_all(api: Api, task: str, event_type: str | None) -> None:
    api.add(*(event | {"metric": event["type"]} for event in one_of_each(task)))
    names = sorted(TYPES) if event_type in ("*", None) else [event_type]
    found = api.call(MULTI, tasks=[task], event_type=event_type)["metrics"]
    assert found == [{"metric": name, "variants": ["v"]} for name in names]


def test_there_is_no_condition_on_the_iteration(api: Api, task: str) -> None:
    api.add(scalar(task, SINGLE_VALUE, 1.0, "single"), log(task, metric="logged"))
    found = api.call(MULTI, tasks=[task])["metrics"]
    assert [entry["metric"] for entry in found] == ["logged", "single"]


def test_no_metrics(api: Api, task: str) -> None:
    assert api.call(MULTI, tasks=[task]) == {"metrics": []}


def test_models(api: Api, model: str) -> None:
    api.add(*model_events([scalar(model, 1)]))
    assert api.call(MULTI, tasks=[model], model_events=True) == {"metrics": [{"metric": "m", "variants": ["v"]}]}


@pytest.mark.parametrize("fields", [{}, {"tasks": []}, {"tasks": "x"}, {"event_type": "scalar"}, {"event_type": ""}])
def test_malformed_requests_of_several_tasks(api: Api, task: str, fields: dict[str, Any]) -> None:
    body = fields if not fields or "tasks" in fields else {"tasks": [task]} | fields
    assert api.fail(MULTI, body) == (400, 12)


# --- a page of the metrics (API contract 6.7) -------------------------------------------------------------------------


@each
def test_a_page_of_the_metrics(api: Api, task: str, action: str) -> None:
    api.add(*(OF_TYPE[action](task, 1, metric=f"m{n:02}", variant=v) for n in range(12) for v in "wv"))
    told = api.call(action, task=task, page=1, page_size=5)
    assert told == {"metrics": {f"m{n:02}": ["v", "w"] for n in range(5, 10)}, "total": 12}
    assert list(api.call(action, task=task, page=2, page_size=5)["metrics"]) == ["m10", "m11"]
    assert api.call(action, task=task, page=3, page_size=5) == {"metrics": {}, "total": 0}


@each
def test_metrics_by_a_pattern(api: Api, task: str, action: str) -> None:
    api.add(*(OF_TYPE[action](task, 1, metric=metric, variant="v") for metric in ("layer.1", "layer.10", "loss")))
    assert list(api.call(action, task=task, pattern=r"layer\.1$")["metrics"]) == ["layer.1"]
    assert api.call(action, task=task, pattern="^l", page_size=2) == {
        "metrics": {"layer.1": ["v"], "layer.10": ["v"]},
        "total": 3,
    }
    assert api.call(action, task=task, pattern="(?i)LOSS") == {"metrics": {"loss": ["v"]}, "total": 1}


@each
@pytest.mark.parametrize("pattern", ["(", "(?=a)", "x" * 1001])
def test_what_is_no_pattern_is_refused(api: Api, task: str, action: str, pattern: str) -> None:
    api.add(OF_TYPE[action](task, 1))
    assert api.fail(action, task=task, pattern=pattern)[0] == 400


@each
def test_a_page_after_a_deletion(api: Api, task: str, action: str) -> None:
    api.add(OF_TYPE[action](task, 1, metric="old"))
    api.call("events.delete_for_task", task=task)
    api.add(OF_TYPE[action](task, 1, metric="new"))
    assert list(api.call(action, task=task, page_size=5)["metrics"]) == ["new"]
