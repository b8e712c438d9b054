"""Tables of events as the bytes of a file that grows: Arrow's IPC stream, Parquet, CSV."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from schema.api.wire import Stream
from schema.fairness.computing import compute_if

Format = Literal["json", "arrow", "parquet", "csv"]
JSON: Format = "json"  # the endpoint's own answer
MEDIA_TYPES = {
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
}
SMALL_ROWS = 1000  # to encode more would hold up other requests for milliseconds


class Grown(io.RawIOBase):
    """A file to write to, whose new bytes are taken out of it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """Return true."""
        return True

    def write(self, data: Any) -> int:
        """Keep bytes until they are taken."""
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def take(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class Encoder:
    """The encoder of one file. Memory holds one table of it at a time."""

    def __init__(self, file_format: Format, schema: pa.Schema) -> None:
        self._file = Grown()
        self._writer = _writer(file_format, self._file, schema)

    def encode(self, table: pa.Table) -> bytes:
        """Return the bytes of some more rows."""
        self._writer.write_table(table)
        return self._file.take()

    def end(self) -> bytes:
        """Return the bytes at the end."""
        self._writer.close()
        return self._file.take()


def stream(file_format: Format, name: str, schema: pa.Schema, tables: AsyncIterator[pa.Table]) -> Stream:
    """Return the answer that streams tables as a file. ``name``: of the file, without its ending."""
    headers = {
        "Content-Type": MEDIA_TYPES[file_format],
        "Content-Disposition": f"attachment; filename={name}.{file_format}",
        "Cache-Control": "no-store, max-age=0",
    }
    return Stream(_encoded(Encoder(file_format, schema), tables), headers)


async def _encoded(encoder: Encoder, tables: AsyncIterator[pa.Table]) -> AsyncIterator[bytes]:
    async for table in tables:
        if chunk := await compute_if(table.num_rows > SMALL_ROWS, encoder.encode, table):
            yield chunk
    yield encoder.end()


def _writer(file_format: Format, file: Grown, schema: pa.Schema) -> Any:
    if file_format == "arrow":  # strings of columns repeat: LZ4 makes a tenth of them and takes no time
        return pa.ipc.new_stream(file, schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
    if file_format == "parquet":
        return pq.ParquetWriter(file, schema, compression="zstd", compression_level=1)
    return pa_csv.CSVWriter(file, schema)
