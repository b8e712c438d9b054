"""Figures of what has no event type of its own, as plotly describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

Figure = Mapping[str, Any]


def histogram(title: str, edges: Sequence[float], counts: Sequence[float]) -> Figure:
    """Return bars over ranges; ``edges``: one more than counts."""
    lows = [float(edge) for edge in edges[:-1]]
    widths = [float(high) - float(low) for low, high in pairwise(edges)]
    bars = {"type": "bar", "x": lows, "y": [float(n) for n in counts], "width": widths, "offset": 0, "name": title}
    return _figure(title, [bars], {"bargap": 0})


def lines(title: str, x: Sequence[float], y: Sequence[float], x_title: str, y_title: str) -> Figure:
    """Return one line."""
    line = {"type": "scatter", "mode": "lines", "x": list(x), "y": list(y), "name": title}
    return _figure(title, [line], {"xaxis": {"title": {"text": x_title}}, "yaxis": {"title": {"text": y_title}}})


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Figure:
    """Return a table; ``rows``: the cells of each."""
    cells = [[row[place] if place < len(row) else None for row in rows] for place in range(len(columns))]
    return _figure(title, [{"type": "table", "header": {"values": list(columns)}, "cells": {"values": cells}}])


def _figure(title: str, data: list[dict[str, Any]], layout: Figure | None = None) -> Figure:
    return {"data": data, "layout": {"title": {"text": title}, **(layout or {})}}


def table_of_mappings(title: str, rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Return a table of rows that name their columns."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return table(title, columns, [[row.get(name) for name in columns] for row in rows])
