"""Stored rows -> the events that the API returns: the inverse of ``schema.events.normalize``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from schema.events.normalize import NO_TIMESTAMP
from schema.events.rows import Row, rows_of_columns
from schema.events.tables import PLOT, SCALAR, TABLES, VECTOR

PLAIN = ("", "a")  # discriminators of events that say neither ``key`` nor a null ``iter``
MAYBE_BEYOND_64_BITS = re.compile(r"\d{19}")  # orjson would make floats of them
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC throughout; formatted by hand
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799  # of the years 1 and 9999


def document(row: Row, event_type: str) -> dict[str, Any]:
    """Return the event of a stored row (COMMON, the type's fields, and ``received_at`` in ms)."""
    timestamp = row["timestamp"]
    event: dict[str, Any] = {
        "type": event_type,
        "task": row["task"],
        "metric": row["metric"],
        "variant": row["variant"],
        "timestamp": None if timestamp == NO_TIMESTAMP else timestamp,
        "@timestamp": iso_time(row["received_at"]),
        "worker": row["worker"],
        "model_event": row["model_event"],
    }
    _restore_identity(event, row)
    for name in TABLES[event_type].fields:
        if (value := row[name]) is not None:
            event[name] = value
    if event_type in RESTORE:
        RESTORE[event_type](event)
    if row["extras"]:
        event.update(_loads(row["extras"]))
    return event


def documents_of(columns: Mapping[str, Sequence[Any]], event_type: str) -> list[dict[str, Any]]:
    """Return the events of stored rows in columns; plain ones only need some columns renamed or formatted."""
    if not _are_usual(columns, event_type):
        return [document(row, event_type) for row in rows_of_columns(columns)]
    fields: dict[str, Sequence[Any]] = {
        "type": [event_type] * len(columns["task"]),
        "task": columns["task"],
        "metric": columns["metric"],
        "variant": columns["variant"],
        "timestamp": columns["timestamp"],
        "@timestamp": [iso_time(ms) for ms in columns["received_at"]],
        "worker": columns["worker"],
        "model_event": columns["model_event"],
    }
    return rows_of_columns(fields | {name: columns[name] for name in TABLES[event_type].fields})


def _are_usual(columns: Mapping[str, Sequence[Any]], event_type: str) -> bool:
    """Tell whether columns can be renamed into events.

    That is so if every row has a timestamp and all of its type's fields, and none has an iteration, a key or extras.
    """
    return not (
        event_type in RESTORE
        or any(columns["has_iter"])
        or any(columns["extras"])
        or NO_TIMESTAMP in columns["timestamp"]
        or not set(columns["discriminator"]).issubset(PLAIN)
        or any(None in columns[name] for name in TABLES[event_type].fields)
    )


@lru_cache(1 << 14)  # events of one batch have one
def iso_time(ms: int) -> str:
    """Format epoch milliseconds as ``YYYY-MM-DDTHH:MM:SS.mmmZ``, clamped to the years 1 to 9999."""
    seconds, rest = divmod(ms, 1000)
    moment = EPOCH + timedelta(seconds=min(max(seconds, FIRST_SECOND), LAST_SECOND))
    return f"{moment.isoformat()}.{rest:03d}Z"


def _loads(text: str) -> Any:
    """Parse JSON that we wrote; extras may hold NaN, Infinity and integers beyond 64 bits."""
    if not MAYBE_BEYOND_64_BITS.search(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    return json.loads(text)


def _restore_identity(event: dict[str, Any], row: Row) -> None:
    if row["has_iter"]:
        event["iter"] = row["iter"]
    if row["discriminator"] in PLAIN:
        return
    state, _, key = row["discriminator"].partition("k")
    if state == "n":
        event["iter"] = None
    if key:
        event["key"] = _loads(key)


def _restore_scalar(event: dict[str, Any]) -> None:
    event.pop("x_axis_label", None)  # only for ``last_metrics`` and histograms (API contract 4)
    if "value" in event:
        event["value"] = float(event["value"])  # written as an integer if it is whole, beyond 2**53 another one


def _restore_vector(event: dict[str, Any]) -> None:
    if "value" in event:
        event["value"] = _loads(event["value"])


def _restore_plot(event: dict[str, Any]) -> None:
    event["plot_len"] = len(event.get("plot_str", ""))
    if not event["source_urls"]:
        del event["source_urls"]


RESTORE: dict[str, Callable[[dict[str, Any]], None]] = {
    SCALAR: _restore_scalar,
    VECTOR: _restore_vector,
    PLOT: _restore_plot,
}
