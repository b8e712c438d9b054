"""``events.stream``: server-sent events of what is new, resumable, bounded, and only of what the caller may see."""

from __future__ import annotations

from queue import Empty

import pytest

from tests.harness.api import Api, failure_of, until
from tests.harness.deployment import Deployment
from tests.harness.events import image, log, scalar
from tests.harness.listener import SECONDS, Listener, listening


def test_new_points_are_told_with_their_places(api: Api, task: str) -> None:
    api.add(scalar(task, 1, value=1.0))
    with listening(api, task) as stream:
        api.add(scalar(task, 2, value=0.5, timestamp=1_700_000_000_000))
        _, _, data = stream.next("points")
        assert data["task"] == task
        (variants,) = data["metrics"].values()
        (points,) = variants.values()
        assert (points.pop("x"), points.pop("t")) == ([2], [1_700_000_000_000])
        assert points == {"y": [0.5], "y_min": [0.5], "y_max": [0.5], "y_last": [0.5]}
        assert stream.next()[1:] == (
            "change",
            {"task": task, "types": ["training_stats_scalar"], "last_iteration": 2},
        )


VALUES = {3333: 1000.0, 4999: 7.0}


def test_many_points_come_as_few_with_their_range(api: Api, task: str) -> None:
    with listening(api, task) as stream:
        api.add(*(scalar(task, step, value=VALUES.get(step, 1.0)) for step in range(5000)))
        _, _, data = stream.next("points")
    ((points,),) = (variants.values() for variants in data["metrics"].values())
    assert len(points["x"]) <= 202
    assert points["x"] == sorted(points["x"])
    assert (min(points["y_min"]), max(points["y_max"]), points["y_last"][-1]) == (1.0, 1000.0, 7.0)


def test_other_events_are_told_as_changes(api: Api, task: str) -> None:
    with listening(api, task) as stream:
        api.add(image(task, 3))
        change = {"task": task, "types": ["training_debug_image"], "last_iteration": 3}
        assert stream.next()[1:] == ("change", change)
        api.add(log(task))
        assert stream.next()[2]["types"] == ["log"]


def test_points_may_be_left_out(api: Api, task: str) -> None:
    with listening(api, task, points="false") as stream:
        api.add(scalar(task, 2))
        assert stream.next()[1] == "change"


def test_a_stream_goes_on_where_another_ended(api: Api, task: str) -> None:
    with listening(api, task) as stream:
        api.add(scalar(task, 1, value=1.0))
        last, _, _ = stream.next("change")
    api.add(scalar(task, 2, value=2.0))
    with listening(api, task, last_event_id=last) as stream:
        _, _, data = stream.next("points")
        assert [variant["x"] for variants in data["metrics"].values() for variant in variants.values()] == [[2]]
        newest, _, _ = stream.next("change")
    with listening(api, task, last_event_id=newest) as stream:
        assert stream.next()[1] == "change"  # of other types it is not known what was missed
        with pytest.raises(Empty):
            stream.events.get(timeout=1)


@pytest.mark.parametrize("foreign", ["nonsense", "1.2-3.4", "99999999999999999999999.1"])
def test_an_id_of_another_stream_leads_to_a_reset(api: Api, task: str, foreign: str) -> None:
    api.add(scalar(task, 1))
    with listening(api, task, last_event_id=foreign) as stream:
        assert stream.next()[1:] == ("reset", {"tasks": [task]})


def test_a_deletion_is_a_reset_also_for_who_was_away(api: Api, task: str) -> None:
    api.add(scalar(task, 1))
    with listening(api, task) as stream:
        api.add(scalar(task, 2))
        last, _, _ = stream.next("change")
        api.call("events.delete_for_task", task=task, allow_locked=True)
        assert stream.next("reset")[2] == {"tasks": [task]}
    with listening(api, task, last_event_id=last) as stream:
        assert stream.next()[1] == "reset"


@pytest.mark.parametrize("others", [0, 5000])
def test_a_point_that_loses_its_value_is_a_reset(api: Api, task: str, others: int) -> None:
    api.add(scalar(task, 1, value=1.0))
    with listening(api, task) as stream:
        api.add(*(scalar(task, step) for step in range(2, 2 + others)), scalar(task, 1, value=None))
        assert stream.next()[1:] == ("reset", {"tasks": [task]})
        assert stream.next()[1] == "change"


def test_several_tasks_share_a_stream(api: Api) -> None:
    tasks = [api.create_task() for _ in range(3)]
    with listening(api, *tasks) as stream:
        for task in reversed(tasks):
            api.add(scalar(task, 7))
            assert stream.next("change")[2]["task"] == task


def test_a_stream_needs_a_caller_who_may_see_its_tasks(api: Api, stranger: Api, nobody: Api, task: str) -> None:
    assert stranger.fail("events.stream", task=task) == api.fail("events.stream", task="unknown")
    assert nobody.fail("events.stream", task=task)[0] == 401
    assert api.fail("events.stream", task=[])[0] == 400
    assert api.fail("events.stream", task=["a"] * 101)[0] == 400


def test_streams_of_one_user_are_bounded(eventide: Deployment, task: str) -> None:
    busy = Api(eventide.origins, eventide.add_user("busy", "busy"))
    own = busy.create_task()
    streams = [Listener(busy, [own]) for _ in range(64)]
    for stream in streams:
        assert stream.next()[1] == "ready"
    response = busy.raw("events.stream", {"task": own}, version="2.34")
    assert failure_of(response) == (429, 41)
    assert int(response.headers["Retry-After"]) > 0
    for stream in streams:
        stream.client.close()

    def lets_in() -> bool:
        busy.add(scalar(own, 1))  # to write to those who left shows that they did
        return Listener(busy, [own]).is_ready()

    until(lets_in, 3 * SECONDS)
