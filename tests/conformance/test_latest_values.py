"""API contract 3.21: ``get_task_latest_scalar_values``, as API contract 5, row 21 mends it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import ABSENT, SINGLE_VALUE, image, log, scalar

LATEST = "events.get_task_latest_scalar_values"
FLOAT_031 = 0.3100000023841858  # 0.31 as a 32-bit float


def values(api: Api, task: str) -> dict[tuple[str, str], Data]:
    """What is told of each curve."""
    metrics = api.call(LATEST, task=task)["metrics"]
    return {(metric["name"], variant["name"]): variant for metric in metrics for variant in metric["variants"]}


def test_the_worked_example(api: Api) -> None:
    task = api.create_task("named")
    before = time.time() * 1000
    api.add(scalar(task, 1, 0.9, "loss", "train"), scalar(task, 5, 0.31, "loss", "train"), log(task, iter=77))
    answer = api.call(LATEST, task=task)
    (metric,) = answer["metrics"]
    (variant,) = metric["variants"]
    assert (metric["name"], variant["name"], variant["last_value"]) == ("loss", "train", FLOAT_031)
    assert (answer["last_iter"], answer["name"], answer["status"]) == (77, "named", "created")
    assert isinstance(answer["last_timestamp"], int | float)
    assert before - 1 <= answer["last_timestamp"] <= time.time() * 1000
    assert set(variant) == {"name", "last_value", "last_10_value", "last_100_value"}


def test_the_last_value_is_that_of_the_greatest_iteration(api: Api, task: str) -> None:
    api.add(scalar(task, 9, 0.5), scalar(task, 3, 0.25))
    api.add(scalar(task, 4, 0.75))
    assert values(api, task)["m", "v"]["last_value"] == 0.5


def test_values_are_considered_whatever_their_sign(api: Api, task: str) -> None:
    api.add(scalar(task, 1, 5.0), scalar(task, 2, -0.5), scalar(task, 1, 0.0, "zero"))
    assert values(api, task)["m", "v"]["last_value"] == -0.5
    assert values(api, task)["zero", "v"]["last_value"] == 0.0


def test_the_mean_of_the_last_hundred_values(api: Api, task: str) -> None:
    api.add(*(scalar(task, n, float(n)) for n in range(1, 151)))
    found = values(api, task)["m", "v"]
    assert found["last_value"] == 150.0
    assert found["last_100_value"] == sum(range(51, 151)) / 100
    assert found["last_10_value"] in (150.0, sum(range(141, 151)) / 10)


def test_fewer_values_than_a_hundred(api: Api, task: str) -> None:
    api.add(scalar(task, 1, 1.0), scalar(task, 2, 2.0), scalar(task, 3, ABSENT))
    found = values(api, task)["m", "v"]
    assert (found["last_value"], found["last_100_value"]) == (2.0, 1.5)


def test_long_curves_beside_those_that_ended_or_have_few_values(api: Api, task: str) -> None:
    iterations = {"long": range(2000), "ended": range(150), "sparse": range(0, 2000, 50), "late": range(1500, 1520)}
    for metric, known in iterations.items():
        api.add(*(scalar(task, n, float(n), metric) for n in known))
    api.add(scalar(task, ABSENT, 7.0, "none"), scalar(task, SINGLE_VALUE, 8.0, "single"))
    found = {metric: (told["last_value"], told["last_100_value"]) for (metric, _), told in values(api, task).items()}
    expected = {
        metric: (float(known[-1]), sum(known[-100:]) / len(known[-100:])) for metric, known in iterations.items()
    }
    assert found == expected | {"none": (7.0, 7.0), "single": (8.0, 8.0)}


def test_names_ascend_by_their_code_points(api: Api, task: str) -> None:
    names = ["b", "a", "Z", "é", "\U0001f600", "a b", ""]
    api.add(*(scalar(task, 1, 1.0, metric, variant) for metric in names for variant in ("y", "X")))
    metrics = api.call(LATEST, task=task)["metrics"]
    assert [metric["name"] for metric in metrics] == sorted(names)
    assert all([variant["name"] for variant in metric["variants"]] == ["X", "y"] for metric in metrics)


def test_the_last_iteration_is_that_of_any_event(api: Api, task: str) -> None:
    api.add(scalar(task, 5), image(task, 8), scalar(task, 900, metric=":monitor:machine"))
    assert api.call(LATEST, task=task)["last_iter"] == 900


@pytest.mark.parametrize(("iteration", "expected"), [(ABSENT, 0), (None, 0), (-7, -7), (SINGLE_VALUE, SINGLE_VALUE)])
def test_the_last_iteration_may_be_negative(api: Api, task: str, iteration: Any, expected: int) -> None:
    api.add(scalar(task, iteration))
    assert api.call(LATEST, task=task)["last_iter"] == expected


def test_nothing(api: Api, task: str) -> None:
    answer = api.call(LATEST, task=task)
    assert (answer["metrics"], answer["last_iter"], answer["last_timestamp"]) == ([], 0, 0)


def test_the_status_is_the_tasks(api: Api, task: str) -> None:
    api.call("tasks.started", task=task)
    assert api.call(LATEST, task=task)["status"] == "in_progress"


def test_an_overwritten_value_is_gone(api: Api, task: str) -> None:
    api.add(scalar(task, 1, 5.0), scalar(task, 2, 9.0))
    api.add(scalar(task, 2, 3.0))
    found = values(api, task)["m", "v"]
    assert (found["last_value"], found["last_100_value"]) == (3.0, 4.0)


def test_malformed_requests(api: Api) -> None:
    assert api.fail(LATEST) == (400, 12)
    assert api.fail(LATEST, task=5) == (400, 12)


# --- a page of the metrics (API contract 6.7) -------------------------------------------------------------------------


def test_a_page_of_the_metrics(api: Api, task: str) -> None:
    """The last iteration is the task's, and the values are those of the whole."""
    api.add(
        *(scalar(task, n, n / 2, f"m{m:02}", v) for n in range(120) for m in range(7) for v in "vw"),
        log(task, iter=500),
    )
    whole = api.call(LATEST, task=task)
    page = api.call(LATEST, task=task, page=1, page_size=3)
    assert page["metrics"] == whole["metrics"][3:6]
    assert (page["total"], page["last_iter"]) == (7, 500)
    assert "total" not in whole
    assert api.call(LATEST, task=task, page=9, page_size=3)["metrics"] == []


def test_metrics_by_a_pattern_of_curves_of_different_length(api: Api, task: str) -> None:
    """Of long curves the end alone is read; others are read whole."""
    api.add(
        *(scalar(task, n, float(n), "long") for n in range(2000)), *(scalar(task, n, 1.0, "short") for n in range(3))
    )
    api.add(scalar(task, SINGLE_VALUE, 0.5, "single"), scalar(task, 7, 2.0, "other"))
    whole = {metric["name"]: metric for metric in api.call(LATEST, task=task)["metrics"]}
    chosen = api.call(LATEST, task=task, pattern="^(long|short|single)$")
    assert chosen["metrics"] == [whole[name] for name in ("long", "short", "single")]
    assert whole["long"]["variants"][0]["last_100_value"] == sum(range(1900, 2000)) / 100
