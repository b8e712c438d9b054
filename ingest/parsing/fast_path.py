"""The fast path: events as the SDK sends them, in arrays. Anything unusual in a batch sends it to the exact path.

Both bodies end here: json lines once they are decoded into structs, and Arrow columns as they come.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schema.events.normalize import EXACT_INTEGER_LIMIT, NAME_LIMIT_BYTES, NO_TIMESTAMP, ParseContext, source_urls
from schema.events.tables import DEBUG_IMAGE, LOG, PLOT, SCALAR, TABLES

Arrays = Mapping[str, pa.Array]
NAMES = ("metric", "variant")
USUAL_ROWS = 8192  # more than most batches have
USUAL_CHARACTERS = 32  # a longer text, repeated so often, takes much memory


class NotOnFastPath(Exception):
    """A batch that needs the exact path."""


def ordinary_rows(
    event_type: str, given: Arrays, places: npt.NDArray[np.int64], context: ParseContext
) -> pa.RecordBatch:
    """Return the rows (``Table.block_schema``) of ordinary events of one type. Raises NotOnFastPath.

    ``given``: the fields that any event has, null where one lacks it, as arrays of the column's type; ``method``, a
    stray field of SDK 2.x, must be the same throughout. ``places``: the number of each event in the request.
    """
    if event_type not in FIELDS:
        raise NotOnFastPath
    count = len(places)
    columns = _common(event_type, given, count, context) | FIELDS[event_type](given, count)
    if event_type == LOG:
        columns |= _line_identity(given, places, context)
    schema = TABLES[event_type].block_schema
    rows = pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
    _check(rows)
    return rows


def constant(value: object, data_type: pa.DataType, count: int) -> pa.Array:
    """Return an array of one value, mostly a slice of a cached one: to make one waits for Python's lock."""
    if count > USUAL_ROWS or (isinstance(value, str) and len(value) > USUAL_CHARACTERS):
        return repeated(value, data_type, count)
    return _usual(value, data_type).slice(0, count)


@lru_cache(64)
def _usual(value: object, data_type: pa.DataType) -> pa.Array:
    return repeated(value, data_type, USUAL_ROWS)


def repeated(value: object, data_type: pa.DataType, count: int) -> pa.Array:
    """Return an array of one value that seldom comes again."""
    return pa.nulls(count, data_type) if value is None else pa.repeat(pa.scalar(value, data_type), count)


def _common(event_type: str, given: Arrays, count: int, context: ParseContext) -> dict[str, pa.Array]:
    is_log = event_type == LOG
    if is_log == ("iter" in given) or (is_log and pc.any(given["model_event"]).as_py()):
        raise NotOnFastPath
    columns = {name: _filled(given, name, "", count) for name in NAMES}
    return columns | {
        "task": given["task"],
        "model_event": given["model_event"],
        "timestamp": _filled(given, "timestamp", context.now_ms, count),
        "worker": _filled(given, "worker", context.worker, count),
        "iter": constant(0, pa.int64(), count) if is_log else given["iter"],
        "has_iter": constant(not is_log, pa.bool_(), count),
        "discriminator": constant("a" if is_log else "", pa.string(), count),
        "extras": constant(_method(given), pa.string(), count),
    }


def _filled(given: Arrays, name: str, default: str | int, count: int) -> pa.Array:
    if name not in given:
        return constant(default, pa.int64() if isinstance(default, int) else pa.string(), count)
    return pc.fill_null(given[name], default) if given[name].null_count else given[name]


def _method(given: Arrays) -> str:
    """Return the extras: nothing, or the same stray ``method`` of every line."""
    method, *others = pc.unique(given["method"]).to_pylist() if "method" in given else [None]
    if others:
        raise NotOnFastPath
    return "" if method is None else json.dumps({"method": method}, ensure_ascii=False, separators=(",", ":"))


def _scalar_columns(given: Arrays, count: int) -> dict[str, pa.Array]:
    return {"value": given["value"], "x_axis_label": constant(None, pa.string(), count)}


def _plot_columns(given: Arrays, count: int) -> dict[str, pa.Array]:
    urls = [source_urls(plot) for plot in given["plot_str"].to_pylist()]
    valid = constant(None, pa.bool_(), count)
    return {"plot_str": given["plot_str"], "source_urls": pa.array(urls, pa.list_(pa.string())), "valid_plot": valid}


def _image_columns(given: Arrays, count: int) -> dict[str, pa.Array]:
    if "key" not in given:
        return {"url": given["url"]}
    keys = ["" if key is None else "k" + json.dumps(key, ensure_ascii=False) for key in given["key"].to_pylist()]
    return {"url": given["url"], "discriminator": pa.array(keys, pa.string())}


def _log_columns(given: Arrays, count: int) -> dict[str, pa.Array]:
    level = given["level"] if "level" in given else constant(None, pa.string(), count)
    return {"level": level, "msg": given["msg"]}


FIELDS: dict[str, Callable[[Arrays, int], dict[str, pa.Array]]] = {
    SCALAR: _scalar_columns,
    PLOT: _plot_columns,
    DEBUG_IMAGE: _image_columns,
    LOG: _log_columns,
}


def _line_identity(given: Arrays, places: npt.NDArray[np.int64], context: ParseContext) -> dict[str, pa.Array]:
    own, fresh = (pa.scalar(value, pa.binary(16)) for value in (context.digest, context.fresh_id))
    ids = pa.repeat(own, len(places))
    if "timestamp" not in given or given["timestamp"].null_count:
        timed = given["timestamp"].is_valid() if "timestamp" in given else constant(False, pa.bool_(), len(places))
        ids = pc.if_else(timed, own, fresh)
    return {"batch_id": ids, "line": pa.array(places, pa.uint32())}


def _check(rows: pa.RecordBatch) -> None:
    """Check what types cannot express: bounds of values, timestamps and names."""
    if "value" in rows.schema.names:
        extremes = pc.min_max(rows["value"]).as_py()
        if not -EXACT_INTEGER_LIMIT < extremes["min"] <= extremes["max"] < EXACT_INTEGER_LIMIT:
            raise NotOnFastPath
    if pc.max(rows["timestamp"]).as_py() == NO_TIMESTAMP:
        raise NotOnFastPath
    if any(pc.max(pc.binary_length(rows[name])).as_py() > NAME_LIMIT_BYTES for name in NAMES):
        raise NotOnFastPath
