"""CSV files, a block of rows at a time. The types of columns are those of the first block, numbers as 64-bit floats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from ingest.importers.records import UnreadableSource

ENDINGS = {".csv": ",", ".tsv": "\t"}
BLOCK_BYTES = 4 << 20


def is_csv(path: Path) -> bool:
    """Tell whether a path is called as CSV files are."""
    return path.is_file() and path.suffix.lower() in ENDINGS


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file. Raises UnreadableSource: a row of another form is told with its place."""
    try:
        with _opened(path, None) as first:
            types = {field.name: _wide_type(field.type) for field in first.schema}
        with _opened(path, types) as reader:
            yield from reader
    except (OSError, pa.ArrowException) as error:
        raise UnreadableSource(f"{path}: {' '.join(str(error).split())}") from error


def _opened(path: Path, types: dict[str, pa.DataType] | None) -> pa_csv.CSVStreamingReader:
    return pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(block_size=BLOCK_BYTES),
        parse_options=pa_csv.ParseOptions(delimiter=ENDINGS[path.suffix.lower()], newlines_in_values=True),
        # An empty cell is a value that was not logged, whereas "nan" is one.
        convert_options=pa_csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True),
    )


def _wide_type(data_type: pa.DataType) -> pa.DataType:
    """Return a type that also holds what later blocks may have: fractions, or numbers in a column that begins empty."""
    return pa.float64() if pa.types.is_null(data_type) or pa.types.is_integer(data_type) else data_type
