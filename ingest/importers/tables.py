"""CSV and Parquet files of anybody: a row a step (wide), or a row a point (long)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.importers import csv_files, parquet_files
from ingest.importers.file_versions import version_of
from ingest.importers.reading import readable
from ingest.importers.records import Doubles, Integers, Part, Points, Run, Skipped, UnreadableSource
from ingest.importers.table_columns import Columns, columns_of
from schema.adapters.metric_keys import names_of_path

# Numbers in a column of times are seconds, ms, µs or ns since the epoch, by their size: of this century.
UNITS = ((1e11, 1000.0), (1e14, 1.0), (1e17, 1e-3), (float("inf"), 1e-6))
MAX_RUNS = 1_000_000


@dataclass(frozen=True)
class Tables:
    """The runs of a table, or of all tables in a folder. ``step``: the column that has it, if that is known."""

    path: Path
    step: str | None = None
    format: str = "table"

    def runs(self) -> Iterator[Run | Skipped]:
        """Yield the runs of each table: by the column of runs, or one."""
        for path in table_files(self.path):
            try:
                yield from readable(self._runs(path), str(path))
            except UnreadableSource as error:
                yield Skipped("table that cannot be read", message=_with_place(path, error))

    def _runs(self, path: Path) -> Iterator[Run]:
        columns = columns_of(_names(path), self.step)
        weight, place = path.stat().st_size, path.resolve()
        project, version = place.parent.name, f"{version_of([path])} {self.step}"
        if columns.run is None:
            read = partial(_parts, path, columns, None)
            yield Run(str(place), path.stem, project, read, weight=weight, version=version)
            return
        for run in _run_names(path, columns.run):
            read = partial(_parts, path, columns, run)
            yield Run(f"{place}:{run}", run, project, read, weight=weight, version=version)


def is_table(path: Path) -> bool:
    """Tell whether a path is a table, or a folder with one."""
    return bool(table_files(path))


def table_files(path: Path) -> list[Path]:
    """Return the tables at a path."""
    found = [path] if path.is_file() else sorted(path.iterdir())
    return [one for one in found if one.is_file() and (csv_files.is_csv(one) or parquet_files.is_parquet(one))]


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    return csv_files.batches(path) if csv_files.is_csv(path) else parquet_files.batches(path)


def _names(path: Path) -> list[str]:
    if not csv_files.is_csv(path):
        return parquet_files.column_names(path)
    first = next(csv_files.batches(path), None)
    return list(first.schema.names) if first else []


def _run_names(path: Path, column: str) -> list[str]:
    """Return the runs of a table in their order. Raises UnreadableSource if there are too many."""
    found: dict[str, None] = {}
    for batch in _batches(path):
        found.update(dict.fromkeys(pc.unique(batch[column].cast(pa.string())).drop_null().to_pylist()))
        if len(found) > MAX_RUNS:
            raise UnreadableSource(f"{path}: column {column} has more than {MAX_RUNS} values")
    return list(found)


def _parts(path: Path, columns: Columns, run: str | None) -> Iterator[Part]:
    number, written = 0, int(path.stat().st_mtime * 1000)
    told: set[str] = set()
    try:
        for batch in _batches(path):
            rows = batch
            if columns.run is not None:
                rows = batch.filter(pc.fill_null(pc.equal(batch[columns.run].cast(pa.string()), run), False))
            steps = _steps(rows, columns.step, number)
            times = _times(rows[columns.time], written) if columns.time else np.full(len(steps), written, np.int64)
            number += len(steps)
            make: Callable[..., Iterator[Part]] = _long if columns.is_long else _wide
            for part in make(rows, columns, steps, times):
                if not isinstance(part, Skipped) or part.reason not in told:
                    yield part
                told.update([part.reason] if isinstance(part, Skipped) and columns.curves else [])
    except UnreadableSource as error:
        yield Skipped("table that cannot be read to its end", message=_with_place(path, error))


def _wide(rows: pa.RecordBatch, columns: Columns, steps: Integers | Doubles, times: Integers) -> Iterator[Part]:
    """Yield the points of each column of numbers; an empty cell is none."""
    for name in columns.curves:
        values = _doubles(rows[name])
        if values is None:
            yield Skipped(f"column of {rows[name].type}: {name}")
            continue
        is_there = rows[name].is_valid().to_numpy(zero_copy_only=False)
        if is_there.any():
            yield Points(*names_of_path(name), steps[is_there], values[is_there], times[is_there])


def _long(rows: pa.RecordBatch, columns: Columns, steps: Integers | Doubles, times: Integers) -> Iterator[Part]:
    """Yield the points of each key, in the order of their rows."""
    values = _doubles(rows[columns.value])
    if values is None:
        yield Skipped(f"value of type {rows[columns.value].type}", rows.num_rows)
        return
    is_there = rows[columns.value].is_valid().to_numpy(zero_copy_only=False)
    if lacking := int(np.count_nonzero(~is_there)):
        yield Skipped("row without a value", lacking)
    names, numbers = _curves(rows, columns)
    order = np.argsort(numbers, kind="stable")
    order = order[is_there[order]]
    for part in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        if len(part):
            yield Points(*names[numbers[part[0]]], steps[part], values[part], times[part])


def _curves(rows: pa.RecordBatch, columns: Columns) -> tuple[Mapping[int, tuple[str, str]], Integers]:
    """Return metric and variant by number, and the number of each row's."""
    keys = pc.fill_null(rows[columns.key].cast(pa.string()), "").dictionary_encode()
    numbers = keys.indices.to_numpy().astype(np.int64)
    names = keys.dictionary.to_pylist()
    if columns.variant is None:
        return {place: names_of_path(name) for place, name in enumerate(names)}, numbers
    variants = pc.fill_null(rows[columns.variant].cast(pa.string()), "").dictionary_encode()
    others = variants.dictionary.to_pylist()
    numbers = numbers * len(others) + variants.indices.to_numpy()
    both = [(name, other) for name in names for other in others]
    return dict(enumerate(both)), numbers


def _steps(rows: pa.RecordBatch, column: str | None, number: int) -> Integers | Doubles:
    """Return the step of each row, or its number; whole numbers if all are."""
    if column is None:
        return np.arange(number, number + rows.num_rows)
    if pa.types.is_integer(rows[column].type):
        whole: Integers = pc.fill_null(rows[column], 0).cast(pa.int64()).to_numpy()
        return whole
    steps = _doubles(rows[column])
    if steps is None:
        raise UnreadableSource(f"column {column} has no numbers, but {rows[column].type}")
    is_whole = np.isfinite(steps) & (np.abs(steps) < 2**53) & (steps == np.floor(steps))
    return steps.astype(np.int64) if bool(is_whole.all()) else steps


def _doubles(column: pa.Array) -> Doubles | None:
    """Return a column of numbers or truth values; None for any other."""
    kind = column.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not is_number and not pa.types.is_boolean(kind):
        return None
    column = column.cast(pa.uint8()) if pa.types.is_boolean(kind) else column
    found: Doubles = pc.fill_null(column.cast(pa.float64(), safe=False), float("nan")).to_numpy(zero_copy_only=False)
    return found


def _times(column: pa.Array, default: int) -> Integers:
    """Return ms since the epoch; ``default`` where there is none."""
    if pa.types.is_timestamp(column.type):
        found: Integers = pc.fill_null(column.cast(pa.timestamp("ms"), safe=False).cast(pa.int64()), default).to_numpy()
        return found
    numbers = _doubles(column)
    if numbers is None:
        return np.full(len(column), default, np.int64)
    size = float(np.nanmax(np.abs(numbers), initial=0.0))
    factor = next(factor for limit, factor in UNITS if size < limit)
    numbers = np.where(np.isfinite(numbers), numbers * factor, default)
    return np.round(numbers).astype(np.int64)


def _with_place(path: Path, error: UnreadableSource) -> str:
    return str(error) if str(error).startswith(str(path)) else f"{path}: {error}"
