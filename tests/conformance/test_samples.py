"""API contract 3.5 to 3.8: debug-image and plot samples, and walking from one to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import ABSENT, Event, column, image, model_events, plot

GET_IMAGE, NEXT_IMAGE = "events.get_debug_image_sample", "events.next_debug_image_sample"
GET_PLOT, NEXT_PLOT = "events.get_plot_sample", "events.next_plot_sample"
AT = {"metric": "m", "variant": "v"}
END: Data = {"event": None, "min_iteration": None, "max_iteration": None}
PLOTS_END: Data = {"events": [], "min_iteration": None, "max_iteration": None}


def told(answer: Data) -> Data:
    """An answer without its scroll id, which must be there."""
    rest = dict(answer)
    assert isinstance(rest.pop("scroll_id"), str)
    return rest


def ring(task: str, urls: int, iterations: int = 10, variant: str = "v", metric: str = "m") -> list[Event]:
    return [image(task, n, f"http://f/{variant}{n % urls}.png", metric, variant) for n in range(iterations)]


# --- get_debug_image_sample -------------------------------------------------------------------------------------------


def sample(api: Api, task: str, **fields: Any) -> tuple[Any, Any, Any, str]:
    """Iteration of the event (None: no event), min, max and scroll id."""
    answer = api.call(GET_IMAGE, AT | fields, task=task)
    assert set(answer) == {"scroll_id", "event", "min_iteration", "max_iteration"}
    event = answer["event"]
    return event and event["iter"], answer["min_iteration"], answer["max_iteration"], answer["scroll_id"]


@pytest.fixture
def four(api: Api, task: str) -> str:
    """Ten iterations on a ring of four files."""
    api.add(*ring(task, 4))
    return task


def test_the_latest_image_and_its_valid_range(api: Api, four: str) -> None:
    answer = api.call(GET_IMAGE, AT, task=four)
    event = answer["event"]
    assert told(answer) == {"event": event, "min_iteration": 6, "max_iteration": 9}
    assert (event["iter"], event["url"], event["type"]) == (9, "http://f/v1.png", "training_debug_image")


def test_the_image_of_an_iteration(api: Api, four: str) -> None:
    scroll_id = sample(api, four)[-1]
    for asked, found in ((8, 8), (6, 6), (20, 9), (5, None), (-1, None), ("7", 7), (None, 9)):
        iteration, low, high, scroll_id = sample(api, four, iteration=asked, scroll_id=scroll_id)
        assert (iteration, low, high) == (found, 6, 9), asked


@pytest.mark.parametrize(
    ("urls", "low"),
    [
        ({1: "A", 2: "B", 3: "A", 4: "C"}, 2),
        ({5: "A", 6: "B", 7: "A"}, 6),
        ({1: "A", 2: "A"}, 2),
        ({3: "A", 4: "B", 5: "C"}, 3),
        ({-4: "A", -2: "B", 0: "C"}, -4),
    ],
)
def test_the_valid_range_begins_with_the_oldest_file_that_was_not_recycled(
    api: Api, task: str, urls: dict[int, str], low: int
) -> None:
    """API contract 3.0.8."""
    api.add(*(image(task, iteration, url) for iteration, url in urls.items()))
    assert sample(api, task)[:3] == (max(urls), low, max(urls))


def test_between_iterations_the_one_before_is_shown(api: Api, task: str) -> None:
    api.add(*(image(task, n, f"u{n}") for n in (0, 10, 20)))
    assert [sample(api, task, iteration=n)[0] for n in (0, 9, 10, 19, 25)] == [0, 0, 10, 10, 20]


def test_of_several_images_the_one_with_the_greatest_url(api: Api, task: str) -> None:
    api.add(*(image(task, 1, url, key=url) for url in ("b", "c", "a")))
    assert api.call(GET_IMAGE, AT, task=task)["event"]["url"] == "c"


@pytest.mark.parametrize("names", [{"metric": "x"}, {"variant": "x"}])
def test_an_unknown_metric_or_variant_is_nothing(api: Api, four: str, names: Data) -> None:
    assert told(api.call(GET_IMAGE, AT | names, task=four)) == END


def test_nothing_at_all(api: Api, task: str) -> None:
    answer = api.call(GET_IMAGE, AT, task=task)
    answer.pop("scroll_id")
    assert answer == END


def test_an_image_without_url_is_none(api: Api, task: str) -> None:
    api.add(image(task, 1, "u"), image(task, 5, ABSENT), image(task, 6, None))
    assert sample(api, task)[:3] == (1, 1, 1)


def test_the_range_is_frozen_until_it_is_refreshed(api: Api, four: str) -> None:
    scroll_id = sample(api, four)[-1]
    api.add(image(four, 15, "new"))
    iteration, low, high, scroll_id = sample(api, four, scroll_id=scroll_id)
    assert (iteration, low, high) == (15, 6, 9)
    assert sample(api, four, scroll_id=scroll_id, refresh=True)[:3] == (15, 6, 15)


def test_a_new_variant_appears_when_refreshed(api: Api, four: str) -> None:
    scroll_id = sample(api, four)[-1]
    api.add(image(four, 3, "u", variant="new"))
    iteration, low, _, scroll_id = sample(api, four, scroll_id=scroll_id, variant="new")
    assert (iteration, low) == (None, None)
    assert sample(api, four, scroll_id=scroll_id, variant="new", refresh=True)[:3] == (3, 3, 3)


def test_a_scroll_id_belongs_to_its_task_metric_and_mode(api: Api, four: str) -> None:
    other = api.create_task()
    api.add(*ring(other, 4), *ring(four, 4, metric="n"))
    scroll_id = sample(api, four)[-1]
    for fields in ({"task": other}, {"metric": "n"}, {"navigate_current_metric": False}):
        assert api.fail(GET_IMAGE, AT | {"task": four, "scroll_id": scroll_id} | fields) == (400, 1104)
    wide = sample(api, four, navigate_current_metric=False)[-1]
    assert sample(api, four, navigate_current_metric=False, metric="n", scroll_id=wide)[:3] == (9, 6, 9)


@pytest.mark.parametrize("scroll_id", ["0123456789abcdef0123456789abcdef", "garbage", ""])
def test_an_unknown_scroll_id_starts_over(api: Api, four: str, scroll_id: str) -> None:
    *found, new = sample(api, four, scroll_id=scroll_id)
    assert found == [9, 6, 9]
    assert new not in (scroll_id, None)


def test_a_models_image(api: Api, model: str) -> None:
    api.add(*model_events(ring(model, 4)))
    scroll_id = sample(api, model, model_events=True)[-1]
    answer = api.call(NEXT_IMAGE, task=model, model_events=True, scroll_id=scroll_id)
    assert (answer["event"]["iter"], answer["min_iteration"]) == (8, 6)


@pytest.mark.parametrize("fields", [{"metric": None}, {"variant": None}, {"task": None}, {"iteration": "x"}])
def test_malformed_samples(api: Api, task: str, fields: Data) -> None:
    assert api.fail(GET_IMAGE, AT | {"task": task} | fields) == (400, 12)


# --- walking ----------------------------------------------------------------------------------------------------------


@dataclass
class Walk:
    """Steps from sample to sample with the newest scroll id."""

    api: Api
    task: str
    scroll_id: str

    def image(self, earlier: bool = True, **fields: Any) -> str | None:
        """``metric/variant@iteration`` of the next image; None at the end."""
        answer = self._step(NEXT_IMAGE, earlier, fields)
        assert set(answer) == {"scroll_id", "event", "min_iteration", "max_iteration"}
        if answer["event"] is None:
            assert told(answer) == END
            return None
        assert answer["min_iteration"] <= answer["event"]["iter"]
        return "{metric}/{variant}@{iter}".format(**answer["event"])

    def plots(self, earlier: bool = True, **fields: Any) -> str | None:
        """``metric/variants@iteration`` of the next plots; None at the end."""
        answer = self._step(NEXT_PLOT, earlier, fields)
        assert set(answer) == {"scroll_id", "events", "min_iteration", "max_iteration"}
        if not answer["events"]:
            assert told(answer) == PLOTS_END
            return None
        ((metric, iteration),) = set(column(answer["events"], "metric", "iter"))
        return f"{metric}/{'+'.join(column(answer['events'], 'variant'))}@{iteration}"

    def _step(self, action: str, earlier: bool, fields: Data) -> Data:
        request = {"task": self.task, "scroll_id": self.scroll_id, "navigate_earlier": earlier} | fields
        answer = self.api.call(action, request)
        self.scroll_id = answer["scroll_id"]
        return answer


def at_image(api: Api, task: str, metric: str, variant: str, iteration: int, **fields: Any) -> Walk:
    """A walk that starts at an image."""
    answer = api.call(GET_IMAGE, fields, task=task, metric=metric, variant=variant, iteration=iteration)
    assert answer["event"]["iter"] == iteration
    return Walk(api, task, answer["scroll_id"])


def at_plots(api: Api, task: str, metric: str, **fields: Any) -> Walk:
    """A walk that starts at a metric's plots."""
    answer = api.call(GET_PLOT, fields, task=task, metric=metric)
    assert answer["events"]
    return Walk(api, task, answer["scroll_id"])


def test_to_the_end_and_back(api: Api, task: str) -> None:
    """The upstream test."""
    api.add(*(image(task, n, f"u{n}{variant}", "m", variant) for n in (0, 1) for variant in ("v1", "v2")))
    walk = at_image(api, task, "m", "v1", 1)
    steps = [walk.image(earlier) for earlier in (False, False, True, True, True, True, False)]
    assert steps == ["m/v2@1", None, "m/v1@1", "m/v2@0", "m/v1@0", None, "m/v2@0"]


def test_every_scroll_id_of_a_walk_goes_on_from_where_the_walk_is(api: Api, task: str) -> None:
    """The state is one for all of them: also for a client that keeps the first."""
    api.add(*ring(task, 10), *(plot(task, n) for n in range(4)))
    for get, following, name, field in (
        (GET_IMAGE, NEXT_IMAGE, AT, "event"),
        (GET_PLOT, NEXT_PLOT, {"metric": "m"}, "events"),
    ):
        first = api.call(get, name, task=task)
        other = api.call(get, name, task=task)["scroll_id"]
        at = first["max_iteration"]

        def go(scroll_id: str, following: str = following, field: str = field, **fields: Any) -> int:
            found = api.call(following, fields, task=task, scroll_id=scroll_id)[field]
            iteration: int = (found if field == "event" else found[0])["iter"]
            return iteration

        assert [go(first["scroll_id"]) for _ in range(3)] == [at - 1, at - 2, at - 3]
        assert go(first["scroll_id"], navigate_earlier=False) == at - 2
        assert go(other) == at - 1  # a walk of its own
        again = api.call(get, name, task=task, scroll_id=first["scroll_id"], iteration=at - 2)["scroll_id"]
        assert go(first["scroll_id"]) == at - 3
        assert go(again, navigate_earlier=False) == at - 2


def test_next_iteration_jumps_to_the_last_before_or_the_first_after(api: Api, task: str) -> None:
    api.add(*(image(task, n, f"u{n}{variant}", "m", variant) for n in (0, 1, 2) for variant in ("v1", "v2", "v3")))
    walk = at_image(api, task, "m", "v2", 1)
    assert walk.image(earlier=False, next_iteration=True) == "m/v1@2"
    assert walk.image(earlier=False, next_iteration=True) is None
    assert walk.image(next_iteration=True) == "m/v3@1"
    assert walk.image(next_iteration=True) == "m/v3@0"
    assert walk.image(next_iteration=True) is None
    assert walk.image(earlier=False) is not None


def test_only_the_current_metric_or_all_of_them(api: Api, task: str) -> None:
    api.add(*(image(task, n, f"u{n}{metric}", metric) for n in (0, 1) for metric in "abc"))
    own = at_image(api, task, "b", "v", 1)
    assert [own.image(), own.image(), own.image(earlier=False)] == ["b/v@0", None, "b/v@1"]
    all_metrics = at_image(api, task, "b", "v", 1, navigate_current_metric=False)
    steps = [all_metrics.image(earlier) for earlier in (False, False, True, True, True, True)]
    assert steps == ["c/v@1", None, "b/v@1", "a/v@1", "c/v@0", "b/v@0"]


def test_recycled_files_are_skipped(api: Api, task: str) -> None:
    api.add(*ring(task, 2, 6, "v1"), *ring(task, 4, 6, "v2"))
    walk = at_image(api, task, "m", "v2", 5)
    steps = [walk.image() for _ in range(6)]
    assert steps == ["m/v1@5", "m/v2@4", "m/v1@4", "m/v2@3", "m/v2@2", None]


def test_variants_with_iterations_of_their_own(api: Api, task: str) -> None:
    places = {"a": (0, 10), "b": (3, 10, 12)}
    api.add(*(image(task, n, f"{name}{n}", variant=name) for name, numbers in places.items() for n in numbers))
    walk = at_image(api, task, "m", "b", 12)
    steps = [walk.image() for _ in range(5)]
    assert steps == ["m/b@10", "m/a@10", "m/b@3", "m/a@0", None]
    steps = [walk.image(earlier=False) for _ in range(5)]
    assert steps == ["m/b@3", "m/a@10", "m/b@10", "m/b@12", None]


def test_the_next_of_several_images_is_that_with_the_greatest_url(api: Api, task: str) -> None:
    api.add(image(task, 2, "u"), *(image(task, 1, url, key=url) for url in ("b", "c", "a")))
    answer = api.call(NEXT_IMAGE, task=task, scroll_id=at_image(api, task, "m", "v", 2).scroll_id)
    assert answer["event"]["url"] == "c"


@pytest.mark.parametrize("action", [NEXT_IMAGE, NEXT_PLOT])
@pytest.mark.parametrize("scroll_id", [None, "", "0123456789abcdef0123456789abcdef", "garbage"])
def test_there_is_no_next_without_a_scroll(api: Api, task: str, action: str, scroll_id: str | None) -> None:
    assert api.fail(action, task=task, scroll_id=scroll_id) == (400, 1104)


def test_there_is_no_next_of_another_task_or_kind(api: Api, four: str) -> None:
    other = api.create_task()
    api.add(*ring(other, 4), plot(four, 1))
    scroll_id = sample(api, four)[-1]
    assert api.fail(NEXT_IMAGE, task=other, scroll_id=scroll_id) == (400, 1104)
    assert api.fail(NEXT_PLOT, task=four, scroll_id=scroll_id) == (400, 1104)
    plots = api.call(GET_PLOT, task=four, metric="m")["scroll_id"]
    assert api.fail(NEXT_IMAGE, task=four, scroll_id=plots) == (400, 1104)


def test_an_unpositioned_walk_goes_nowhere(api: Api, four: str) -> None:
    """API contract 5, row 18."""
    scroll_id = sample(api, four, iteration=1)[-1]
    for earlier in (True, False):
        assert Walk(api, four, scroll_id).image(earlier) is None
    unknown = api.call(GET_IMAGE, task=four, metric="m", variant="x")["scroll_id"]
    assert Walk(api, four, unknown).image() is None
    api.add(plot(four, 5))
    low = api.call(GET_PLOT, task=four, metric="m", iteration=1, navigate_current_metric=False)
    assert (low["events"], low["min_iteration"], low["max_iteration"]) == ([], 5, 5)
    for earlier in (True, False):
        assert Walk(api, four, low["scroll_id"]).plots(earlier) is None
    wide = api.call(GET_PLOT, task=four, metric="x", navigate_current_metric=False)["scroll_id"]
    assert Walk(api, four, wide).plots() is None


# --- get_plot_sample --------------------------------------------------------------------------------------------------


@pytest.fixture
def crossed(api: Api, task: str) -> str:
    """The upstream test: metrics M1 (v1, v2) and M2 (v3, v4) at iterations 0 and 1."""
    names = (("M1", "v2"), ("M1", "v1"), ("M2", "v4"), ("M2", "v3"))
    api.add(*(plot(task, n, f"{n}{variant}", metric, variant) for n in (0, 1) for metric, variant in names))
    return task


def test_all_plots_of_a_metric_at_its_latest_iteration(api: Api, crossed: str) -> None:
    answer = api.call(GET_PLOT, task=crossed, metric="M1")
    assert set(answer) == {"scroll_id", "events", "min_iteration", "max_iteration"}
    assert column(answer["events"], "variant", "iter", "plot_str") == [("v1", 1, "1v1"), ("v2", 1, "1v2")]
    assert (answer["min_iteration"], answer["max_iteration"]) == (0, 1)


def test_the_plots_of_an_iteration(api: Api, task: str) -> None:
    api.add(*(plot(task, n) for n in (0, 10, 20)))
    scroll_id = api.call(GET_PLOT, task=task, metric="m")["scroll_id"]
    for asked, found in ((0, [0]), (9, [0]), (10, [10]), (99, [20]), (-1, []), (None, [20])):
        answer = api.call(GET_PLOT, task=task, metric="m", iteration=asked, scroll_id=scroll_id)
        assert (column(answer["events"], "iter"), answer["min_iteration"], answer["max_iteration"]) == (found, 0, 20)
        scroll_id = answer["scroll_id"]


def test_at_most_a_hundred_plots(api: Api, task: str) -> None:
    api.add(*(plot(task, 1, variant=f"{n:03}") for n in range(120)))
    answer = api.call(GET_PLOT, task=task, metric="m")
    assert column(answer["events"], "variant") == [f"{n:03}" for n in range(100)]


def test_plots_of_an_unknown_metric(api: Api, crossed: str) -> None:
    assert told(api.call(GET_PLOT, task=crossed, metric="x")) == PLOTS_END


def test_no_plots_at_all(api: Api, task: str) -> None:
    answer = api.call(GET_PLOT, task=task, metric="m")
    answer.pop("scroll_id")
    assert answer == PLOTS_END


def test_the_range_of_plots_is_frozen_until_it_is_refreshed(api: Api, crossed: str) -> None:
    scroll_id = api.call(GET_PLOT, task=crossed, metric="M1")["scroll_id"]
    api.add(plot(crossed, 7, metric="M1"))
    stale = api.call(GET_PLOT, task=crossed, metric="M1", scroll_id=scroll_id)
    assert (column(stale["events"], "iter"), stale["max_iteration"]) == ([7], 1)
    fresh = api.call(GET_PLOT, task=crossed, metric="M1", scroll_id=stale["scroll_id"], refresh=True)
    assert (column(fresh["events"], "iter"), fresh["max_iteration"]) == ([7], 7)


def test_a_scroll_id_of_plots_belongs_to_its_task_metric_and_mode(api: Api, crossed: str) -> None:
    other = api.create_task()
    api.add(plot(other, metric="M1"))
    scroll_id = api.call(GET_PLOT, task=crossed, metric="M1")["scroll_id"]
    for fields in ({"task": other}, {"metric": "M2"}, {"navigate_current_metric": False}):
        assert api.fail(GET_PLOT, {"task": crossed, "metric": "M1", "scroll_id": scroll_id} | fields) == (400, 1104)


@pytest.mark.parametrize("fields", [{"metric": None}, {"task": None}, {"iteration": "x"}, {"scroll_id": 5}])
def test_malformed_plot_samples(api: Api, task: str, fields: Data) -> None:
    assert api.fail(GET_PLOT, {"metric": "m", "task": task} | fields) == (400, 12)


# --- next_plot_sample -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, {"next_iteration": True}])
def test_plots_of_the_current_metric(api: Api, crossed: str, fields: Data) -> None:
    """``next_iteration`` makes no difference."""
    walk = at_plots(api, crossed, "M1")
    steps = [walk.plots(earlier, **fields) for earlier in (False, True, True, False)]
    assert steps == [None, "M1/v1+v2@0", None, "M1/v1+v2@1"]


def test_plots_of_all_metrics(api: Api, crossed: str) -> None:
    walk = at_plots(api, crossed, "M1", navigate_current_metric=False)
    assert walk.plots(earlier=False) == "M2/v3+v4@1"
    assert walk.plots() == "M1/v1+v2@1"
    assert walk.plots() == "M2/v3+v4@0"
    assert walk.plots(next_iteration=True) is None
    assert walk.plots(earlier=False, next_iteration=True) == "M1/v1+v2@1"
    assert walk.plots(earlier=False, next_iteration=True) is None


def test_the_next_iteration_of_all_metrics(api: Api, task: str) -> None:
    api.add(*(plot(task, n, metric=metric) for n in (0, 5, 9) for metric in "abc"))
    walk = at_plots(api, task, "b", navigate_current_metric=False, iteration=5)
    assert walk.plots(next_iteration=True) == "c/v@0"
    assert walk.plots(earlier=False, next_iteration=True) == "a/v@5"
    assert walk.plots(earlier=False, next_iteration=True) == "a/v@9"


def test_the_range_of_the_next_plots_is_that_of_their_metric(api: Api, task: str) -> None:
    api.add(*(plot(task, n, metric="a") for n in (1, 5)), *(plot(task, n, metric="b") for n in (2, 5)))
    walk = at_plots(api, task, "b", navigate_current_metric=False)
    answer = api.call(NEXT_PLOT, task=task, scroll_id=walk.scroll_id)
    assert column(answer["events"], "metric", "iter") == [("a", 5)]
    assert (answer["min_iteration"], answer["max_iteration"]) == (1, 5)


def test_plots_of_a_model(api: Api, model: str) -> None:
    api.add(*model_events([plot(model, n) for n in (1, 2)]))
    answer = api.call(GET_PLOT, task=model, metric="m", model_events=True)
    assert column(answer["events"], "iter") == [2]
    following = api.call(NEXT_PLOT, task=model, model_events=True, scroll_id=answer["scroll_id"])
    assert column(following["events"], "iter") == [1]
