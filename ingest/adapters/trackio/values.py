"""What trackio logs under a key -> json lines of ``events.add_batch``: points, images and plots."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from schema.adapters.exact_values import exact_text
from schema.adapters.metric_keys import metric_and_variant
from schema.adapters.nested_values import flattened
from schema.adapters.trackio import MEDIA
from schema.events.normalize import is_float32
from schema.events.tables import DEBUG_IMAGE, PLOT, SCALAR
from schema.json_encoding import to_json

NOT_FINITE = frozenset(("NaN", "Infinity", "-Infinity"))
TYPE, PATH, VALUE = "_type", "file_path", "_value"
TABLE, HISTOGRAM, MARKDOWN = "trackio.table", "trackio.histogram", "trackio.markdown"

Line = Mapping[str, Any]


class Point(msgspec.Struct, gc=False, omit_defaults=True, tag_field="type", tag=SCALAR):
    """A point of a curve. ``exact_value``: where ``value`` cannot hold it."""

    task: str
    metric: str
    variant: str
    iter: int
    timestamp: int
    value: float | None = None
    exact_value: str | None = None


class Place(NamedTuple):
    """Where and when something was logged. ``origin``: of the files. ``timestamp``: ms since the epoch."""

    task: str
    step: int
    timestamp: int
    origin: str = ""


def read_values(metrics: Mapping[str, Any], place: Place) -> Iterator[Point | Line]:
    """Yield what was logged together. Values of nested keys have their path, ``a/b``."""
    for key, value in metrics.items():
        if type(value) is float or type(value) is int:
            yield point(key, value, place)
        elif isinstance(value, Mapping) and TYPE not in value and value:
            yield from (_read(name, leaf, place) for name, leaf in flattened(value, key))
        elif isinstance(value, list) and value and all(_is_media(item) for item in value):
            yield from (_image(key, item, place, str(number)) for number, item in enumerate(value))
        elif value is not None:
            yield _read(key, value, place)


def point(key: str, value: float, place: Place, names: tuple[str, str] | None = None) -> Point:
    """Return a point. ``names``: metric and variant, if not those of the key."""
    found = Point(place.task, *(names or metric_and_variant(key)), place.step, place.timestamp)
    if is_float32(value):
        found.value = value
    else:
        found.exact_value = exact_text(value)
    return found


def undefined(key: str, text: str, place: Place, names: tuple[str, str] | None = None) -> Point:
    """Return a point of a value that is not finite."""
    return Point(place.task, *(names or metric_and_variant(key)), place.step, place.timestamp, exact_value=text)


def _read(key: str, value: Any, place: Place) -> Point | Line:
    if isinstance(value, bool | int | float):
        return point(key, +value, place)  # of a boolean the number
    if isinstance(value, str):
        return undefined(key, value, place) if value in NOT_FINITE else _text(key, value, place)
    if _is_media(value):
        return _image(key, value, place)
    kind = value.get(TYPE) if isinstance(value, Mapping) else None
    if kind == TABLE and isinstance(rows := value.get(VALUE), list) and all(isinstance(row, dict) for row in rows):
        return _plot(key, place, _table(rows))
    if kind == HISTOGRAM and isinstance(value.get("bins"), list) and isinstance(value.get("values"), list):
        return _plot(key, place, _histogram(value["bins"], value["values"]))
    if kind == MARKDOWN:
        return _text(key, str(value.get(VALUE)), place)
    return _text(key, to_json(value).decode(), place)


def _is_media(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get(TYPE), str) and isinstance(value.get(PATH), str)


def _image(key: str, value: Mapping[str, Any], place: Place, number: str | None = None) -> Line:
    name = value[PATH].replace("\\", "/").rpartition("/")[2]
    line = _named(DEBUG_IMAGE, key, place) | {"url": f"{place.origin}/files/{MEDIA}/{quote(name)}"}
    if number is not None:
        line["key"] = number
    return line | ({"caption": value["caption"]} if isinstance(value.get("caption"), str) else {})


def _plot(key: str, place: Place, data: dict[str, Any]) -> Line:
    figure = {"data": [data], "layout": {"title": {"text": key}}}
    return _named(PLOT, key, place) | {"plot_str": json.dumps(figure)}


def _text(key: str, text: str, place: Place) -> Line:
    """Return a text as a table of one cell: a plot has its step and, unlike a line of a log, is stored once."""
    return _plot(key, place, _table([{key: text}]))


def _table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {
        "type": "table",
        "header": {"values": names},
        "cells": {"values": [[_cell(row.get(name)) for row in rows] for name in names]},
    }


def _cell(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else json.dumps(value)


def _histogram(bins: list[Any], counts: list[Any]) -> dict[str, Any]:
    """Return bars over the edges of bins."""
    edges = [edge for edge in bins if isinstance(edge, int | float)]
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    widths = [high - low for low, high in pairwise(edges)]
    return {"type": "bar", "x": middles, "y": counts, "width": widths}


def _named(event_type: str, key: str, place: Place) -> dict[str, Any]:
    metric, variant = metric_and_variant(key)
    names = {"type": event_type, "task": place.task, "metric": metric, "variant": variant}
    return names | {"iter": place.step, "timestamp": place.timestamp}
