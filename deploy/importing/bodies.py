"""Bodies of ``events.add_batch``: points as Arrow columns, anything else as json lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from deploy.importing.storable_points import StorablePoints
from schema.api.requests import ARROW_STREAM, JSON_LINES
from schema.events.tables import SCALAR

__all__ = ["ARROW_STREAM", "JSON_LINES", "columns_body", "json_lines", "points_body"]


def points_body(task: str, curves: Sequence[StorablePoints]) -> bytes:
    """Return the Arrow stream of some curves of a task, in their order."""
    lengths = [len(curve) for curve in curves]
    total = sum(lengths)
    columns = {
        "type": _constant(SCALAR, total),
        "task": _constant(task, total),
        "metric": _names([curve.metric for curve in curves], lengths),
        "variant": _names([curve.variant for curve in curves], lengths),
        "iter": np.concatenate([curve.iters for curve in curves]),
        "value": np.concatenate([curve.values for curve in curves]),
        "timestamp": np.concatenate([curve.times for curve in curves]),
    }
    if any(curve.exact is not None for curve in curves):
        columns["step"] = pa.array(np.concatenate([_exact(curve) for curve in curves]), from_pandas=True)
    return _stream(pa.table(columns))


def columns_body(task: str, event_type: str, table: pa.Table) -> bytes:
    """Return the Arrow stream of some events of a task, whose other fields are columns of a table."""
    own = {"type": _constant(event_type, table.num_rows), "task": _constant(task, table.num_rows)}
    return _stream(pa.table(own | {name: table[name] for name in table.column_names}))


def _stream(table: pa.Table) -> bytes:
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(table)
    body: bytes = out.getvalue().to_pybytes()
    return body


def json_lines(events: Iterable[Mapping[str, Any]]) -> bytes:
    """Return events, one a line."""
    return "\n".join(json.dumps(event, ensure_ascii=False) for event in events).encode(errors="replace")


def _constant(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), pa.array([text]))


def _names(names: Sequence[str], lengths: Sequence[int]) -> pa.Array:
    indices = np.repeat(np.arange(len(names), dtype=np.int32), lengths)
    return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(names, pa.string()))


def _exact(curve: StorablePoints) -> np.ndarray[Any, Any]:
    return np.full(len(curve), np.nan) if curve.exact is None else curve.exact
