"""Figures as plotly's JSON, which is what Eventide shows."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any


def plotly_text(figure: object) -> str:
    """Return the JSON of a plotly figure. Raises TypeError for what is none."""
    if hasattr(figure, "to_json"):
        return str(figure.to_json())
    if isinstance(figure, Mapping):
        return json.dumps(figure)
    raise TypeError(f"a figure of plotly or matplotlib, or a dictionary is expected, not {type(figure).__name__}")


def histogram(values: Sequence[float], bins: int) -> str:
    """Return bars of equal width. Raises ValueError unless there is a bin."""
    if bins < 1:
        raise ValueError(f"at least one bin is expected, not {bins}")
    finite = [number for number in map(float, values) if math.isfinite(number)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    width = (high - low) / bins or 1.0
    edges = [low + width * number for number in range(1, bins)]
    counts = [0] * bins
    for number in finite:
        counts[bisect_right(edges, number)] += 1
    centers = [low + width * (number + 0.5) for number in range(bins)]
    return _figure({"type": "bar", "x": centers, "y": counts, "width": width}, bargap=0)


def table(rows: Sequence[Sequence[object]], columns: Sequence[str]) -> str:
    """Return a table. Raises ValueError if a row has another length than ``columns``."""
    if wrong := [row for row in rows if len(row) != len(columns)]:
        raise ValueError(f"{len(columns)} cells are expected in a row, not {len(wrong[0])}")
    cells = [[_cell(row[number]) for row in rows] for number in range(len(columns))]
    return _figure({"type": "table", "header": {"values": list(columns)}, "cells": {"values": cells}})


def _figure(trace: Mapping[str, Any], **layout: Any) -> str:
    return json.dumps({"data": [trace], "layout": layout})


def _cell(value: object) -> object:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)
