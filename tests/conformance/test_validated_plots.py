"""API contract 2.5 with validation switched on: a server of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.api import Api
from tests.harness.deployment import Deployment, embedded
from tests.harness.events import ABSENT, PLOT, column, plot


@pytest.fixture(scope="module")
def validating(eventide: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    if eventide.mode != "embedded":
        pytest.skip("one mode is enough: the gateway reads the same lines")
    settings = {"VALIDATE_PLOTS": "true"}
    with embedded(tmp_path_factory.mktemp("validating"), settings) as own, Api(own.origins, own.credentials) as client:
        yield client


def test_a_plot_knows_whether_it_is_json(validating: Api) -> None:
    task = validating.create_task()
    validity = {"{}": True, "[NaN, -Infinity]": True, "5": True, "{no": False, "": False}
    validating.add(*(plot(task, n, text) for n, text in enumerate(validity)), plot(task, 9, ABSENT))
    *plots, absent = validating.events(task, PLOT)
    assert column(plots, "plot_str", "valid_plot") == list(validity.items())
    assert absent["valid_plot"] is False


def test_invalid_plots_are_hidden_by_get_task_plots_alone(validating: Api) -> None:
    """The upstream test: unless they were sent with ``skip_validation``."""
    task = validating.create_task()
    validating.add(
        plot(task, 1, "{}", "valid"),
        plot(task, 1, "{no", "invalid"),
        plot(task, 1, "{no", "skipped", skip_validation=True),
        plot(task, 1, "{}", "both"),
        plot(task, 2, "{no", "both"),
    )
    shown = validating.call("events.get_task_plots", task=task, iters=5)["plots"]
    assert column(shown, "metric", "iter") == [("both", 1), ("skipped", 1), ("valid", 1)]
    assert not any("skip_validation" in event or event.get("valid_plot") is False for event in shown)
    assert len(validating.call("events.get_task_plots", version="1.0", task=task)["plots"]) == 4
    (latest,) = validating.call("events.plots", metrics=[{"task": task, "metric": "invalid"}])["metrics"]
    assert column(latest["iterations"], "iter") == [1]
    assert validating.call("events.get_plot_sample", task=task, metric="both")["events"][0]["iter"] == 2
    assert len(validating.events(task, PLOT)) == 5
