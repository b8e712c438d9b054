"""Which metrics there are, and vectors (API contract 3.9, 3.15 to 3.17 and 4)."""

from __future__ import annotations

import pytest

from tests.harness.api import Data
from tests.harness.events import (
    ABSENT,
    LOG,
    PLOT,
    SCALAR,
    SINGLE_VALUE,
    VECTOR,
    log,
    model_events,
    plot,
    scalar,
    vector,
)
from tests.integration.conftest import Service


def test_metrics_of_tasks(service: Service) -> None:
    first, second = service.new_task(), service.new_task()
    service.send([scalar(first, 0, metric="loss"), scalar(first, 0, metric="é"), scalar(first, 0, metric="Acc")])
    service.send([scalar(first, SINGLE_VALUE, metric="Summary"), scalar(first, ABSENT, metric="absent")])
    service.send([plot(first, SINGLE_VALUE + 1, metric="roc"), log(first), log(first, metric="step", iter=3)])
    found = service.call("get_task_metrics", tasks=[second, first, second], event_type="*")["metrics"]
    empty = {"task": second, "metrics": []}
    assert found == [empty, {"task": first, "metrics": ["Acc", "loss", "roc", "step", "é"]}, empty]
    scalars = service.call("get_task_metrics", tasks=[first], event_type=SCALAR)["metrics"]
    assert scalars == [{"task": first, "metrics": ["Acc", "loss", "é"]}]
    for bad in ({}, {"event_type": "x"}, {"event_type": ""}):
        assert service.fail("get_task_metrics", tasks=[first], **bad) == (400, 12)
    assert service.fail("get_task_metrics", tasks=[], event_type="*") == (400, 12)


def test_metrics_of_cleared_logs_are_gone(service: Service) -> None:
    first, second = service.new_task(), service.new_task()
    service.send(log(task, metric=metric, iter=1) for task in (first, second) for metric in "ab")
    service.call("clear_task_log", task=first, include_metrics=["a"])
    found = service.call("get_task_metrics", tasks=[first, second], event_type=LOG)["metrics"]
    assert found == [{"task": first, "metrics": ["b"]}, {"task": second, "metrics": ["a", "b"]}]
    assert service.call("get_multi_task_metrics", tasks=[first], event_type=LOG) == {
        "metrics": [{"metric": "b", "variants": [""]}]
    }
    service.call("delete_for_task", task=second)
    service.send([scalar(second, metric="new")])
    found = service.call("get_task_metrics", tasks=[second, first], event_type="*")["metrics"]
    assert found == [{"task": second, "metrics": ["new"]}, {"task": first, "metrics": ["b"]}]


def test_metrics_and_variants_of_all_tasks(service: Service) -> None:
    first, second = service.new_task(), service.new_task()
    service.send([scalar(first, 0, metric="acc", variant="val"), scalar(second, ABSENT, metric="acc", variant="train")])
    service.send([plot(second, metric="roc"), log(first)])
    scalars = service.call("get_multi_task_metrics", tasks=[first, second], event_type=SCALAR)["metrics"]
    assert scalars == [{"metric": "acc", "variants": ["train", "val"]}]
    every = [{"metric": "", "variants": [""]}, *scalars, {"metric": "roc", "variants": ["v"]}]
    assert service.call("get_multi_task_metrics", tasks=[second, first]) == {"metrics": every}
    assert service.call("get_multi_task_metrics", tasks=[first], event_type=PLOT) == {"metrics": []}


@pytest.mark.parametrize(("action", "make"), [("scalar", scalar), ("vector", vector)])
def test_metrics_and_variants_of_one_task(service: Service, action: str, make: type) -> None:
    model, action = service.new_model(), f"get_{action}_metrics_and_variants"
    assert service.call(action, task=model, model_events=True) == {"metrics": {}}
    names = [("loss", "b"), ("acc", "x"), ("loss", "a")]
    service.send(model_events(make(model, SINGLE_VALUE, metric=m, variant=v) for m, v in names))
    service.send(model_events([make(model, ABSENT, metric="z"), plot(model)]))
    found = service.call(action, task=model, model_events=True)["metrics"]
    assert list(found.items()) == [("acc", ["x"]), ("loss", ["a", "b"]), ("z", ["v"])]
    assert service.fail(action, task=model) == (400, 101)


def test_vectors(service: Service) -> None:
    task = service.new_task()
    names = {"metric": "m", "variant": "v"}
    empty: Data = names | {"vectors": [], "iterations": []}
    assert service.call("vector_metrics_iter_histogram", task=task, **names) == empty
    service.send([vector(task, 2, (1, 2)), vector(task, 1, (3, 4.5)), vector(task, 9, variant="w")])
    service.send(
        [vector(task, ABSENT), vector(task, 3, ABSENT), vector(task, 4, None), vector(task, -1, ABSENT, value=7)]
    )
    assert service.call("vector_metrics_iter_histogram", task=task, **names) == names | {
        "vectors": [7, [3, 4.5], [1, 2]],
        "iterations": [-1, 1, 2],
    }
    assert service.fail("vector_metrics_iter_histogram", task=task, metric="m") == (400, 12)
    assert VECTOR in {event["type"] for event in service.call("get_task_events", task=task)["events"]}
