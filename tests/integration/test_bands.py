"""``events.scalar_metrics_bands``, compared with a calculation by numpy over what was written."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tests.harness.events import SINGLE_VALUE, scalar
from tests.integration.conftest import Service

QUANTILES = [0.0, 0.1, 0.5, 0.75]
Curve = dict[int, float]


def bands(service: Service, groups: Sequence[Sequence[str]], **others: Any) -> Any:
    asked = {"groups": groups, "metric": "loss", "variant": "val", "quantiles": QUANTILES} | others
    return service.call("scalar_metrics_bands", **asked)


def expected(curves: Sequence[Curve], width: int) -> dict[str, Any]:
    """The band of a group's curves."""
    means: dict[int, list[float]] = {}
    for curve in curves:
        buckets: dict[int, list[float]] = {}
        for step, value in curve.items():
            buckets.setdefault(step - step % width, []).append(value)
        for start, values in buckets.items():
            means.setdefault(start, []).append(float(np.mean(values)))
    found = [np.array(means[start]) for start in sorted(means)]
    band: dict[str, Any] = {"x": sorted(means), "count": [len(values) for values in found]}
    statistics: dict[str, Callable[..., Any]] = {"mean": np.mean, "std": np.std, "min": np.min, "max": np.max}
    for name, statistic in statistics.items():
        band[name] = pytest.approx([float(statistic(values)) for values in found])
    band["quantiles"] = [pytest.approx([float(np.quantile(values, q)) for values in found]) for q in QUANTILES]
    return band


@pytest.fixture(scope="module")
def curves(service: Service) -> dict[str, Curve]:
    """Tasks with random curves of several lengths, from several starts."""
    chance = random.Random(7)
    drawn: dict[str, Curve] = {}
    for number in range(7):
        steps = range(-5 * number, chance.randrange(20, 120), 1 + number % 3)
        task = service.new_task()
        drawn[task] = {step: chance.random() for step in steps}
        others = [scalar(task, step, 99.0, "loss", "train") for step in range(3)]
        service.send([*others, *(scalar(task, step, value, "loss", "val") for step, value in drawn[task].items())])
    return drawn


@pytest.mark.parametrize("samples", [1, 7, 1000])
def test_bands_are_the_statistics_of_the_groups_tasks(service: Service, curves: dict[str, Curve], samples: int) -> None:
    tasks = list(curves)
    groups = [tasks[:4], tasks[4:6], tasks[6:]]
    answer = bands(service, groups, samples=samples)
    steps = [step for curve in curves.values() for step in curve]
    assert answer["interval"] == max(1, -(-(max(steps) - min(steps) + 1) // samples))
    for group, found in zip(groups, answer["groups"], strict=True):
        of_group = [curves[task] for task in group]
        assert found == {"tasks": len(group)} | expected(of_group, answer["interval"])


def test_a_part_of_the_axis_has_its_own_buckets(service: Service, curves: dict[str, Curve]) -> None:
    answer = bands(service, [list(curves)], samples=5, x_min=3, x_max=17)
    part = [{step: value for step, value in curve.items() if 3 <= step <= 17} for curve in curves.values()]
    assert answer == {"interval": 3, "groups": [{"tasks": len(curves)} | expected(part, 3)]}


def test_what_was_deleted_overwritten_or_has_no_iteration_does_not_count(service: Service) -> None:
    task, other, none = service.new_task(), service.new_task(), service.new_task()
    service.send([scalar(task, 1, 5.0, "loss", "val")])
    service.call("delete_for_task", task=task)
    service.send([scalar(task, 2, 1.0, "loss", "val"), scalar(other, 2, 7.0, "loss", "val")])
    service.send([scalar(other, 2, 3.0, "loss", "val"), scalar(other, SINGLE_VALUE, 8.0, "loss", "val")])
    service.send([scalar(other, 4, None, "loss", "val")])
    answer = bands(service, [[task, other, none], [service.new_task()]])
    assert [group["tasks"] for group in answer["groups"]] == [2, 0]
    assert answer["groups"][0]["x"] == [2]
    assert answer["groups"][0]["mean"] == [2.0]
    assert answer["groups"][1] == {"tasks": 0} | expected([], 1)


def test_nothing_at_all(service: Service) -> None:
    assert bands(service, [[service.new_task()]]) == {"interval": 1, "groups": [{"tasks": 0} | expected([], 1)]}


def test_tasks_are_in_one_group_and_known(service: Service) -> None:
    task = service.new_task()
    asked = {"metric": "loss", "variant": "val"}
    assert service.fail("scalar_metrics_bands", groups=[[task], [task]], **asked) == (400, 16)
    assert service.fail("scalar_metrics_bands", groups=[[f"{n:032x}"] * 600 for n in range(2)], **asked) == (400, 16)
    assert service.fail("scalar_metrics_bands", groups=[[task, "0" * 32]], **asked) == (400, 101)
    assert service.fail("scalar_metrics_bands", groups=[[]], **asked)[0] == 400
    assert service.fail("scalar_metrics_bands", groups=[[task]], quantiles=[1.5], **asked)[0] == 400
