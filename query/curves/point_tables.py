"""Arrow tables of points -> arrays for each curve. ``curve``, ``x`` and ``y`` are columns of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from schema.events.rows import rows_of_columns

RANGE = ("count", "low", "high")


def grouped(table: pa.Table, names: Sequence[str]) -> list[tuple[int, dict[str, Any]]]:
    """Read a table whose row is a curve: its number, RANGE, and the lists ``names``."""
    curves = rows_of_columns(table.select(RANGE).to_pydict())
    for name in names:
        for curve, values in zip(curves, table[name], strict=True):
            curve[name] = values.values.to_numpy(zero_copy_only=False)
    return list(zip(table["curve"].to_pylist(), curves, strict=True))


def bucketed(table: pa.Table, names: Sequence[str]) -> list[tuple[int, dict[str, Any]]]:
    """Read a table whose row is a bucket of a curve: its x, RANGE of its events, and ``names``."""
    columns = {name: table[name].to_numpy() for name in ("curve", "x", *RANGE, *names)}
    order = np.lexsort((columns["x"], columns["curve"]))
    columns = {name: values[order] for name, values in columns.items()}
    curve = columns["curve"]
    return [(int(curve[run.start]), _summed(columns, run, names)) for run in _runs(np.diff(curve) > 0, len(curve))]


def _summed(columns: dict[str, np.ndarray], run: slice, names: Sequence[str]) -> dict[str, Any]:
    count, low, high = (columns[name][run] for name in RANGE)
    ends = {"count": int(count.sum()), "low": int(low.min()), "high": int(high.max())}
    return ends | {name: columns[name][run] for name in ("x", *names)}


def ungrouped(table: pa.Table, names: Sequence[str]) -> list[tuple[int, dict[str, Any]]] | None:
    """Read a table whose row is a point, whose y stands for each of ``names``.

    None if two points of a curve have the same x.
    """
    curve, x = table["curve"].to_numpy(), table["x"].to_numpy()
    order = np.lexsort((x, curve))
    curve, x, y = curve[order], x[order], table["y"].to_numpy()[order].astype(np.float64)
    is_new = np.diff(curve) > 0
    if np.any(~is_new & (np.diff(x) == 0)):
        return None
    return [(int(curve[run.start]), _curve(x[run], y[run], names)) for run in _runs(is_new, len(x))]


def arrays(table: pa.Table, names: Sequence[str]) -> list[tuple[int, dict[str, Any]]] | None:
    """Read a table whose row is a curve: its number, and its points as lists, whose y stands for each of ``names``.

    None if two points of a curve have the same x.
    """
    if not table.num_rows:
        return []
    curves, xs, ys = (table[name].combine_chunks() for name in ("curve", "x", "y"))
    bounds, x, y = xs.offsets.to_numpy(), xs.values.to_numpy(), ys.values.to_numpy().astype(np.float64)
    if len(falling := _falling(x, bounds)):
        x = x.copy()
        for run in map(slice, bounds[falling], bounds[falling + 1]):
            order = np.argsort(x[run], kind="stable")
            x[run], y[run] = x[run][order], y[run][order]
            if not _rises(x[run]).all():
                return None
    runs = map(slice, bounds[:-1], bounds[1:])
    return [(number, _curve(x[run], y[run], names)) for number, run in zip(curves.to_pylist(), runs, strict=True)]


def _falling(x: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return the places of the curves whose x does not rise throughout, as where two threads have read a curve."""
    rises = _rises(x)
    rises[bounds[1:-1] - 1] = True  # from one curve to the next
    return np.unique(np.searchsorted(bounds, np.flatnonzero(~rises), side="right") - 1)


def _rises(x: np.ndarray) -> np.ndarray:
    """Return for each x but the first whether it is greater than the one before."""
    rises: np.ndarray = x[1:] > x[:-1]
    return rises


def _runs(is_new: np.ndarray, count: int) -> Iterator[slice]:
    bounds = [0, *(np.flatnonzero(is_new) + 1).tolist(), count] if count else [0]
    return map(slice, bounds, bounds[1:])


def _curve(x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    return {"count": len(x), "low": int(x[0]), "high": int(x[-1]), "x": x} | dict.fromkeys(names, y)
