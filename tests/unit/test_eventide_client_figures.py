"""``ingest/client/eventide_client/figures.py``: figures as plotly draws them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from eventide_client import figures


def test_a_histogram_counts_as_numpy_does() -> None:
    values = np.random.default_rng(3).normal(size=1000)
    (bars,) = json.loads(figures.histogram([*values, float("nan"), float("inf")], 16))["data"]
    counts, edges = np.histogram(values, 16)
    assert bars["y"] == counts.tolist()
    assert bars["x"] == pytest.approx((edges[1:] + edges[:-1]) / 2)


@pytest.mark.parametrize("values", [[], [5.0, 5.0]])
def test_a_histogram_of_one_value_or_none(values: list[float]) -> None:
    (bars,) = json.loads(figures.histogram(values, 4))["data"]
    assert sum(bars["y"]) == len(values)
    assert bars["width"] > 0


def test_a_histogram_has_bins() -> None:
    with pytest.raises(ValueError, match="at least one bin"):
        figures.histogram([1.0], 0)


def test_a_table_has_columns() -> None:
    text = figures.table([[1, float("nan")], [True, [2]]], ["a", "b"])
    assert json.loads(text)["data"][0]["cells"]["values"] == [[1, True], ["nan", "[2]"]]
    with pytest.raises(ValueError, match="2 cells are expected in a row, not 1"):
        figures.table([[1]], ["a", "b"])


def test_figures_of_plotly() -> None:
    assert figures.plotly_text({"data": []}) == '{"data": []}'
    assert figures.plotly_text(SimpleNamespace(to_json=lambda: "{}")) == "{}"
    with pytest.raises(TypeError, match="not str"):
        figures.plotly_text("x")
