"""API contract 2.8, 2.9 and 2.11: what events leave in the documents of their tasks and models."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime
from typing import Any

import pytest

from tests.harness.api import Api, Data, until
from tests.harness.events import ABSENT, SINGLE_VALUE, image, log, model_events, one_of_each, plot, scalar, vector


def md5(name: str) -> str:
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def summary_of(document: Data, metric: str = "m", variant: str = "v") -> Data:
    found: Data = document["last_metrics"][md5(metric)][md5(variant)]
    return found


def summary(api: Api, task: str, metric: str = "m", variant: str = "v") -> Data:
    """What ``last_metrics`` says of one curve."""
    return summary_of(api.task(task), metric, variant)


def curve(task: str, *points: tuple[int, float], **others: Any) -> list[Data]:
    return [scalar(task, iteration, value, **others) for iteration, value in points]


# --- last_metrics -----------------------------------------------------------------------------------------------------


def test_all_of_last_metrics(api: Api, task: str) -> None:
    api.add(*curve(task, (0, 2.1), (7, 0.3), (3, 1.5), (9, 0.31), metric="loss", variant="train"))
    assert api.task(task)["last_metrics"] == {
        "81513effdf5790b79549208838404407": {
            "61b3a8faa9c1091806675c230a9abe64": {
                "metric": "loss",
                "variant": "train",
                "value": 0.31,
                "min_value": 0.3,
                "min_value_iteration": 7,
                "max_value": 2.1,
                "max_value_iteration": 0,
                "first_value": 2.1,
                "first_value_iteration": 0,
                "count": 4,
                "mean_value": 1.05,
            }
        }
    }


@pytest.mark.parametrize("variant", ["v", None])
def test_a_hundred_values_in_two_batches(api: Api, task: str, variant: str | None) -> None:
    """The upstream test."""
    for start in (0, 50):
        api.add(*(scalar(task, i, float(i), variant=variant) for i in range(start, start + 50)))
    assert summary(api, task, variant=variant or "") == {
        "metric": "m",
        "variant": variant or "",
        "value": 99,
        "min_value": 0,
        "min_value_iteration": 0,
        "max_value": 99,
        "max_value_iteration": 99,
        "first_value": 0,
        "first_value_iteration": 0,
        "count": 100,
        "mean_value": 49.5,
    }


def test_empty_names_have_a_summary_too(api: Api, task: str) -> None:
    api.add(scalar(task, 1, 5, "", ""))
    assert summary(api, task, "", "")["value"] == 5


def test_keys_ascend_by_their_digests(api: Api, task: str) -> None:
    api.add(*(scalar(task, metric=f"m{one}", variant=f"v{two}") for one in range(5) for two in range(3)))
    last_metrics = api.task(task)["last_metrics"]
    assert list(last_metrics) == sorted(md5(f"m{one}") for one in range(5))
    for variants in last_metrics.values():
        assert list(variants) == sorted(md5(f"v{two}") for two in range(3))


def test_the_value_is_that_of_the_highest_iteration_of_the_newest_batch(api: Api, task: str) -> None:
    """API contract 5, row 25: an older batch that comes late overwrites it."""
    api.add(*curve(task, (10, 1.0), (30, 3.0), (20, 2.0)))
    assert summary(api, task)["value"] == 3.0
    api.add(*curve(task, (5, 0.5), (6, 0.6)))
    assert summary(api, task)["value"] == 0.6
    assert summary(api, task)["max_value"] == 3.0


def test_within_a_batch_the_later_time_then_the_later_line_wins(api: Api, task: str) -> None:
    api.add(*(scalar(task, 5, value, key=str(value), timestamp=time) for value, time in ((1, 20), (2, 30), (3, 10))))
    assert summary(api, task)["value"] == 2
    api.add(*(scalar(task, 5, value, key=str(value), timestamp=50) for value in (7, 9, 8)))
    assert summary(api, task)["value"] == 8


def test_extremes_are_replaced_only_by_strictly_better_ones(api: Api, task: str) -> None:
    api.add(*curve(task, (3, 1.0), (4, 1.0), (5, 2.0), (6, 2.0)))
    api.add(*curve(task, (1, 1.0), (2, 2.0)))
    found = summary(api, task)
    assert (found["min_value_iteration"], found["max_value_iteration"]) == (3, 5)
    api.add(*curve(task, (7, 0.5), (8, 2.5)))
    found = summary(api, task)
    assert (found["min_value"], found["min_value_iteration"]) == (0.5, 7)
    assert (found["max_value"], found["max_value_iteration"]) == (2.5, 8)


def test_the_first_value_is_of_the_first_batch_forever(api: Api, task: str) -> None:
    api.add(*curve(task, (20, 2.0), (10, 1.0), (30, 3.0)))
    api.add(*curve(task, (1, 0.1)))
    found = summary(api, task)
    assert (found["first_value"], found["first_value_iteration"]) == (1.0, 10)


def test_the_mean_has_two_decimals(api: Api, task: str) -> None:
    api.add(*curve(task, (1, 0.126), (2, 0.126)))
    found = summary(api, task)
    assert (found["count"], found["mean_value"]) == (2, 0.13)


def test_negative_values_and_iterations(api: Api, task: str) -> None:
    api.add(*curve(task, (-5, -1.0), (-3, -4.0), (-4, -2.0)))
    found = summary(api, task)
    assert (found["value"], found["min_value"], found["max_value"]) == (-4.0, -4.0, -1.0)
    assert (found["min_value_iteration"], found["max_value_iteration"]) == (-3, -5)
    assert (found["first_value"], found["first_value_iteration"]) == (-1.0, -5)


@pytest.mark.parametrize("missing", [ABSENT, None])
def test_a_missing_iteration_counts_as_zero(api: Api, task: str, missing: Any) -> None:
    api.add(scalar(task, missing, 5.0))
    found = summary(api, task)
    assert (found["value"], found["min_value_iteration"], found["max_value_iteration"]) == (5.0, 0, 0)
    assert found["first_value_iteration"] == 0


def test_a_late_single_value_becomes_the_value(api: Api, task: str) -> None:
    api.add(scalar(task, SINGLE_VALUE, 0.25, "Summary", "acc"))
    api.add(scalar(task, SINGLE_VALUE, 0.75, "Summary", "acc"))
    assert summary(api, task, "Summary", "acc")["value"] == 0.75


def test_in_a_batch_a_single_value_has_the_lowest_iteration(api: Api, task: str) -> None:
    api.add(scalar(task, 1, 0.5), scalar(task, SINGLE_VALUE, 0.9), scalar(task, 0, 0.4))
    assert summary(api, task)["value"] == 0.5


def test_only_scalars_have_a_summary(api: Api, task: str) -> None:
    api.add(log(task, metric="m", variant="v", iter=1), plot(task, 1), image(task, 1), vector(task, 1))
    assert api.task(task)["last_metrics"] == {}


def test_values_are_full_doubles(api: Api, task: str) -> None:
    api.add(*curve(task, (1, 0.1), (2, 1e-310)))
    found = summary(api, task)
    assert (found["value"], found["max_value"]) == (1e-310, 0.1)


def test_beyond_2000_curves_the_rest_has_no_summary(api: Api, task: str) -> None:
    api.add(*(scalar(task, metric=f"m{i // 50}", variant=f"v{i % 50}") for i in range(2_000)))
    api.add(scalar(task, 1, 5.0, "one", "more"), scalar(task, 1, 7.0, "m0", "v0"))
    last_metrics = api.task(task)["last_metrics"]
    assert sum(map(len, last_metrics.values())) == 2_000
    assert md5("one") not in last_metrics
    assert summary(api, task, "m0", "v0") | {"value": 7.0, "count": 2, "mean_value": 4.0} == summary(
        api, task, "m0", "v0"
    )
    assert api.call("events.scalar_metrics_iter_histogram", task=task)["one"]["more"]["y"] == [5.0]


def test_beyond_2000_metrics_those_written_last_have_their_times(api: Api, task: str) -> None:
    api.add(*(scalar(task, metric=f"m{i}", timestamp=1_700_000_000_000 + i) for i in range(2_001)))
    stats = api.task(task)["metric_stats"]
    assert len(stats) == 2_000
    assert md5("m0") not in stats
    assert stats[md5("m2000")]["event_stats_by_type"]["training_stats_scalar"]["last_update"] == 1_700_000_002_000


def test_a_refused_event_leaves_nothing(api: Api, task: str) -> None:
    api.batch([scalar(task, 1, 0.5), scalar(task, 2, float("nan")), scalar(task, 2**70, 9)])
    document = api.task(task)
    assert (document["last_iteration"], summary_of(document)["max_value"]) == (1, 0.5)


# --- x_axis_label -----------------------------------------------------------------------------------------------------


def test_the_latest_label_of_the_x_axis_is_kept_apart(api: Api, task: str) -> None:
    """API contract 4: in ``last_metrics`` and both histograms, not in events."""
    api.add(scalar(task, 1, x_axis_label="steps"), scalar(task, 1, variant="w"))
    api.add(scalar(task, 2, x_axis_label="epochs"), scalar(task, 3))
    assert summary(api, task)["x_axis_label"] == "epochs"
    assert "x_axis_label" not in summary(api, task, variant="w")
    assert not any("x_axis_label" in event for event in api.events(task))
    curves = api.call("events.scalar_metrics_iter_histogram", task=task)["m"]
    assert curves["v"]["x_axis_label"] == "epochs"
    assert "x_axis_label" not in curves["w"]
    both = api.call("events.multi_task_scalar_metrics_iter_histogram", tasks=[task])["metrics"]["m"]
    assert both["v"][task]["x_axis_label"] == "epochs"


# --- last_iteration ---------------------------------------------------------------------------------------------------


def test_the_last_iteration_is_the_greatest_of_any_type(api: Api, task: str) -> None:
    for event in (scalar(task, 3), image(task, 5), log(task, iter=7), plot(task, 8), vector(task, 9), scalar(task, 2)):
        api.add(event)
        assert api.task(task)["last_iteration"] == max(event["iter"], 9 if event["iter"] == 2 else 0)


@pytest.mark.parametrize("iteration", [-5, SINGLE_VALUE, ABSENT, None, 0])
def test_the_last_iteration_is_not_below_zero(api: Api, task: str, iteration: Any) -> None:
    api.add(scalar(task, iteration))
    assert api.task(task)["last_iteration"] == 0


def test_the_resource_monitor_has_iterations_of_its_own(api: Api, task: str) -> None:
    api.add(scalar(task, 5), scalar(task, 900, metric=":monitor:machine"), scalar(task, 901, metric=":monitor:gpu"))
    assert api.task(task)["last_iteration"] == 5
    assert summary(api, task, ":monitor:gpu")["value"] == 1.0
    api.add(scalar(task, 902, metric=":monitor:other"))
    assert api.task(task)["last_iteration"] == 902


# --- other fields -----------------------------------------------------------------------------------------------------


def moment(document: Data, name: str) -> float:
    return datetime.fromisoformat(document[name].replace("Z", "+00:00")).timestamp()


@pytest.mark.parametrize("name", ["last_update", "last_change"])
def test_events_move_the_time_of_the_last_update(api: Api, task: str, name: str) -> None:
    before = moment(api.task(task), name)
    started = time.time()
    api.add(log(task))
    moved = until(lambda: [now for now in [moment(api.task(task), name)] if now > before])[0]
    assert started - 1 <= moved <= time.time() + 1


def test_events_say_who_changed_the_task(api: Api, task: str) -> None:
    api.add(log(task))
    until(lambda: api.task(task).get("last_changed_by"))
    assert api.task(task)["last_changed_by"] == api.task(task)["user"]


def test_a_running_task_knows_how_long_it_has_been_active(api: Api, task: str) -> None:
    api.call("tasks.started", task=task)
    api.add(log(task))
    assert api.task(task)["active_duration"] in range(60)


def test_metrics_without_times_have_no_newest(api: Api, task: str) -> None:
    api.add(scalar(task, timestamp=None), scalar(task, 1, timestamp=-7, metric="n"))
    times = [stats["event_stats_by_type"] for stats in api.task(task)["metric_stats"].values()]
    told = sorted(of_type["training_stats_scalar"]["last_update"] or 0 for of_type in times)
    assert told == [-7, 0]


def test_the_metrics_of_the_last_batch(api: Api, task: str) -> None:
    scalars, others = [scalar(task, timestamp=7), scalar(task, 1, timestamp=9)], [plot(task, timestamp=8)]
    api.add(*scalars, *others, image(task, metric="n", timestamp=5))
    times = {"training_stats_scalar": {"last_update": 9}, "plot": {"last_update": 8}}
    assert api.task(task)["metric_stats"] == {
        md5("m"): {"metric": "m", "event_stats_by_type": times},
        md5("n"): {"metric": "n", "event_stats_by_type": {"training_debug_image": {"last_update": 5}}},
    }


# --- models -----------------------------------------------------------------------------------------------------------


def test_models_have_the_same_statistics(api: Api, model: str) -> None:
    """C: iterations of model events are kept."""
    api.add(*model_events(curve(model, (1, 0.5), (9, 0.25), (5, 0.75))))
    (listed,) = api.call("models.get_all_ex", id=[model], only_fields=["last_metrics", "last_iteration"])["models"]
    for document in (api.model(model), listed):
        assert document["last_iteration"] == 9
        found = summary_of(document)
        assert (found["value"], found["min_value"], found["max_value"], found["count"]) == (0.25, 0.25, 0.75, 3)
    curves = api.call("events.scalar_metrics_iter_histogram", task=model, model_events=True)
    assert curves["m"]["v"]["x"] == [1, 5, 9]


def test_tasks_tell_their_statistics_in_lists_too(api: Api, task: str) -> None:
    api.add(*curve(task, (1, 0.5), (9, 0.25)))
    for action in ("tasks.get_all", "tasks.get_all_ex"):
        (listed,) = api.call(action, id=[task], only_fields=["last_metrics", "last_iteration"])["tasks"]
        assert (listed["last_iteration"], summary_of(listed)["value"]) == (9, 0.25)


# --- what deletes leave -----------------------------------------------------------------------------------------------


def test_deleting_events_leaves_the_statistics(api: Api, task: str) -> None:
    api.add(*curve(task, (1, 0.5), (4, 0.25)))
    before = api.task(task)
    assert api.call("events.delete_for_task", task=task) == {"deleted": 2}
    after = api.task(task)
    assert after["last_iteration"] == before["last_iteration"] == 4
    for name in ("value", "min_value", "max_value", "first_value"):
        assert summary_of(after)[name] == summary_of(before)[name]


@pytest.mark.parametrize("delete", ["events.delete_for_task", "events.delete_for_model"])
def test_how_many_values_there_were_is_not_told_after_a_deletion(api: Api, task: str, model: str, delete: str) -> None:
    """Neither 0 nor the count of what came later, beside a value and a minimum of what is deleted."""
    entity, kind = (task, "task") if delete.endswith("task") else (model, "model")

    def add(*points: tuple[int, float], variant: str = "v") -> None:
        events = curve(entity, *points, variant=variant)
        api.add(*(events if kind == "task" else model_events(events)))

    def found() -> dict[str, Data]:
        (variants,) = (api.task(entity) if kind == "task" else api.model(entity))["last_metrics"].values()
        return {summary["variant"]: summary for summary in variants.values()}

    add((1, 0.5), (4, 0.25))
    assert (found()["v"]["count"], found()["v"]["mean_value"]) == (2, 0.38)
    api.call(delete, {kind: entity})
    assert found()["v"].keys() & {"count", "mean_value"} == set()
    assert found()["v"]["value"] == 0.25
    add((5, 0.75))
    add((5, 0.75), variant="later")
    assert found()["v"].keys() & {"count", "mean_value"} == set()
    assert (found()["v"]["value"], found()["v"]["min_value"]) == (0.75, 0.25)
    assert (found()["later"]["count"], found()["later"]["mean_value"]) == (1, 0.75)


def test_a_reset_clears_events_and_statistics(api: Api, task: str) -> None:
    api.add(*one_of_each(task), *curve(task, (1, 0.5), (4, 0.25)))
    api.call("tasks.reset", task=task, force=True)
    document = api.task(task)
    assert (document["last_iteration"], document["last_metrics"]) == (0, {})
    assert api.events(task) == []
    assert api.call("events.get_task_plots", task=task)["plots"] == []
    api.add(*curve(task, (2, 7.0)))
    found = summary(api, task)
    assert (found["min_value"], found["max_value"], found["first_value"], found["count"]) == (7.0, 7.0, 7.0, 1)
    assert api.task(task)["last_iteration"] == 2


def test_a_deleted_task_takes_its_events_along(api: Api, task: str) -> None:
    api.add(*one_of_each(task))
    api.call("tasks.delete", task=task, force=True)
    until(lambda: api.raw("events.get_task_events", {"task": task}).status_code == 400)
    assert api.fail("events.get_task_events", task=task) == (400, 101)
    assert api.fail("events.add", log(task)) == (400, 131)


def test_a_deleted_model_takes_its_events_along(api: Api, model: str) -> None:
    api.add(*model_events([scalar(model)]))
    api.call("models.delete", model=model, force=True)
    until(lambda: api.raw("events.get_task_events", {"task": model, "model_events": True}).status_code == 400)
    assert api.fail("events.get_task_events", task=model, model_events=True) == (400, 201)
    assert api.fail("events.add", scalar(model, model_event=True)) == (400, 131)
