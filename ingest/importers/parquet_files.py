"""Parquet files, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.importers.records import UnreadableSource

MAGIC = b"PAR1"
BATCH_ROWS = 200_000


def is_parquet(path: Path) -> bool:
    """Tell whether a path is a Parquet file."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def column_names(path: Path) -> list[str]:
    """Return the names of a file's columns. Raises UnreadableSource."""
    try:
        return list(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file. Raises UnreadableSource."""
    try:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(BATCH_ROWS, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UnreadableSource:
    return UnreadableSource(f"{path}: {' '.join(str(error).split())}")
