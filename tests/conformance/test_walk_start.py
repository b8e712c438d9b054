"""Eventide's own ``iteration``: where a walk through images or plots begins."""

from __future__ import annotations

import pytest

from tests.harness.api import Api
from tests.harness.events import image, plot

AXIS = [0, 2, 4, 6, 8]
MIN, MAX = -(2**63), 2**63 - 1


@pytest.mark.parametrize("action", ["events.debug_images", "events.plots"])
@pytest.mark.parametrize(
    ("iteration", "earlier", "found"),
    [
        (4, True, [4, 2]),
        (5, True, [4, 2]),
        (4, False, [6, 4]),
        (3, False, [6, 4]),
        (-1, True, []),
        (9, False, []),
        (MAX, True, [8, 6]),
        (MIN, False, [2, 0]),
        (MIN, True, []),
        (MAX, False, []),
    ],
)
def test_a_walk_begins_where_it_is_asked_to(
    api: Api, task: str, action: str, iteration: int, earlier: bool, found: list[int]
) -> None:
    make = image if action == "events.debug_images" else plot
    api.add(*(make(task, n, f"http://f/{n}" if make is image else "{}") for n in AXIS))
    asked = {"metrics": [{"task": task}], "iters": 2, "iteration": iteration, "navigate_earlier": earlier}
    answer = api.call(action, asked)
    (of_task,) = answer["metrics"]
    assert [one["iter"] for one in of_task["iterations"]] == found


def test_and_goes_on_from_there(api: Api, task: str) -> None:
    api.add(*(image(task, n, f"http://f/{n}") for n in AXIS))
    asked = {"metrics": [{"task": task}], "iteration": 4}
    scroll_id = api.call("events.debug_images", asked)["scroll_id"]
    (of_task,) = api.call("events.debug_images", asked, scroll_id=scroll_id)["metrics"]
    assert [one["iter"] for one in of_task["iterations"]] == [2]
