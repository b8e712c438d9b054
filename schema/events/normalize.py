"""One event: what is accepted, and how it is normalised and defaulted (API contract 2.1 to 2.9)."""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from schema.events.rows import Row
from schema.events.tables import DEBUG_IMAGE, INT64_MAX, INT64_MIN, LOG, PLOT, SCALAR, TABLES, VECTOR

NAME_LIMIT_BYTES = 32_766
EXACT_INTEGER_LIMIT = 2**53  # a double holds every integer below
NO_TIMESTAMP = INT64_MAX
SOURCE_URL = re.compile(r"""["']source["']:\s?["']([a-z][a-z0-9+.\-]*://[^"']*)["']""", re.IGNORECASE)

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Refused(Exception):
    """An event that cannot be stored; the text is its reason in ``errors_info``."""


@dataclass(frozen=True)
class ParseContext:
    """The facts that all events of a request share: time of arrival, worker, identity of its log lines."""

    now_ms: int
    worker: str = "<unknown>"
    batch_id: bytes = bytes(16)  # digest of the request, unless its ``source`` is given
    fresh_id: bytes = bytes(16)  # random, for log lines that bring no timestamp of their own
    validate_plots: bool = False
    source: bytes | None = None  # the bytes to digest: only log lines need that

    @cached_property
    def digest(self) -> bytes:
        """The 16 bytes that identify the request's log lines."""
        return self.batch_id if self.source is None else hashlib.sha256(self.source).digest()[:16]


@dataclass(frozen=True)
class Mention:
    """The way in which an event names its entity."""

    id: str
    is_model: bool
    allow_locked: bool


@dataclass
class Event:
    """One event after normalisation: either ``row`` or ``refusal`` is set.

    ``mention`` is None if the event names no usable id. ``is_checked``: a refusal of the entity takes precedence over
    ``refusal``.
    """

    type: str = ""
    mention: Mention | None = None
    is_checked: bool = False
    row: Row = field(default_factory=dict)
    refusal: str = ""


def normalise(line: dict[str, Any], place: int, context: ParseContext) -> Event:
    """Return the event of one JSON object, the ``place``-th of its request. Consumes ``line``. Never raises.

    Checks follow the order of API contract 2.7: an event that fails several is counted under the first.
    """
    event = Event()
    try:
        entity, is_model, allow_locked = _entity(line)
        if isinstance(entity, str):
            event.mention = Mention(entity, is_model, allow_locked)
        event.type = _event_type(line)
        _check_entity(entity, is_model, event.type)
        event.is_checked = True
        event.row = {"task": entity, "model_event": is_model}
        if event.type == LOG:
            event.row |= _line_identity(line, place, context)
        event.row |= _common_columns(line, context) | FIELDS[event.type](line, context)
        event.row["extras"] = _json(line) if line else ""
    except Refused as refused:
        event.refusal = str(refused)
    return event


def _json(value: Any) -> str:
    return ENCODER.encode(value)


# --- what every type has in common ------------------------------------------------------------------------------------


def _event_type(line: dict[str, Any]) -> str:
    given = line.pop("type", None)
    if given is None:
        raise Refused("Event must have a 'type' field")
    name = given.replace(" ", "_") if isinstance(given, str) else _json(given)
    if name not in TABLES:
        raise Refused(f"Invalid event type {name}")
    return name


def _entity(line: dict[str, Any]) -> tuple[Any, bool, bool]:
    is_model = bool(line.pop("model_event", False))
    allow_locked = bool(line.pop("allow_locked", False))
    entity = line.pop("task", None)
    if is_model and line.get("model") is not None:
        entity = line.pop("model")
    return entity, is_model, allow_locked


def _check_entity(entity: Any, is_model: bool, event_type: str) -> None:
    if is_model and event_type == LOG:
        raise Refused("Log events are not supported for models")
    if entity is None:
        raise Refused("Event must have a 'task' field")
    if not isinstance(entity, str):
        raise Refused(f"Invalid {'model' if is_model else 'task'} id {_json(entity)}")


def _line_identity(line: dict[str, Any], place: int, context: ParseContext) -> Row:
    has_own_time = line.get("timestamp") is not None or line.get("ts") is not None
    return {"batch_id": context.digest if has_own_time else context.fresh_id, "line": place}


def _common_columns(line: dict[str, Any], context: ParseContext) -> Row:
    line.pop("@timestamp", None)
    columns = {"metric": _name(line, "metric"), "variant": _name(line, "variant")}
    columns |= _iter_columns(line) | {"timestamp": _timestamp(line, context)}
    return columns | {"worker": _text(line, "worker") if "worker" in line else context.worker}


def _name(line: dict[str, Any], name: str) -> str:
    value = line.pop(name, None) or ""
    if not isinstance(value, str):
        raise Refused(f"Invalid {name}: a string is expected")
    if len(value) > NAME_LIMIT_BYTES // 4 and len(value.encode()) > NAME_LIMIT_BYTES:
        raise Refused(f"Invalid {name}: longer than {NAME_LIMIT_BYTES} bytes")
    return value


def _iter_columns(line: dict[str, Any]) -> Row:
    """Return ``iter``, ``has_iter`` and ``discriminator`` (which also holds ``key``)."""
    state = ("n" if line["iter"] is None else "") if "iter" in line else "a"
    given = line.pop("iter", None)
    key = "k" + _json(line.pop("key")) if "key" in line else ""
    iteration = 0 if given is None else _integer(given)
    return {"iter": iteration, "has_iter": given is not None, "discriminator": state + key}


def _integer(value: Any) -> int:
    """Convert ``iter`` (API contract 2.1): floats truncate, numeric strings parse, booleans are 0 and 1."""
    if not isinstance(value, int | float | str):
        raise Refused("Invalid iter: an integer is expected")
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise Refused("Invalid iter: an integer is expected") from None
    if not INT64_MIN <= number <= INT64_MAX:
        raise Refused("Iteration out of range")
    return number


def _timestamp(line: dict[str, Any], context: ParseContext) -> int:
    """Return the milliseconds to sort by; a float stays in ``line``, to be returned as it was sent."""
    if "ts" in line:
        line["timestamp"] = line.pop("ts")
    if "timestamp" not in line:
        return context.now_ms
    given = line["timestamp"]
    if given is None:
        del line["timestamp"]
        return NO_TIMESTAMP
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise Refused("Invalid timestamp: milliseconds since the epoch are expected")
    if not INT64_MIN <= given < INT64_MAX:
        raise Refused("Invalid timestamp: out of range")
    if isinstance(given, int):
        del line["timestamp"]
    return int(given)


def _text(line: dict[str, Any], name: str) -> str:
    """Return a text column; a value that is no text stays in ``line``, and so in ``extras``."""
    return line.pop(name) if isinstance(line.get(name), str) else ""


def _optional_text(line: dict[str, Any], name: str) -> str | None:
    return line.pop(name) if isinstance(line.get(name), str) else None


# --- what each type adds ----------------------------------------------------------------------------------------------


def _scalar_fields(line: dict[str, Any], context: ParseContext) -> Row:
    label = line.pop("x_axis_label", None)
    columns: Row = {"value": None, "x_axis_label": label if isinstance(label, str) else None}
    value = line.get("value")
    if value is None:
        return columns  # an explicit null stays in the extras
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_float32(value):
        raise Refused("Invalid value: a finite 32-bit float is expected")
    if isinstance(value, float) or abs(value) < EXACT_INTEGER_LIMIT:
        del line["value"]
    return columns | {"value": float(value)}


def is_float32(value: float) -> bool:
    """Tell whether the value rounds to a finite 32-bit float (API contract 2.2)."""
    try:
        return math.isfinite(struct.unpack("f", struct.pack("f", value))[0])
    except (OverflowError, struct.error):
        return False


def _vector_fields(line: dict[str, Any], context: ParseContext) -> Row:
    if "values" in line:
        line["value"] = line.pop("values")
    return {"value": _json(line.pop("value")) if "value" in line else None}


def _image_fields(line: dict[str, Any], context: ParseContext) -> Row:
    if "url" in line and line["url"] is not None and not isinstance(line["url"], str):
        return {"url": _json(line["url"])}  # counts as a URL; the extras return it as it was sent
    return {"url": _optional_text(line, "url")}


def _plot_fields(line: dict[str, Any], context: ParseContext) -> Row:
    plot = line.get("plot_str")
    if plot and not isinstance(plot, str):
        raise Refused("Invalid plot_str: a string is expected")
    for computed in ("plot_len", "source_urls", "plot_data"):
        line.pop(computed, None)
    valid = None
    if context.validate_plots and not line.pop("skip_validation", False):
        valid = is_json(plot)
    text = _optional_text(line, "plot_str")
    return {"plot_str": text, "source_urls": source_urls(text or ""), "valid_plot": valid}


def is_json(text: str | None) -> bool:
    """Tell whether a plot's text is JSON; NaN and Infinity are allowed (API contract 2.5)."""
    try:
        json.loads(text or "")
    except ValueError:
        return False
    return True


def source_urls(plot: str) -> list[str]:
    """Return the distinct URLs that a plot names as ``source``, in order of appearance (API contract 2.5)."""
    return list(dict.fromkeys(SOURCE_URL.findall(plot))) if "ource" in plot or "OURCE" in plot else []


def _log_fields(line: dict[str, Any], context: ParseContext) -> Row:
    return {"level": _optional_text(line, "level"), "msg": _optional_text(line, "msg")}


FIELDS: dict[str, Callable[[dict[str, Any], ParseContext], Row]] = {
    LOG: _log_fields,
    PLOT: _plot_fields,
    DEBUG_IMAGE: _image_fields,
    SCALAR: _scalar_fields,
    VECTOR: _vector_fields,
}
