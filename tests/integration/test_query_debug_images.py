"""``debug_images`` (API contract 3.3)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from tests.harness.api import Data
from tests.harness.events import ABSENT, column, image, model_events, scalar
from tests.integration.conftest import Service

ACTION = "debug_images"
Shown = list[tuple[int, list[str]]]


def shown(answer: dict[str, Any], place: int = 0) -> Shown:
    """The iterations of one task of an answer, with their variants."""
    iterations = answer["metrics"][place]["iterations"]
    return [(iteration["iter"], column(iteration["events"], "variant")) for iteration in iterations]


# --- implementation 1.8 -----------------------------------------------------------------------------------------------


def test_the_last_iterations_of_all_metrics(service: Service) -> None:
    task = service.new_task()
    empty = {"task": task, "images": [], "returned": 0, "total": 0, "scroll_id": None}
    assert service.call(ACTION, "1.8", task=task) == empty
    service.send([image(task, 3, metric="a"), image(task, 2, metric="b"), image(task, 3, None, "c")])
    service.send([image(task, 1), image(task, ABSENT)])
    answer = service.call(ACTION, "2.1", task=task)
    assert column(answer["images"], "iter", "metric") == [(3, "a"), (3, "c")]
    assert (answer["task"], answer["returned"], answer["total"]) == (task, 2, 2)
    two = service.call(ACTION, "2.6", task=task, iters=2)
    assert column(two["images"], "iter", "metric") == [(3, "a"), (3, "c"), (2, "b")]


def test_pages_of_500(service: Service) -> None:
    model = service.new_model()
    service.send(model_events(image(model, n % 3, variant=str(n)) for n in range(1500)))
    answers = list(service.scroll(ACTION, "1.8", task=model, model_events=True, iters=2))
    assert column(answers, "returned", "total") == [(500, 1000), (500, 1000), (0, 1000)]
    assert [{event["iter"] for event in answer["images"]} for answer in answers] == [{2}, {1}, set()]
    assert column(answers[0]["images"], "variant") == [str(n) for n in range(2, 1500, 3)]


# --- implementation 2.7 -----------------------------------------------------------------------------------------------


def test_walking_through_recycled_images(service: Service) -> None:
    task = service.new_task()
    rings = {"v1": 7, "v2": 4}
    service.send(image(task, n, f"{v}-{n % ring}", "m", v) for n in range(10) for v, ring in rings.items())
    request: Data = {"metrics": [{"task": task}], "iters": 5}

    def page(scroll_id: str | None, **more: Any) -> tuple[Shown, str]:
        answer = service.call(ACTION, **request, **more, scroll_id=scroll_id)
        return shown(answer), answer["scroll_id"]

    first = [(n, ["v1", "v2"] if n > 5 else ["v1"]) for n in range(9, 4, -1)]
    second = [(4, ["v1"]), (3, ["v1"])]
    found, scroll_id = page(None)
    assert found == first
    steps = [({}, second), ({}, []), ({"navigate_earlier": False}, first), ({"navigate_earlier": False}, [])]
    for more, expected in [*steps, ({}, second), ({"refresh": True}, first), ({}, second)]:
        found, scroll_id = page(scroll_id, **more)
        assert found == expected, more
    assert page("unknown")[0] == first
    assert page(None, navigate_earlier=False)[0] == first


def test_a_new_task(service: Service) -> None:
    task = service.new_task()
    request: Data = {"metrics": [{"task": task}], "iters": 5}
    answer = service.call(ACTION, **request)
    assert answer["metrics"] == [{"task": task, "iterations": []}]
    assert isinstance(answer["scroll_id"], str)
    again = service.call(ACTION, **request, scroll_id=answer["scroll_id"], refresh=True)
    assert again["metrics"] == answer["metrics"]
    service.send([image(task)])
    assert shown(service.call(ACTION, **request, scroll_id=again["scroll_id"])) == []
    assert shown(service.call(ACTION, **request, scroll_id=again["scroll_id"], refresh=True)) == [(0, ["v"])]


def test_metrics_that_come_later(service: Service) -> None:
    task = service.new_task()
    service.send(image(task, 1, f"1{v}", m, v) for m, v in (("M1", "v1"), ("M1", "v2"), ("M2", "v3"), ("M2", "v4")))
    targets = [{"task": task, "metric": "M1", "variants": ["v1", "v2"]}, {"task": task, "metric": "M2"}]
    answer, other_walk = service.call(ACTION, metrics=targets), service.call(ACTION, metrics=targets)
    assert shown(answer) == [(1, ["v1", "v2", "v3", "v4"])]
    later = [("M2", "v3"), ("M2", "v4"), ("M2", "v5"), ("M3", "a"), ("M3", "b")]
    service.send(image(task, 2, f"2{v}", m, v) for m, v in later)
    every = [{"task": task}]
    assert shown(service.call(ACTION, metrics=every, scroll_id=answer["scroll_id"])) == []
    forward = service.call(ACTION, metrics=every, scroll_id=answer["scroll_id"], navigate_earlier=False)
    assert shown(forward) == [(2, ["v3", "v4", "v5"])]
    strict = service.call(ACTION, metrics=targets, scroll_id=other_walk["scroll_id"], navigate_earlier=False)
    assert shown(strict) == [(2, ["v3", "v4"])]
    refreshed = service.call(ACTION, metrics=every, scroll_id=answer["scroll_id"], refresh=True)
    assert shown(refreshed) == [(2, ["v3", "v4", "v5", "a", "b"])]
    one = [{"task": task, "metric": "M3"}]
    kept = service.call(ACTION, metrics=one, scroll_id=answer["scroll_id"], refresh=True, iters=2)
    assert shown(kept) == [(2, ["v3", "v4", "v5", "a", "b"]), (1, ["v1", "v2", "v3", "v4"])]


def test_several_tasks_and_filters(service: Service) -> None:
    one, two = service.new_task(), service.new_task()
    service.send(image(one, n, f"{n}{v}", m, v) for n in range(3) for m in "ab" for v in "xy")
    service.send([image(two, 7, "seven"), image(two, 8, None), image(two, 9, ""), scalar(two, 50)])
    targets = [
        {"task": two},
        {"task": one, "metric": "a", "variants": ["y"]},
        {"task": one, "metric": "b", "variants": ["x"]},
        {"task": one, "metric": "a", "variants": ["x"]},
        {"task": two, "metric": "unknown"},
    ]
    answer = service.call(ACTION, metrics=targets, iters=2)
    assert column(answer["metrics"], "task") == [two, one]
    assert shown(answer) == [(9, ["v"]), (7, ["v"])]
    assert shown(answer, 1) == [(2, ["x", "x"]), (1, ["x", "x"])]
    following = service.call(ACTION, metrics=targets, iters=2, scroll_id=answer["scroll_id"])
    assert (shown(following), shown(following, 1)) == ([], [(0, ["x", "x"])])
    for other in ([{"task": one}], [{"task": service.new_task()}]):
        assert service.fail(ACTION, metrics=other, scroll_id=answer["scroll_id"]) == (400, 1104)
    more = [*targets, {"task": service.new_task()}]
    assert column(service.call(ACTION, metrics=more, scroll_id=answer["scroll_id"])["metrics"], "task") == [two, one]


def test_one_image_per_variant_and_validity_before_the_choice(service: Service) -> None:
    task = service.new_task()
    service.send([image(task, 1, "a", key="1"), image(task, 1, "c", key="2"), image(task, 1, "b", key="3")])
    service.send(image(task, n, "same", "ring") for n in range(2, 9))
    answer = service.call(ACTION, metrics=[{"task": task}], iters=2)
    urls = [(i["iter"], column(i["events"], "url")) for i in answer["metrics"][0]["iterations"]]
    assert urls == [(8, ["same"]), (1, ["c"])]


def test_refused(service: Service) -> None:
    task = service.new_task()
    no_metrics: tuple[Data, ...] = ({}, {"metrics": []}, {"metrics": [{"metric": "m"}]})
    for bad in (*no_metrics, {"metrics": [{"task": task}], "iters": 0}):
        assert service.fail(ACTION, **bad) == (400, 12)
    assert service.fail(ACTION, metrics=[{"task": "unknown"}]) == (400, 101)
    assert service.fail(ACTION, metrics=[{"task": task}], model_events=True) == (400, 201)


def test_a_state_that_is_too_large_is_refused(service: Service) -> None:
    task, names = service.new_task(), [sha256(str(n).encode()).hexdigest() for n in range(1500)]
    service.send(image(task, 1, name, name, name) for name in names)
    assert service.fail(ACTION, metrics=[{"task": task}]) == (400, 12)
    assert len(shown(service.call(ACTION, metrics=[{"task": task, "metric": names[0]}]))) == 1
    sample = {"task": task, "metric": names[0], "variant": names[0]}
    assert service.fail("get_debug_image_sample", **sample, navigate_current_metric=False) == (400, 12)
    assert service.call("get_debug_image_sample", **sample)["max_iteration"] == 1
