"""API contract 3.3: ``debug_images`` in its three implementations, and, where it is the same, ``plots`` (3.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import ABSENT, Event, column, image, log, model_events, plot, scalar

IMAGES, PLOTS = "events.debug_images", "events.plots"
NO_MORE = (None, "FFFF")
Seen = list[tuple[int, list[str]]]


@dataclass
class Scroll:
    """A walk through pages with the newest scroll id; ``metrics`` as the request has them."""

    api: Api
    metrics: list[Data]
    iters: int = 5
    action: str = IMAGES
    is_model: bool = False
    scroll_id: str | None = None

    def page(self, earlier: bool = True, **fields: Any) -> list[list[tuple[int, list[Event]]]]:
        """For each task its iterations with their events."""
        request = {"metrics": self.metrics, "iters": self.iters, "navigate_earlier": earlier} | fields
        request |= {"scroll_id": self.scroll_id, "model_events": self.is_model}
        answer = self.api.call(self.action, request)
        assert set(answer) == {"scroll_id", "metrics"}
        assert isinstance(answer["scroll_id"], str)
        self.scroll_id = answer["scroll_id"]
        assert all(set(entry) == {"task", "iterations"} for entry in answer["metrics"])
        return [[(one["iter"], one["events"]) for one in entry["iterations"]] for entry in answer["metrics"]]

    def seen(self, earlier: bool = True, **fields: Any) -> Seen:
        """The iterations of the only task with the variants of their events."""
        (iterations,) = self.page(earlier, **fields)
        return [(iteration, column(events, "variant")) for iteration, events in iterations]

    def iterations(self, earlier: bool = True, **fields: Any) -> list[int]:
        """The iterations of the only task."""
        return [iteration for iteration, _ in self.seen(earlier, **fields)]


def ring(task: str, variant: str, urls: int, iterations: int = 10, metric: str = "m") -> list[Event]:
    """Images whose files are recycled."""
    return [image(task, n, f"http://f/{variant}/{n % urls}.png", metric, variant) for n in range(iterations)]


@pytest.fixture
def rings(api: Api, task: str) -> str:
    """The upstream test: ten iterations of two variants, with rings of seven and four files."""
    api.add(*ring(task, "v1", 7), *ring(task, "v2", 4))
    return task


LATEST_PAGE: Seen = [(9, ["v1", "v2"]), (8, ["v1", "v2"]), (7, ["v1", "v2"]), (6, ["v1", "v2"]), (5, ["v1"])]
SECOND_PAGE: Seen = [(4, ["v1"]), (3, ["v1"])]
MAKERS: dict[str, Callable[..., Event]] = {IMAGES: image, PLOTS: plot}
both = pytest.mark.parametrize("action", MAKERS)


# --- implementation 2.7 -----------------------------------------------------------------------------------------------


def test_recycled_files_are_not_shown(api: Api, rings: str) -> None:
    scroll = Scroll(api, [{"task": rings, "metric": "m"}])
    assert scroll.seen() == LATEST_PAGE
    assert scroll.seen() == SECOND_PAGE
    assert scroll.seen() == []
    assert scroll.seen(earlier=False) == LATEST_PAGE
    assert scroll.seen(earlier=False) == []
    assert scroll.seen() == SECOND_PAGE
    assert scroll.seen(refresh=True) == LATEST_PAGE


@pytest.mark.parametrize("version", ["2.7", "2.14", "2.22"])
def test_the_shape_of_an_answer(api: Api, task: str, version: str) -> None:
    event = image(task, 3, "http://f/3.png", key="/3.png", timestamp=1671640000000, worker="w1")
    api.add(event)
    answer = api.call(IMAGES, version=version, metrics=[{"task": task}])
    (entry,) = answer["metrics"]
    (iteration,) = entry["iterations"]
    assert (entry["task"], iteration["iter"]) == (task, 3)
    (stored,) = iteration["events"]
    stored.pop("@timestamp")
    assert stored == event | {"model_event": False}


@both
def test_a_new_task_has_no_iterations_and_a_scroll_id(api: Api, task: str, action: str) -> None:
    scroll = Scroll(api, [{"task": task, "metric": "m"}], action=action)
    assert scroll.seen() == []
    assert scroll.seen(refresh=True) == []
    api.add(MAKERS[action](task, 1))
    assert scroll.seen(refresh=True) == [(1, ["v"])]


@both
def test_the_state_is_frozen_until_it_is_refreshed(api: Api, task: str, action: str) -> None:
    """The upstream test."""
    made = MAKERS[action]
    api.add(*(made(task, 1, f"u/{m}/{v}", m, v) for m, v in (("M1", "v1"), ("M1", "v2"), ("M2", "v3"), ("M2", "v4"))))
    scroll = Scroll(api, [{"task": task}], iters=1, action=action)
    assert scroll.seen() == [(1, ["v1", "v2", "v3", "v4"])]
    newer = (("M2", "v3"), ("M2", "v4"), ("M2", "v5"), ("M3", "a"), ("M3", "b"))
    api.add(*(made(task, 2, f"u2/{m}/{v}", m, v) for m, v in newer))
    assert scroll.seen() == []
    (iterations,) = scroll.page(refresh=True)
    assert [(n, column(events, "metric", "variant")) for n, events in iterations] == [(2, list(newer))]


@both
def test_a_refresh_sees_the_metrics_of_every_batch(api: Api, task: str, action: str) -> None:
    """API contract 5, row 16."""
    made = MAKERS[action]
    api.add(made(task, 1, "u1", "a"))
    scroll = Scroll(api, [{"task": task}], iters=1, action=action)
    scroll.page()
    for metric in "bcd":
        api.add(made(task, 2, f"u/{metric}", metric))
    (((_, events),),) = scroll.page(refresh=True)
    assert column(events, "metric") == ["b", "c", "d"]


@both
def test_a_refresh_works_for_models(api: Api, model: str, action: str) -> None:
    """API contract 5, row 16."""
    made = MAKERS[action]
    api.add(*model_events([made(model, 1, "u1", "a")]))
    scroll = Scroll(api, [{"task": model}], iters=1, action=action, is_model=True)
    assert scroll.iterations() == [1]
    api.add(*model_events([made(model, 2, "u2", "b")]))
    assert scroll.iterations(earlier=False) == []
    assert scroll.iterations(refresh=True) == [2]


@both
def test_without_a_refresh_new_variants_of_known_metrics_appear(api: Api, task: str, action: str) -> None:
    """API contract 5, row 16: kept."""
    made = MAKERS[action]
    api.add(made(task, 1, "u1", "a", "v1"))
    scroll = Scroll(api, [{"task": task}], iters=1, action=action)
    assert scroll.seen() == [(1, ["v1"])]
    api.add(made(task, 2, "u2", "a", "v2"), made(task, 2, "u3", "b", "v1"), made(task, 2, "u4", "a", "v1"))
    assert scroll.seen(earlier=False) == [(2, ["v1", "v2"])]


@both
def test_unless_the_request_names_variants(api: Api, task: str, action: str) -> None:
    made = MAKERS[action]
    api.add(made(task, 1, "u1", "a", "v1"))
    scroll = Scroll(api, [{"task": task, "metric": "a", "variants": ["v1", "v2"]}], iters=1, action=action)
    assert scroll.seen() == [(1, ["v1"])]
    api.add(made(task, 2, "u2", "a", "v2"), made(task, 2, "u3", "a", "v1"))
    assert scroll.seen(earlier=False) == [(2, ["v1"])]
    assert scroll.seen(refresh=True) == [(2, ["v1", "v2"])]


@both
def test_the_request_does_not_change_the_state(api: Api, task: str, action: str) -> None:
    made = MAKERS[action]
    api.add(*(made(task, n, f"u{n}", "a") for n in (1, 2)), *(made(task, n, f"w{n}", "b") for n in (1, 2)))
    scroll = Scroll(api, [{"task": task, "metric": "a"}], iters=1, action=action)
    scroll.page()
    scroll.metrics = [{"task": task, "metric": "b"}]
    (((iteration, events),),) = scroll.page()
    assert (iteration, column(events, "metric")) == (1, ["a"])


@both
def test_one_unset_window_starts_with_the_latest(api: Api, task: str, action: str) -> None:
    api.add(*(MAKERS[action](task, n, f"u{n}") for n in range(5)))
    assert Scroll(api, [{"task": task}], iters=2, action=action).iterations(earlier=False) == [4, 3]


@both
def test_walking_there_and_back(api: Api, task: str, action: str) -> None:
    api.add(*(MAKERS[action](task, n * 10, f"u{n}") for n in range(5)))
    scroll = Scroll(api, [{"task": task}], iters=2, action=action)
    walk = [scroll.iterations(earlier) for earlier in (True, True, True, True, False, False, True)]
    assert walk == [[40, 30], [20, 10], [0], [], [20, 10], [40, 30], [20, 10]]


@both
def test_every_scroll_id_of_a_walk_goes_on_from_where_the_walk_is(api: Api, task: str, action: str) -> None:
    api.add(*(MAKERS[action](task, n, f"u{n}") for n in range(6)))
    scroll = Scroll(api, [{"task": task}], iters=2, action=action)
    assert scroll.iterations() == [5, 4]
    first = scroll.scroll_id
    for earlier, expected in ((True, [3, 2]), (True, [1, 0]), (True, []), (False, [3, 2]), (False, [5, 4])):
        scroll.scroll_id = first
        assert scroll.iterations(earlier) == expected
    scroll.scroll_id = first
    assert scroll.iterations(refresh=True) == [5, 4]
    scroll.scroll_id = first
    assert scroll.iterations() == [3, 2]


@both
def test_one_iteration_by_default(api: Api, task: str, action: str) -> None:
    api.add(*(MAKERS[action](task, n, f"u{n}") for n in range(3)))
    for fields in ({}, {"iters": None}):
        (entry,) = api.call(action, fields, metrics=[{"task": task}])["metrics"]
        assert column(entry["iterations"], "iter") == [2]


@both
def test_negative_iterations(api: Api, task: str, action: str) -> None:
    api.add(*(MAKERS[action](task, n, f"u{n}") for n in (-3, -1, 0, 2)))
    scroll = Scroll(api, [{"task": task}], iters=3, action=action)
    assert [scroll.iterations(), scroll.iterations(), scroll.iterations()] == [[2, 0, -1], [-3], []]


@pytest.fixture(scope="module")
def four(api: Api) -> str:
    """Images and plots of metrics a and b, variants 1 and 2."""
    task = api.create_task()
    names = ("b2", "a2", "b1", "a1")
    api.add(*(made(task, 1, f"u{name}", name[0], name[1]) for made in MAKERS.values() for name in names))
    return task


# --- which metrics ----------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([{}], ["a1", "a2", "b1", "b2"]),
        ([{"metric": None}], ["a1", "a2", "b1", "b2"]),
        ([{"metric": "a"}], ["a1", "a2"]),
        ([{"metric": "a", "variants": None}], ["a1", "a2"]),
        ([{"metric": "a", "variants": []}], ["a1", "a2"]),
        ([{"metric": "a", "variants": ["2", "x"]}], ["a2"]),
        ([{"metric": "a", "variants": ["1"]}, {"metric": "b"}], ["a1", "b1", "b2"]),
        ([{"metric": "a", "variants": ["1"]}, {"metric": "a", "variants": ["2"]}], ["a2"]),
        ([{"metric": "a", "variants": ["1"]}, {}], ["a1", "a2", "b1", "b2"]),
        ([{"metric": "x"}], []),
    ],
)
def test_the_metrics_asked_for(api: Api, four: str, action: str, entries: list[Data], expected: list[str]) -> None:
    (iterations,) = Scroll(api, [{"task": four} | entry for entry in entries], action=action).page()
    names = ["".join(pair) for _, events in iterations for pair in column(events, "metric", "variant")]
    assert names == expected


@both
def test_tasks_are_in_order_of_appearance_each_with_a_window_of_its_own(api: Api, task: str, action: str) -> None:
    other, empty = api.create_task(), api.create_task()
    api.add(*(MAKERS[action](task, n, f"u{n}") for n in range(3)), MAKERS[action](other, 7, "w"))
    metrics = [{"task": one} for one in (other, empty, task)]
    answer = api.call(action, metrics=[*metrics, {"task": other, "metric": "m"}])
    assert column(answer["metrics"], "task") == [other, empty, task]
    scroll = Scroll(api, metrics, iters=2, action=action)
    pages = [[[n for n, _ in iterations] for iterations in scroll.page()] for _ in range(3)]
    assert pages == [[[7], [], [2, 1]], [[], [], [0]], [[], [], []]]


@both
def test_a_refresh_unsets_the_windows_of_all_tasks(api: Api, task: str, action: str) -> None:
    other = api.create_task()
    api.add(*(MAKERS[action](one, n, f"u{n}") for one in (task, other) for n in range(3)))
    scroll = Scroll(api, [{"task": task}, {"task": other}], iters=2, action=action)
    pages = [scroll.page(), scroll.page()]
    api.add(MAKERS[action](task, 9, "new"))
    pages.append(scroll.page(refresh=True))
    assert [[[n for n, _ in iterations] for iterations in page] for page in pages] == [
        [[2, 1], [2, 1]],
        [[0], [0]],
        [[9, 2], [2, 1]],
    ]


@both
def test_an_iteration_is_in_the_order_of_names(api: Api, task: str, action: str) -> None:
    names = [("b", "x"), ("a", "é"), ("Z", "1"), ("a", "b"), ("a", "B")]
    api.add(*(MAKERS[action](task, 1, f"u{metric}{variant}", metric, variant) for metric, variant in names))
    (((_, events),),) = Scroll(api, [{"task": task}], action=action).page()
    assert column(events, "metric", "variant") == sorted(names)


def test_one_image_of_each_variant_that_with_the_greatest_url(api: Api, task: str) -> None:
    """C: one image per iteration, metric and variant."""
    api.add(*(image(task, 1, url, key=url) for url in ("http://b", "http://c", "http://a")))
    (((_, events),),) = Scroll(api, [{"task": task}]).page()
    assert column(events, "url") == ["http://c"]


def test_one_plot_of_each_variant_that_with_the_greatest_timestamp(api: Api, task: str) -> None:
    api.add(*(plot(task, 1, str(time), key=str(time), timestamp=time) for time in (20, 30, 10)))
    (((_, events),),) = Scroll(api, [{"task": task}], action=PLOTS).page()
    assert column(events, "plot_str") == ["30"]


@pytest.mark.parametrize("url", [ABSENT, None])
def test_an_image_without_url_is_none(api: Api, task: str, url: Any) -> None:
    api.add(image(task, 5, url), image(task, 3, "u"), image(task, 9, url, "other"))
    assert Scroll(api, [{"task": task}]).seen() == [(3, ["v"])]


def test_an_empty_url_is_a_url(api: Api, task: str) -> None:
    api.add(image(task, 5, ""))
    assert Scroll(api, [{"task": task}]).seen() == [(5, ["v"])]


def test_only_images_are_images_and_only_plots_are_plots(api: Api, task: str) -> None:
    api.add(image(task, 1), plot(task, 2), scalar(task, 3, url="u"), log(task, iter=4, url="u"))
    assert Scroll(api, [{"task": task}]).iterations() == [1]
    assert Scroll(api, [{"task": task}], action=PLOTS).iterations() == [2]


@both
def test_events_without_an_iteration_are_on_no_page(api: Api, task: str, action: str) -> None:
    api.add(MAKERS[action](task, ABSENT, "u1"), MAKERS[action](task, None, "u2"), MAKERS[action](task, 1, "u3"))
    scroll = Scroll(api, [{"task": task}], action=action)
    assert (scroll.iterations(), scroll.iterations()) == ([1], [])


# --- validity, API contract 3.0.8 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("urls", "valid"),
    [
        ({5: "A", 6: "B", 7: "A"}, [7, 6]),
        ({1: "A", 2: "B", 3: "A", 4: "C"}, [4, 3, 2, 1]),
        ({1: "A", 2: "A", 3: "A"}, [3]),
        ({1: "A", 2: "B", 3: "C"}, [3, 2, 1]),
        ({1: "A", 2: "B", 3: "A", 4: "B"}, [4, 3]),
        ({-5: "A", 0: "B", 5: "A"}, [5, 0]),
        ({1: "", 2: ""}, [2]),
    ],
)
def test_the_newest_url_tells_what_is_invalid(api: Api, task: str, urls: dict[int, str], valid: list[int]) -> None:
    api.add(*(image(task, iteration, url) for iteration, url in urls.items()))
    assert Scroll(api, [{"task": task}]).iterations() == valid


def test_a_tie_of_urls_is_decided_for_the_smallest(api: Api, task: str) -> None:
    """At iteration 3 both A (also at 1) and B (also at 2): A decides, so 2 is valid."""
    events = [image(task, 1, "A"), image(task, 2, "B"), image(task, 3, "A", key="x"), image(task, 3, "B", key="y")]
    api.add(*events)
    assert Scroll(api, [{"task": task}]).iterations() == [3, 2]


def test_invalid_iterations_do_not_fill_a_page(api: Api, task: str) -> None:
    """API contract 5, row 15: validity comes before the choice of iterations."""
    api.add(*ring(task, "one", 1), *(image(task, n, f"http://g/{n}", "m", "two") for n in range(4)))
    scroll = Scroll(api, [{"task": task}], iters=3)
    assert scroll.seen() == [(9, ["one"]), (3, ["two"]), (2, ["two"])]
    assert scroll.seen() == [(1, ["two"]), (0, ["two"])]
    assert scroll.seen() == []


def test_validity_is_of_each_variant(api: Api, task: str) -> None:
    api.add(*ring(task, "v", 2, 6, "a"), *ring(task, "v", 4, 6, "b"))
    (iterations,) = Scroll(api, [{"task": task}]).page()
    found = [(n, column(events, "metric")) for n, events in iterations]
    assert found == [(5, ["a", "b"]), (4, ["a", "b"]), (3, ["b"]), (2, ["b"])]


def test_plots_have_no_validity(api: Api, task: str) -> None:
    api.add(*(plot(task, n, "same") for n in range(3)))
    assert Scroll(api, [{"task": task}], action=PLOTS).iterations() == [2, 1, 0]


# --- scroll ids -------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("scroll_id", ["0123456789abcdef0123456789abcdef", "garbage", ""])
def test_an_unknown_scroll_id_starts_over_with_a_new_one(api: Api, task: str, action: str, scroll_id: str) -> None:
    api.add(*(MAKERS[action](task, n, f"u{n}") for n in range(3)))
    answer = api.call(action, metrics=[{"task": task}], scroll_id=scroll_id)
    assert column(answer["metrics"][0]["iterations"], "iter") == [2]
    assert answer["scroll_id"] not in (scroll_id, None)


@both
def test_a_scroll_id_of_other_tasks_is_refused(api: Api, task: str, action: str) -> None:
    """API contract 5, row 19."""
    other = api.create_task()
    scroll_id = api.call(action, metrics=[{"task": task}])["scroll_id"]
    assert api.fail(action, metrics=[{"task": other}], scroll_id=scroll_id) == (400, 1104)


@both
@pytest.mark.parametrize(
    "fields",
    [
        {"metrics": None},
        {"metrics": []},
        {"metrics": {}},
        {"metrics": ["x"]},
        {"metrics": [{"metric": "m"}]},
        {"metrics": [{"task": None}]},
        {"metrics": [{"task": 5}]},
        {"iters": 0},
        {"iters": -1},
        {"iters": "x"},
        {"scroll_id": 5},
    ],
)
def test_malformed_requests(api: Api, task: str, action: str, fields: Data) -> None:
    assert api.fail(action, {"metrics": [{"task": task}]} | fields) == (400, 12)


def test_the_sdk_reads_until_nothing_comes(api: Api, task: str) -> None:
    api.add(*(image(task, n, f"u{n}", "title", "series") for n in range(250)))
    scroll = Scroll(api, [{"task": task, "metric": "title", "variants": ["series"]}], iters=100)
    pages = [scroll.iterations() for _ in range(4)]
    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert [iteration for page in pages for iteration in page] == list(range(250))[::-1]


# --- implementation 1.8 -----------------------------------------------------------------------------------------------


def images(api: Api, task: str, version: str, **fields: Any) -> Data:
    answer = api.call(IMAGES, fields, version=version, task=task)
    assert set(answer) == {"task", "images", "returned", "total", "scroll_id"}
    assert (answer["task"], answer["returned"]) == (task, len(answer["images"]))
    return answer


@pytest.mark.parametrize("version", ["1.8", "2.1", "2.6"])
def test_the_greatest_iterations_of_the_whole_task(api: Api, task: str, version: str) -> None:
    api.add(*(image(task, n, "same", "a", variant) for n in (1, 2, 3) for variant in "yx"), image(task, 2, ABSENT, "b"))
    api.add(image(task, ABSENT, "u"), plot(task, 9))
    answer = images(api, task, version)
    assert (column(answer["images"], "iter", "variant"), answer["total"]) == ([(3, "y"), (3, "x")], 2)
    answer = images(api, task, version, iters=2)
    expected = [(3, "a", "y"), (3, "a", "x"), (2, "a", "y"), (2, "a", "x"), (2, "b", "v")]
    assert (column(answer["images"], "iter", "metric", "variant"), answer["total"]) == (expected, 5)
    assert images(api, task, version, iters=100)["total"] == 7


def test_pages_of_500_images(api: Api, task: str) -> None:
    api.add(*(image(task, 1, f"u{n}", "m", f"{n:04}") for n in range(600)))
    answers = [images(api, task, "2.1")]
    while answers[-1]["images"]:
        answers.append(images(api, task, "2.1", scroll_id=answers[-1]["scroll_id"]))
    assert [answer["returned"] for answer in answers] == [500, 100, 0]
    assert {answer["total"] for answer in answers[:-1]} == {600}
    assert answers[-1]["scroll_id"] in NO_MORE
    assert [event["variant"] for answer in answers for event in answer["images"]] == [f"{n:04}" for n in range(600)]


def test_models_of_implementation_1_8(api: Api, model: str) -> None:
    api.add(*model_events([image(model, 1), image(model, 2)]))
    assert column(images(api, model, "1.8", model_events=True)["images"], "iter") == [2]


@pytest.mark.parametrize("version", ["1.0", "1.8"])
def test_no_images(api: Api, task: str, version: str) -> None:
    answer = images(api, task, version)
    assert (answer["images"], answer["total"]) == ([], 0)
    assert answer["scroll_id"] in NO_MORE


@pytest.mark.parametrize("version", ["1.0", "1.8"])
@pytest.mark.parametrize("fields", [{"task": None}, {"task": 5}, {"iters": 0}, {"iters": -1}, {"iters": "x"}])
def test_malformed_requests_to_the_older_ones(api: Api, task: str, version: str, fields: Data) -> None:
    assert api.fail(IMAGES, {"task": task} | fields, version=version) == (400, 12)


# --- implementation 1.0 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.7"])
def test_the_last_events_of_each_metric_and_variant(api: Api, task: str, version: str) -> None:
    api.add(*(image(task, n, "same", "a", "x") for n in (1, 2, 3)), image(task, 2, ABSENT, "a", "y"))
    api.add(image(task, 1, "u", "b", "x"))
    answer = images(api, task, version)
    assert column(answer["images"], "iter", "metric", "variant") == [(3, "a", "x"), (2, "a", "y"), (1, "b", "x")]
    assert answer["total"] == 5
    answer = images(api, task, version, iters=2)
    assert column(answer["images"], "iter", "metric", "variant") == [
        *((3, "a", "x"), (2, "a", "x"), (2, "a", "y"), (1, "b", "x"))
    ]
    rest = images(api, task, version, scroll_id=answer["scroll_id"])
    assert (rest["images"], rest["scroll_id"] in NO_MORE) == ([], True)


def test_metric_and_variant_are_joined_without_separator(api: Api, task: str) -> None:
    api.add(image(task, 3, "u", "a", "bc"), image(task, 2, "w", "ab", "c"))
    assert column(images(api, task, "1.0")["images"], "iter") == [3]


def test_an_image_without_iteration_is_the_lowest(api: Api, task: str) -> None:
    """API contract 5, row 32."""
    api.add(image(task, ABSENT, "u", "none"), image(task, -5, "w"))
    assert column(images(api, task, "1.0")["images"], "url") == ["w", "u"]
