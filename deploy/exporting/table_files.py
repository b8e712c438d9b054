"""Streams of columns -> files. A file is there whole, or not at all, and none is there of no rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from deploy.exporting.tensorboard_file import FILE_NAME, TensorBoardFile

Format = Literal["parquet", "csv", "tensorboard"]
PART = ".part"


def write_table_file(
    place: Path, file_format: Format, schema: pa.Schema, batches: Iterable[pa.RecordBatch], count: Callable[[int], None]
) -> int:
    """Write batches to ``place`` with the format's ending, one in memory at a time; return how many rows.

    TensorBoard's files have a name of their own in the same folder.

    ``count``: is told the rows of each. Raises what ``batches`` raises, and leaves nothing then.
    """
    final = place.with_name(FILE_NAME if file_format == "tensorboard" else f"{place.name}.{file_format}")
    part, rows = final.with_name(final.name + PART), 0
    try:
        with part.open("wb") as file, _writer(file_format, file, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
                count(batch.num_rows)
        if rows:
            part.replace(final)
        else:
            final.unlink(missing_ok=True)
    finally:
        part.unlink(missing_ok=True)
    return rows


def _writer(file_format: Format, file: Any, schema: pa.Schema) -> Any:
    if file_format == "parquet":
        return pq.ParquetWriter(file, schema, compression="zstd", compression_level=3)
    return TensorBoardFile(file) if file_format == "tensorboard" else pa_csv.CSVWriter(file, schema)
