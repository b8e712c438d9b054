"""API contract 3.13: ``get_task_plots``. See test_debug_images for ``plots`` (3.4), test_samples for samples."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import ABSENT, column, image, model_events, plot, scalar

PLOTS = "events.get_task_plots"
NO_MORE = (None, "FFFF")
VERSIONS = ["1.8", "2.1", "2.22", "999.0"]


def plots(api: Api, task: str, version: str = "999.0", **fields: Any) -> Data:
    answer = api.call(PLOTS, fields, version=version, task=task)
    assert set(answer) == {"plots", "returned", "total", "scroll_id"}
    assert answer["returned"] == len(answer["plots"])
    return answer


# --- implementation 1.8 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_the_last_plot_of_each_metric_and_variant(api: Api, task: str, version: str) -> None:
    """The upstream test: iterations differ, both are returned."""
    api.add(
        plot(task, 1, "A1", "A"), plot(task, 5, "B5", "B"), plot(task, 4, "B4", "B"), image(task, 9), scalar(task, 9)
    )
    answer = plots(api, task, version)
    assert column(answer["plots"], "plot_str") == ["A1", "B5"]
    assert (answer["total"], answer["scroll_id"]) == (2, None)


def test_names_ascend_and_iterations_descend(api: Api, task: str) -> None:
    names = [("b", "y"), ("b", "X"), ("a", "y"), ("Z", "é")]
    api.add(*(plot(task, n, "{}", metric, variant) for n in (1, 3, 2) for metric, variant in names))
    found = column(plots(api, task, iters=2)["plots"], "metric", "variant", "iter")
    assert found == [(metric, variant, n) for metric, variant in sorted(names) for n in (3, 2)]


def test_iterations_count_events(api: Api, task: str) -> None:
    """Not distinct iterations; ties are in write order."""
    api.add(*(plot(task, n, f"{n}{key}", key=key) for n in (1, 2) for key in "bac"))
    assert column(plots(api, task, iters=4)["plots"], "plot_str") == ["2b", "2a", "2c", "1b"]


def test_plots_without_an_iteration_come_last(api: Api, task: str) -> None:
    api.add(plot(task, ABSENT, "none"), plot(task, -5, "below"))
    assert column(plots(api, task)["plots"], "plot_str") == ["below"]
    assert column(plots(api, task, iters=2)["plots"], "plot_str") == ["below", "none"]


def test_more_than_a_hundred_iterations_are_no_fault(api: Api, task: str) -> None:
    """API contract 5, row 11."""
    api.add(*(plot(task, n) for n in range(120)))
    assert column(plots(api, task, iters=1_000)["plots"], "iter") == list(range(120))[::-1]


@pytest.mark.parametrize("fields", [{"scroll_id": "garbage"}, {"scroll_id": "FFFF"}, {"no_scroll": True}])
def test_scrolling_is_ignored(api: Api, task: str, fields: Data) -> None:
    api.add(plot(task, 1))
    answer = plots(api, task, **fields)
    assert (answer["returned"], answer["total"], answer["scroll_id"]) == (1, 1, None)


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ([{"metric": "a"}], ["a1", "a2"]),
        ([{"metric": "a", "variants": ["2"]}, {"metric": "b"}], ["a2", "b1", "b2"]),
        ([{"metric": "x"}], []),
        ([], ["a1", "a2", "b1", "b2"]),
        (None, ["a1", "a2", "b1", "b2"]),
    ],
)
def test_the_metric_filter(api: Api, task: str, metrics: list[Data] | None, expected: list[str]) -> None:
    api.add(*(plot(task, 1, metric + variant, metric, variant) for metric in "ba" for variant in "21"))
    answer = plots(api, task, metrics=metrics)
    assert (column(answer["plots"], "plot_str"), answer["total"]) == (expected, len(expected))


def test_what_is_no_json_is_shown_by_default(api: Api, task: str) -> None:
    api.add(plot(task, 1, "{no JSON", "a"), plot(task, 1, "", "b"), plot(task, 1, ABSENT, "c"))
    assert column(plots(api, task)["plots"], "metric", "plot_len") == [("a", 8), ("b", 0), ("c", 0)]


def test_no_plots(api: Api, task: str) -> None:
    assert plots(api, task) == {"plots": [], "returned": 0, "total": 0, "scroll_id": None}


def test_models(api: Api, model: str) -> None:
    api.add(*model_events([plot(model, 1), plot(model, 2)]))
    assert column(plots(api, model, model_events=True)["plots"], "iter", "model_event") == [(2, True)]


def test_the_sdks_request(api: Api, task: str) -> None:
    api.add(*(plot(task, n, f"p{n}") for n in range(5)))
    answer = plots(api, task, "2.23", iters=3, no_scroll=True, model_events=False)
    assert column(answer["plots"], "plot_str") == ["p4", "p3", "p2"]


@pytest.mark.parametrize("version", ["1.0", "1.8"])
@pytest.mark.parametrize("fields", [{"iters": 0}, {"iters": -1}, {"iters": "x"}, {"task": None}, {"task": 5}])
def test_malformed_requests(api: Api, task: str, version: str, fields: Data) -> None:
    assert api.fail(PLOTS, {"task": task} | fields, version=version) == (400, 12)


# --- implementation 1.0 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.7"])
def test_the_last_plots_of_each_joined_name(api: Api, task: str, version: str) -> None:
    api.add(*(plot(task, n, f"ax{n}", "a", "x") for n in (1, 2, 3)), plot(task, 2, "ay2", "a", "y"))
    api.add(plot(task, 1, "joined", "ax", ""), plot(task, ABSENT, "none", "b"))
    answer = plots(api, task, version)
    assert (column(answer["plots"], "plot_str"), answer["total"]) == (["ax3", "ay2", "none"], 6)
    answer = plots(api, task, version, iters=4)
    assert column(answer["plots"], "plot_str") == ["ax3", "ax2", "ay2", "ax1", "joined", "none"]
    rest = plots(api, task, version, scroll_id=answer["scroll_id"])
    assert (rest["plots"], rest["scroll_id"] in NO_MORE) == ([], True)


def test_no_plots_of_implementation_1_0(api: Api, task: str) -> None:
    answer = plots(api, task, "1.0")
    assert (answer["plots"], answer["total"], answer["scroll_id"] in NO_MORE) == ([], 0, True)
