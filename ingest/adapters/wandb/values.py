"""Lines of W&B's streams -> json lines of ``events.add_batch``: points, files, plots and lines of the log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import msgspec

from ingest.adapters.trackio.values import Line, Place, Point, point
from schema.adapters.metric_keys import GPU, MONITOR_GPU, MONITOR_MACHINE, names_of_path
from schema.adapters.nested_values import flattened
from schema.adapters.wandb import file_path
from schema.errors import InvalidField
from schema.events.tables import DEBUG_IMAGE, LOG, PLOT
from schema.json_encoding import to_json

STDERR = "ERROR "  # before a line of it
INTERNAL = "_"  # begins the keys that the client adds
SYSTEM = "system."  # before the keys of what machine and GPUs do
CONSOLE = re.compile(r"(?P<moment>\d{4}-\d\d-\d\dT[\d:.]+) (?P<text>.*)", re.DOTALL)
DECODER = msgspec.json.Decoder()


def parse(line: str) -> dict[str, Any]:
    """Return a JSON object that may have NaN and infinities. Raises InvalidField."""
    try:
        found = DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidField("content: lines of JSON are expected") from error
    if not isinstance(found, dict):
        raise InvalidField("content: JSON objects are expected")
    return found


def history_events(row: Mapping[str, Any], place: Place) -> Iterator[Point | Line]:
    """Yield what was logged at one step. Raises InvalidField for a step that is no integer."""
    at = Place(place.task, _integer(row.get("_step", 0)), _ms(row, place), place.origin)
    for key, value in row.items():
        if not key.startswith(INTERNAL):
            yield from value_events(key, value, at)


def value_events(key: str, value: Any, place: Place) -> Iterator[Point | Line]:
    """Yield what was logged under a key: a number, a text, a file, a histogram, or a mapping of such."""
    if isinstance(value, bool | int | float):
        yield point(key, +value, place, names_of_path(key))
    elif isinstance(value, Mapping) and "_type" not in value and value:
        for name, leaf in flattened(value, key):
            yield from (
                value_events(name, leaf or None, place) if isinstance(leaf, Mapping) else _leaf(name, leaf, place)
            )
    elif value is not None:
        yield from _leaf(key, value, place)


def system_events(row: Mapping[str, Any], place: Place) -> Iterator[Point | Line]:
    """Yield what machine and GPUs did, by the seconds since the run's start."""
    at = Place(place.task, _integer(row.get("_runtime", 0)), _ms(row, place), place.origin)
    for key, value in row.items():
        name = key.removeprefix(SYSTEM)
        if not key.startswith(INTERNAL) and isinstance(value, bool | int | float):
            monitor = MONITOR_GPU if name.startswith(GPU) else MONITOR_MACHINE
            yield point(key, +value, at, (monitor, name))


def console_event(line: str, place: Place) -> Line:
    """Return a line of the console; of a progress bar, which returns to the start of its line, what it says at last."""
    level, text = ("error", line.removeprefix(STDERR)) if line.startswith(STDERR) else ("info", line)
    moment = place.timestamp
    if found := CONSOLE.fullmatch(text):
        text, moment = found["text"], _moment(found["moment"], moment)
    said = text.rstrip("\r\n").rpartition("\r")[2]
    return {"type": LOG, "task": place.task, "level": level, "msg": said, "timestamp": moment}


def _leaf(key: str, value: Any, place: Place) -> Iterator[Point | Line]:
    kind = str(value.get("_type")) if isinstance(value, Mapping) else ""
    if isinstance(value, bool | int | float):
        yield point(key, +value, place, names_of_path(key))
    elif kind.endswith("-file") and isinstance(value.get("path"), str):
        yield _file(key, value["path"], place, value.get("caption"))
    elif kind.endswith("/separated") and isinstance(value.get("filenames"), list):
        captions = value.get("captions")
        for number, name in enumerate(value["filenames"]):
            caption = captions[number] if isinstance(captions, list) and number < len(captions) else None
            yield _file(key, str(name), place, caption) | {"key": str(number)}
    elif kind == "histogram":
        yield _plot(key, place, _histogram(value))
    elif value is not None:
        yield _plot(key, place, _text(key, value if isinstance(value, str) else to_json(value).decode()))


def _file(key: str, path: str, place: Place, caption: Any) -> dict[str, Any]:
    url = f"{place.origin}/files/{quote(file_path(place.task, path))}"
    return _named(DEBUG_IMAGE, key, place) | {"url": url} | ({"caption": caption} if isinstance(caption, str) else {})


def _plot(key: str, place: Place, data: dict[str, Any]) -> Line:
    figure = {"data": [data], "layout": {"title": {"text": key}}}
    return _named(PLOT, key, place) | {"plot_str": json.dumps(figure)}


def _histogram(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return bars; equal bins come packed: least edge, width and number of bins. Raises InvalidField."""
    try:
        edges, counts = _edges(value), [float(count) for count in value.get("values") or ()]
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise InvalidField("histogram: edges of bins and counts are expected") from error
    widths = [high - low for low, high in pairwise(edges)]
    return {"type": "bar", "x": edges[:-1], "y": counts, "width": widths, "offset": 0}


def _edges(value: Mapping[str, Any]) -> Sequence[float]:
    if packed := value.get("packedBins"):
        least, size, count = float(packed["min"]), float(packed["size"]), min(int(packed["count"]), 100_000)
        return [least + size * number for number in range(count + 1)]
    return [float(edge) for edge in value.get("bins") or ()]


def _text(key: str, text: str) -> dict[str, Any]:
    """Return a text as a table of one cell: a plot has its step and, unlike a line of a log, is stored once."""
    return {"type": "table", "header": {"values": [key]}, "cells": {"values": [[text]]}}


def _named(event_type: str, key: str, place: Place) -> dict[str, Any]:
    metric, variant = names_of_path(key)
    names = {"type": event_type, "task": place.task, "metric": metric, "variant": variant}
    return names | {"iter": place.step, "timestamp": place.timestamp}


def _integer(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidField("_step and _runtime are numbers") from error


def _ms(row: Mapping[str, Any], place: Place) -> int:
    seconds = row.get("_timestamp")
    is_time = isinstance(seconds, int | float) and 0 < seconds < 1e11
    return round(float(seconds) * 1000) if is_time and seconds is not None else place.timestamp


def _moment(text: str, otherwise: int) -> int:
    try:
        return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return otherwise
