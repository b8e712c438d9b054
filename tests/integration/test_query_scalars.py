"""Scalars as raw points, whole events, latest and single values (API contract 3.20 to 3.23)."""

from __future__ import annotations

import pytest

from tests.harness.api import Data
from tests.harness.events import ABSENT, SINGLE_VALUE, column, image, log, plot, scalar
from tests.integration.conftest import Service

FLOAT32 = 0.3100000023841858  # 0.31 as a 32-bit float


# --- single values ----------------------------------------------------------------------------------------------------


def test_single_values_in_write_order(service: Service) -> None:
    first, second, none = service.new_task(), service.new_task(), service.new_task()
    service.send([scalar(second, SINGLE_VALUE, 0.1, "Summary", "acc", timestamp=5.5)])
    service.send([scalar(first, SINGLE_VALUE, 2, "Summary", "b"), scalar(first, SINGLE_VALUE, 1, "Summary", "a")])
    service.send([scalar(none, 0), scalar(none, ABSENT)])
    answer = service.call("get_task_single_value_metrics", tasks=[first, none, second, first])
    assert column(answer["tasks"], "task", "task_name") == [(second, "a task"), (first, "a task")]
    value = {"metric": "Summary", "variant": "acc", "value": 0.1, "timestamp": 5.5}
    assert answer["tasks"][0]["values"] == [value]
    assert column(answer["tasks"][1]["values"], "variant", "value") == [("b", 2), ("a", 1)]


def test_a_single_value_reported_again_replaces_the_first(service: Service) -> None:
    task = service.new_task()
    service.send([scalar(task, SINGLE_VALUE, 1, "Summary", "a"), scalar(task, SINGLE_VALUE, 3, "Summary", "b")])
    service.send([scalar(task, SINGLE_VALUE, 2, "Summary", "a")])
    (found,) = service.call("get_task_single_value_metrics", tasks=[task])["tasks"]
    assert column(found["values"], "variant", "value") == [("b", 3), ("a", 2)]
    filtered = service.call("get_task_single_value_metrics", tasks=[task], metrics=[{"metric": "x"}])
    assert filtered == {"tasks": []}


# --- latest values ----------------------------------------------------------------------------------------------------


def test_latest_values(service: Service) -> None:
    task = service.new_task()
    service.send(scalar(task, n, float(n), "loss", "b") for n in range(150))
    service.send([scalar(task, 77, 0.31, "loss", "a"), scalar(task, 3, -1, "acc", "v"), scalar(task, 4, None, "acc")])
    service.send([image(task, 200), plot(task, 7)])
    answer = service.call("get_task_latest_scalar_values", task=task)
    assert answer.pop("last_timestamp") > 1.6e12
    value = {"last_value": FLOAT32, "last_10_value": FLOAT32, "last_100_value": FLOAT32}
    many = {"last_value": 149, "last_10_value": 149, "last_100_value": 99.5}
    assert answer == {
        "metrics": [
            {"name": "acc", "variants": [{"name": "v", "last_value": -1, "last_10_value": -1, "last_100_value": -1}]},
            {"name": "loss", "variants": [{"name": "a"} | value, {"name": "b"} | many]},
        ],
        "last_iter": 200,
        "name": "a task",
        "status": "created",
    }


def test_latest_values_of_nothing(service: Service) -> None:
    task = service.new_task()
    empty = {"metrics": [], "last_iter": 0, "name": "a task", "status": "created", "last_timestamp": 0.0}
    assert service.call("get_task_latest_scalar_values", task=task) == empty
    service.send([log(task, iter=9)])
    assert service.call("get_task_latest_scalar_values", task=task) == empty | {"last_iter": 9}
    service.call("clear_task_log", task=task)
    service.send([scalar(task, SINGLE_VALUE)])
    assert service.call("get_task_latest_scalar_values", task=task)["last_iter"] == SINGLE_VALUE
    assert service.fail("get_task_latest_scalar_values", task=service.new_model()) == (400, 101)


# --- whole events of a metric -----------------------------------------------------------------------------------------


def test_pages_of_500_newest_iteration_first(service: Service) -> None:
    task = service.new_task()
    service.send(scalar(task, n // 2, float(n), "m", f"v{n % 2}") for n in range(1203))
    service.send([scalar(task, ABSENT, variant="absent"), scalar(task, SINGLE_VALUE), scalar(task, -1)])
    service.send([scalar(task, 5, metric="other")])
    answers = list(service.scroll("get_scalar_metric_data", task=task, metric="m"))
    assert column(answers, "returned", "total") == [(500, 1206), (500, 1206), (206, 1206), (0, 1206)]
    assert answers[-1]["scroll_id"] == "FFFF"
    events = [event for answer in answers for event in answer["events"]]
    assert [event.get("iter") for event in events[-3:]] == [-1, SINGLE_VALUE, None]
    assert column(events[:3], "iter", "variant") == [(601, "v0"), (600, "v0"), (600, "v1")]


def test_the_ends_of_a_scroll(service: Service) -> None:
    task, other = service.new_task(), service.new_task()
    nothing = {"events": [], "returned": 0, "total": 0}
    assert service.call("get_scalar_metric_data", task=task, metric="m") == nothing | {"scroll_id": "FFFF"}
    ended = service.call("get_scalar_metric_data", task=task, metric="m", scroll_id="FFFF")
    assert ended == nothing | {"scroll_id": None}
    service.send([scalar(task), scalar(other)])
    opened = service.call("get_scalar_metric_data", task=task, metric="m", scroll_id="")
    assert (opened["returned"], opened["total"]) == (1, 1)
    again = service.call("get_scalar_metric_data", task=task, metric="m", scroll_id=opened["scroll_id"])
    assert again == nothing | {"total": 1, "scroll_id": "FFFF"}
    for body in ({"task": task, "scroll_id": "garbage"}, {"task": other, "scroll_id": opened["scroll_id"]}):
        assert service.fail("get_scalar_metric_data", metric="m", **body) == (400, 1104)
    elsewhere = {"task": task, "scroll_id": opened["scroll_id"]}
    assert service.fail("debug_images", "1.8", **elsewhere) == (400, 1104)
    assert service.fail("get_task_events", **elsewhere) == (400, 1104)
    assert service.call("clear_scroll", scroll_id=opened["scroll_id"]) == {}
    assert service.fail("clear_scroll", scroll_id=5) == (400, 12)


def test_a_scroll_is_a_snapshot(service: Service) -> None:
    task = service.new_task()
    service.send(scalar(task, n, float(n)) for n in range(1200))
    first = service.call("get_scalar_metric_data", task=task, metric="m")
    service.send([scalar(task, 2000), scalar(task, 10, -1.0), scalar(task, 5, variant="new")])
    request = {"task": task, "metric": "of the first call"}
    second = service.call("get_scalar_metric_data", **request, scroll_id=first["scroll_id"])
    third = service.call("get_scalar_metric_data", **request, scroll_id=second["scroll_id"])
    found = column([*first["events"], *second["events"], *third["events"]], "iter")
    assert found == [n for n in range(1199, -1, -1) if n != 10]
    assert {answer["total"] for answer in (first, second, third)} == {1200}


def test_without_scroll(service: Service) -> None:
    task = service.new_task()
    service.send(scalar(task, n) for n in range(10_100))
    answer = service.call("get_scalar_metric_data", task=task, metric="m", no_scroll=True)
    assert (answer["returned"], answer["total"], answer["scroll_id"]) == (500, 10_000, None)
    assert service.call("get_scalar_metric_data", task=task, metric="m")["total"] == 10_100


# --- raw points -------------------------------------------------------------------------------------------------------


def test_raw_points_in_pages(service: Service) -> None:
    task = service.new_task()
    service.send([*(scalar(task, n, n + 0.1) for n in range(-50, 49)), scalar(task, SINGLE_VALUE, 0.5)])
    request: Data = {"task": task, "metric": {"metric": "m"}}
    first = service.call("scalar_metrics_iter_raw", **request, batch_size=15, count_total=True)
    answers = [first, *service.scroll("scalar_metrics_iter_raw", **request, scroll_id=first["scroll_id"])]
    assert column(answers, "total") == [100] * 8
    assert column(answers, "returned") == [15] * 6 + [10, 0]
    xs = [x for answer in answers for points in answer["variants"].values() for x in points["iter"]]
    ys = [y for answer in answers for points in answer["variants"].values() for y in points["y"]]
    assert (xs, ys) == ([SINGLE_VALUE, *range(-50, 49)], [0.5, *(n + 0.1 for n in range(-50, 49))])
    end = service.call("scalar_metrics_iter_raw", **request, scroll_id=answers[-1]["scroll_id"])
    assert end == answers[-1]
    assert max(len(answer["scroll_id"]) for answer in answers) < 200


@pytest.mark.parametrize("key", ["iter", "timestamp", "iso_time"])
def test_raw_points_of_a_key(service: Service, key: str) -> None:
    task = service.new_task()
    times = {"val": [1000, 2000], "train": [1000, 3000]}
    for n in range(2):
        service.send(scalar(task, n, n / 8, "m", variant, timestamp=times[variant][n]) for variant in times)
    service.send([scalar(task, 7, None), scalar(task, ABSENT if key == "iter" else 8, 9, timestamp=None)])
    answer = service.call("scalar_metrics_iter_raw", task=task, metric={"metric": "m"}, key=key)
    xs = {"val": [0, 1], "train": [0, 1]} if key == "iter" else times
    assert list(answer["variants"].items()) == [(name, {"y": [0, 0.125], key: xs[name]}) for name in ("val", "train")]
    assert (answer["returned"], answer["total"]) == (4, None)
    only = service.call("scalar_metrics_iter_raw", task=task, metric={"metric": "m", "variants": ["val"]}, key=key)
    assert list(only["variants"]) == ["val"]


def test_raw_points_of_one_x_beyond_the_limit_of_ties(service: Service) -> None:
    task = service.new_task()
    service.send(scalar(task, n, n, timestamp=1) for n in range(10_500))
    request: Data = {"task": task, "metric": {"metric": "m"}, "key": "timestamp"}
    answers = list(service.scroll("scalar_metrics_iter_raw", **request, batch_size=100))
    assert column(answers, "returned") == [10_100, 400, 0]
    assert [y for answer in answers[:2] for y in answer["variants"]["v"]["y"]] == list(range(10_500))


def test_raw_points_refused(service: Service) -> None:
    task = service.new_task()
    odd: tuple[Data, ...] = (
        {"metric": "m"},
        {"metric": {"metric": "m"}, "batch_size": -1},
        {"metric": {"variants": []}},
    )
    for bad in (*odd, {}):
        assert service.fail("scalar_metrics_iter_raw", task=task, **bad) == (400, 12)
    request: Data = {"task": task, "metric": {"metric": "m"}}
    assert service.fail("scalar_metrics_iter_raw", "2.15", **request) == (404, 0)
    assert service.fail("scalar_metrics_iter_raw", **request, scroll_id="x") == (400, 1104)
    assert service.call("scalar_metrics_iter_raw", **request, batch_size=10**9)["variants"] == {}
