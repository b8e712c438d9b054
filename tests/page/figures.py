"""A figure of every kind of trace that plotly knows, for tests of the page and for a look at it."""

from __future__ import annotations

import math
from typing import Any

Figure = dict[str, Any]

STEPS = range(20)
WAVE = [round(math.sin(n / 3), 3) for n in STEPS]
GRID = [[round(math.sin(x / 2) * math.cos(y / 2), 3) for x in range(8)] for y in range(8)]
CUBE = [(x, y, z) for x in range(3) for y in range(3) for z in range(3)]
X3, Y3, Z3 = (list(axis) for axis in zip(*CUBE, strict=True))
ONES = [1] * len(CUBE)
FLOW: Figure = {"x": X3, "y": Y3, "z": Z3, "u": ONES, "v": [0.5] * len(CUBE), "w": ONES}
TREE: Figure = {"labels": ["all", "cat", "dog", "tabby"], "parents": ["", "all", "all", "cat"], "values": [9, 5, 4, 3]}
PRICES: Figure = {
    "x": ["2026-01-01", "2026-01-02", "2026-01-03"],
    "open": [1, 2, 3],
    "high": [3, 4, 4],
    "low": [0.5, 1, 2],
    "close": [2, 3, 2.5],
}
SIDE = range(4)
CORNERS: Figure = {
    "a": [a for a in SIDE for _ in SIDE],
    "b": [b for _ in SIDE for b in SIDE],
    "x": [a + b / 4 for a in SIDE for b in SIDE],
    "y": [b + a * a / 6 for a in SIDE for b in SIDE],
}
PLACES: Figure = {"lat": [52.5, 48.9, 40.7], "lon": [13.4, 2.4, -74.0]}
SQUARE: Figure = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": "square",
            "properties": {},
            "geometry": {"type": "Polygon", "coordinates": [[[0, 40], [20, 40], [20, 55], [0, 55], [0, 40]]]},
        }
    ],
}
AREAS: Figure = {"geojson": SQUARE, "locations": ["square"], "z": [1]}

TRACES: dict[str, Figure] = {
    "bar": {"y": WAVE},
    "barpolar": {"r": [1, 3, 2], "theta": [0, 120, 240]},
    "box": {"y": WAVE},
    "candlestick": PRICES,
    "carpet": CORNERS,
    "choropleth": {"locations": ["DEU", "FRA", "USA"], "z": [1, 2, 3]},
    "choroplethmap": AREAS,
    "choroplethmapbox": AREAS,
    "cone": FLOW,
    "contour": {"z": GRID},
    "contourcarpet": {"a": CORNERS["a"], "b": CORNERS["b"], "z": [a * b for a in SIDE for b in SIDE], "carpet": "c"},
    "densitymap": PLACES | {"z": [1, 2, 3]},
    "densitymapbox": PLACES | {"z": [1, 2, 3]},
    "funnel": {"x": [9, 5, 2], "y": ["seen", "tried", "bought"]},
    "funnelarea": {"values": [5, 3, 2], "labels": ["a", "b", "c"]},
    "heatmap": {"z": GRID},
    "heatmapgl": {"z": GRID},
    "histogram": {"x": WAVE},
    "histogram2d": {"x": WAVE, "y": list(STEPS)},
    "histogram2dcontour": {"x": WAVE, "y": list(STEPS)},
    "icicle": TREE,
    "image": {"z": [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]]},
    "indicator": {"value": 42, "mode": "gauge+number", "title": "score"},
    "isosurface": {"x": X3, "y": Y3, "z": Z3, "value": list(range(len(CUBE))), "isomin": 5, "isomax": 20},
    "mesh3d": {"x": [0, 1, 0, 0], "y": [0, 0, 1, 0], "z": [0, 0, 0, 1]},
    "ohlc": PRICES,
    "parcats": {"dimensions": [{"label": "cut", "values": ["a", "b", "a"]}, {"label": "hue", "values": [1, 2, 2]}]},
    "parcoords": {
        "dimensions": [{"label": "lr", "values": [0.1, 0.2, 0.3]}, {"label": "loss", "values": [3, 1, 2]}],
        "line": {"color": [1, 2, 3]},
    },
    "pie": {"values": [5, 3, 2], "labels": ["a", "b", "c"]},
    "pointcloud": {"x": list(STEPS), "y": WAVE},
    "quiver": {"x": [0, 1, 2], "y": [0, 1, 0], "u": [1, 1, -1], "v": [1, -1, 1]},
    "sankey": {
        "node": {"label": ["in", "hidden", "out"]},
        "link": {"source": [0, 1], "target": [1, 2], "value": [8, 5]},
    },
    "scatter": {"y": WAVE},
    "scatter3d": {"x": list(STEPS), "y": WAVE, "z": WAVE[::-1], "mode": "markers"},
    "scattercarpet": {"a": [0, 1.5, 3], "b": [1, 2, 3], "carpet": "c"},
    "scattergeo": PLACES,
    "scattergl": {"x": list(range(6000)), "y": [math.sin(n / 500) for n in range(6000)]},
    "scattermap": PLACES | {"mode": "markers", "marker": {"size": 20}},
    "scattermapbox": PLACES | {"mode": "markers", "marker": {"size": 20}},
    "scatterpolar": {"r": [1, 3, 2], "theta": [0, 120, 240], "fill": "toself"},
    "scatterpolargl": {"r": [n / 10 for n in range(6000)], "theta": list(range(6000)), "mode": "markers"},
    "scattersmith": {"real": [0.5, 1, 2], "imag": [0.5, -1, 1]},
    "scatterternary": {"a": [1, 2, 3], "b": [3, 2, 1], "c": [1, 1, 1], "mode": "markers"},
    "splom": {"dimensions": [{"label": "lr", "values": [1, 2, 3]}, {"label": "loss", "values": [3, 1, 2]}]},
    "streamtube": FLOW,
    "sunburst": TREE,
    "surface": {"z": GRID},
    "table": {"header": {"values": ["class", "recall"]}, "cells": {"values": [["cat", "dog"], [0.9, 0.8]]}},
    "treemap": TREE,
    "violin": {"y": WAVE},
    "volume": {"x": X3, "y": Y3, "z": Z3, "value": list(range(len(CUBE))), "opacity": 0.3},
    "waterfall": {"y": [5, -2, 3], "measure": ["relative", "relative", "relative"]},
}


def figure(kind: str) -> Figure:
    """A figure with one trace of a kind, on whatever it needs below it."""
    trace = TRACES[kind] | {"type": kind}
    below = [CORNERS | {"type": "carpet", "carpet": "c"}] if trace.get("carpet") else []
    maps = {
        name: {"center": {"lat": 47, "lon": -20}, "zoom": 1, "style": "open-street-map"} for name in ("map", "mapbox")
    }
    ground = {name: place for name, place in maps.items() if kind.endswith(name)}
    return {"data": [*below, trace], "layout": {"title": kind} | ground}
