"""Samples of debug images and plots (API contract 3.5 to 3.8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Data
from tests.harness.events import ABSENT, column, image, plot
from tests.integration.conftest import Service

GET_IMAGE, NEXT_IMAGE = "get_debug_image_sample", "next_debug_image_sample"
GET_PLOT, NEXT_PLOT = "get_plot_sample", "next_plot_sample"
NONE = {"event": None, "min_iteration": None, "max_iteration": None}
NO_PLOTS: Data = {"events": [], "min_iteration": None, "max_iteration": None}
LATER = {"navigate_earlier": False}


class Walk:
    """A walk that always continues with the newest scroll id."""

    def __init__(self, service: Service, task: str, get: str, step: str) -> None:
        self._service, self._task, self._get, self._step = service, task, get, step
        self.scroll_id = ""

    def get(self, **body: Any) -> Any:
        """Start, or jump."""
        return self._ask(self._get, body)

    def next(self, **body: Any) -> Any:
        """Step."""
        return self._ask(self._step, body)

    def _ask(self, action: str, body: dict[str, Any]) -> Any:
        answer = self._service.call(action, task=self._task, **{"scroll_id": self.scroll_id} | body)
        self.scroll_id = answer.pop("scroll_id")
        return answer


def at(answer: Any) -> Any:
    """Where an image is."""
    return answer["event"] and (answer["event"]["variant"], answer["event"]["iter"])


def plots_at(answer: Any) -> Any:
    """Where plots are, and of which variants."""
    events = answer["events"]
    return events and (events[0]["metric"], events[0]["iter"], column(events, "variant"))


def test_samples_of_a_ring(service: Service) -> None:
    task = service.new_task()
    service.send(image(task, n, f"http://f/{n % 4}.png") for n in range(10))
    service.send([image(task, 20, None), image(task, ABSENT, "http://f/absent.png")])
    walk = Walk(service, task, GET_IMAGE, NEXT_IMAGE)
    newest = walk.get(metric="m", variant="v")
    assert at(newest) == ("v", 9)
    assert (newest["min_iteration"], newest["max_iteration"]) == (6, 9)
    assert at(walk.get(metric="m", variant="v", iteration=8)) == ("v", 8)
    below = walk.get(metric="m", variant="v", iteration=5)
    assert below == {"event": None, "min_iteration": 6, "max_iteration": 9}
    assert walk.get(metric="m", variant="unknown") == NONE
    service.send([image(task, 10, "http://f/2.png"), image(task, 10, "http://f/3.png", key="k")])
    stale = walk.get(metric="m", variant="v")
    assert (stale["event"]["url"], stale["min_iteration"], stale["max_iteration"]) == ("http://f/3.png", 6, 9)
    fresh = walk.get(metric="m", variant="v", refresh=True)
    assert (at(fresh), fresh["min_iteration"], fresh["max_iteration"]) == (("v", 10), 8, 10)


def test_irregular_reuse(service: Service) -> None:
    task = service.new_task()
    service.send(image(task, n, url) for n, url in ((1, "A"), (2, "B"), (3, "A"), (4, "C")))
    answer = service.call(GET_IMAGE, task=task, metric="m", variant="v")
    assert (answer["min_iteration"], answer["max_iteration"]) == (2, 4)


def test_stepping_through_images(service: Service) -> None:
    task = service.new_task()
    service.send(image(task, n, f"{n}{v}", "m", v) for n in range(2) for v in ("v1", "v2"))
    service.send([image(task, 1, "other", "other")])
    walk = Walk(service, task, GET_IMAGE, NEXT_IMAGE)
    walk.get(metric="m", variant="v1")
    assert at(walk.next(**LATER)) == ("v2", 1)
    assert walk.next(**LATER) == NONE
    assert [at(walk.next()) for _ in range(4)] == [("v1", 1), ("v2", 0), ("v1", 0), None]
    assert at(walk.next(next_iteration=True, **LATER)) == ("v1", 1)
    assert at(walk.next(next_iteration=True)) == ("v2", 0)
    assert walk.next(next_iteration=True) == NONE
    every = Walk(service, task, GET_IMAGE, NEXT_IMAGE)
    every.get(metric="m", variant="v2", navigate_current_metric=False)
    other = every.next(**LATER)
    assert (other["event"]["metric"], other["min_iteration"], other["max_iteration"]) == ("other", 1, 1)


def test_stepping_respects_rings(service: Service) -> None:
    task = service.new_task()
    rings = {"v1": 2, "v2": 10}
    service.send(image(task, n, f"{v}-{n % ring}", "m", v) for n in range(5) for v, ring in rings.items())
    walk = Walk(service, task, GET_IMAGE, NEXT_IMAGE)
    walk.get(metric="m", variant="v1", iteration=3)
    assert [at(walk.next()) for _ in range(4)] == [("v2", 2), ("v2", 1), ("v2", 0), None]


@pytest.mark.parametrize(("get", "step"), [(GET_IMAGE, NEXT_IMAGE), (GET_PLOT, NEXT_PLOT)])
def test_scroll_ids_of_samples(service: Service, get: str, step: str) -> None:
    task, other = service.new_task(), service.new_task()
    for owner in (task, other):
        service.send([image(owner), image(owner, metric="n"), plot(owner), plot(owner, metric="n")])
    names = {"metric": "m"} | ({"variant": "v"} if get == GET_IMAGE else {})
    scroll_id = service.call(get, task=task, **names)["scroll_id"]
    mismatches: list[Data] = [
        {"task": other},
        {"task": task, "metric": "n"},
        {"task": task, "navigate_current_metric": False},
    ]
    for mismatch in mismatches:
        assert service.fail(get, **names | mismatch, scroll_id=scroll_id) == (400, 1104)
    for unknown in ("", None, "garbage", service.call("plots", metrics=[{"task": task}])["scroll_id"]):
        assert service.call(get, task=task, **names, scroll_id=unknown)["max_iteration"] == 0
        assert service.fail(step, task=task, scroll_id=unknown) == (400, 1104)
    assert service.fail(step, task=other, scroll_id=scroll_id) == (400, 1104)
    assert service.fail(NEXT_PLOT if get == GET_IMAGE else NEXT_IMAGE, task=task, scroll_id=scroll_id) == (400, 1104)
    assert service.fail(step, task=task) == (400, 1104)
    for bad in ({"metric": None}, {"iteration": "x"}, {"iteration": 2**63}):
        assert service.fail(get, task=task, **names | bad) == (400, 12)
    if get == GET_IMAGE:
        assert service.fail(get, "2.11", task=task, **names) == (404, 0)
        assert service.fail(step, "2.11", task=task) == (404, 0)


def test_plots_of_an_iteration(service: Service) -> None:
    task = service.new_task()
    assert service.call(GET_PLOT, task=task, metric="roc").items() >= NO_PLOTS.items()
    service.send(plot(task, n, f"{n}{v}", "roc", v) for n in range(5) for v in "ba" if (n, v) != (4, "a"))
    service.send([plot(task, ABSENT, "absent", "roc")])
    walk = Walk(service, task, GET_PLOT, NEXT_PLOT)
    newest = walk.get(metric="roc")
    assert plots_at(newest) == ("roc", 4, ["b"])
    assert (newest["min_iteration"], newest["max_iteration"]) == (0, 4)
    assert plots_at(walk.get(metric="roc", iteration=3)) == ("roc", 3, ["a", "b"])
    assert walk.get(metric="roc", iteration=-1) == {"events": [], "min_iteration": 0, "max_iteration": 4}
    unknown = Walk(service, task, GET_PLOT, NEXT_PLOT)
    assert unknown.get(metric="unknown") == NO_PLOTS
    assert unknown.next() == NO_PLOTS


def test_at_most_100_plots(service: Service) -> None:
    task = service.new_task()
    service.send(plot(task, 0, variant=f"{n:03}") for n in range(150))
    assert column(service.call(GET_PLOT, task=task, metric="m")["events"], "variant") == [f"{n:03}" for n in range(100)]


def test_stepping_through_plots(service: Service) -> None:
    task = service.new_task()
    variants = {"M1": ["v1", "v2"], "M2": ["v3", "v4"]}
    service.send(plot(task, n, "{}", m, v) for n in range(2) for m, names in variants.items() for v in names)
    one = Walk(service, task, GET_PLOT, NEXT_PLOT)
    assert plots_at(one.get(metric="M1")) == ("M1", 1, variants["M1"])
    assert one.next(**LATER) == NO_PLOTS
    assert plots_at(one.next()) == ("M1", 0, variants["M1"])
    assert one.next() == NO_PLOTS
    every = Walk(service, task, GET_PLOT, NEXT_PLOT)
    every.get(metric="M1", navigate_current_metric=False)
    assert plots_at(every.next(**LATER)) == ("M2", 1, variants["M2"])
    assert plots_at(every.next()) == ("M1", 1, variants["M1"])
    assert plots_at(every.next()) == ("M2", 0, variants["M2"])
    assert every.next(next_iteration=True) == NO_PLOTS
    assert plots_at(every.next(next_iteration=True, **LATER)) == ("M1", 1, variants["M1"])
    assert every.next(next_iteration=True, **LATER) == NO_PLOTS


@pytest.mark.parametrize("is_current", [True, False])
def test_steps_from_nowhere(service: Service, is_current: bool) -> None:
    task = service.new_task()
    service.send([plot(task, 5), plot(task, 7), image(task, 5), image(task, 7)])
    plots = Walk(service, task, GET_PLOT, NEXT_PLOT)
    below = plots.get(metric="m", iteration=1, navigate_current_metric=is_current)
    assert below == {"events": [], "min_iteration": 5, "max_iteration": 7}
    images = Walk(service, task, GET_IMAGE, NEXT_IMAGE)
    images.get(metric="m", variant="v", iteration=1, navigate_current_metric=is_current)
    for step in ({}, LATER, {"next_iteration": True}):
        assert plots.next(**step) == NO_PLOTS
        assert images.next(**step) == NONE
