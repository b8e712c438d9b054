"""Arrow columns -> a batch: the body of ``application/vnd.apache.arrow.stream``.

An IPC stream of record batches whose columns have the names of event fields; a null is a field that the event lacks.

| column | type | of |
|---|---|---|
| type, task | string | every event |
| metric, variant, worker, x_axis_label, url, key, plot_str, level, msg | string | |
| iter, timestamp (ms) | integer; timestamp also as such | |
| value | floating point; a list for vectors | scalars, vectors |
| model_event, allow_locked | bool | |

Strings may be dictionary-encoded, as columns of their own. Other columns become extra fields, if JSON has their types.
The rules are those of json lines: what the fast path cannot take is read event by event, as if each had been a line.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.parsing.arrow_sizes import MAX_DECODED_BYTES, check_sizes
from ingest.parsing.batch import Batch, entities, read_events
from ingest.parsing.fast_path import NotOnFastPath, constant, ordinary_rows
from schema.api.json_limits import MAX_EVENT_VALUES
from schema.errors import BodyTooLarge, EmptyBatch, MalformedRequest
from schema.events.normalize import Mention, ParseContext
from schema.events.rows import Rows
from schema.events.tables import COMMON, DEBUG_IMAGE, LOG, PLOT, SCALAR, TABLES

FLAGS = ("model_event", "allow_locked")
EVERYWHERE = frozenset(("type", "task", "timestamp", "worker", "method", *FLAGS))
NAMED = EVERYWHERE | {"metric", "variant", "iter"}
OWN = {
    SCALAR: NAMED | {"value"},
    PLOT: NAMED | {"plot_str"},
    DEBUG_IMAGE: NAMED | {"url", "key"},
    LOG: EVERYWHERE | {"level", "msg"},
}
ELSEWHERE = frozenset(("type", "allow_locked"))  # looked at before the rows are made
MAX_EVENTS = 1_000_000  # of a body
MAX_COLUMNS = 1000
SLICE_VALUES = 5000  # become Python objects at once: 15 ms, which block all other threads
SIMPLE = (
    pa.types.is_null,
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_string,
    pa.types.is_large_string,
)
OPTIONAL = frozenset(("timestamp", "worker", "method", "metric", "variant", "key", "level"))


def read_columns(body: bytes, context: ParseContext) -> Batch:
    """Return the batch of an Arrow IPC stream.

    Raises EmptyBatch, MalformedRequest (not a stream, invalid values, or values that JSON does not have), BodyTooLarge
    (more events or bytes than a body may expand to) and InvalidField (one entity named in two ways). Refusals of single
    events are in the batch.
    """
    table = _read_table(body)
    if not table.num_rows:
        raise EmptyBatch("Batch has no events")
    try:
        return _read_ordinary(table, context)
    except (NotOnFastPath, pa.ArrowException):
        return read_events(as_lines(table), context)


def _read_table(body: bytes) -> pa.Table:
    try:
        with pa.ipc.open_stream(body) as stream:
            _check_schema(stream.schema)
            check_sizes(body)
            table = pa.Table.from_batches(_bounded(stream), stream.schema)
        table.validate(full=True)  # first: a dictionary whose offsets are wrong would end the process
        return _plain_table(table.unify_dictionaries())
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        raise MalformedRequest(f"Not an Arrow stream of events: {error}") from error


def _check_schema(schema: pa.Schema) -> None:
    if len(set(schema.names)) < len(schema.names):
        raise MalformedRequest("Two columns have the same name")
    if sum(_count_fields(column.type) for column in schema) > MAX_COLUMNS:
        raise BodyTooLarge(f"The body has more than {MAX_COLUMNS} columns")
    for column in schema:
        if not pa.types.is_timestamp(column.type) and not _is_dictionary(column.type) and not _is_json(column.type):
            raise MalformedRequest(f"Column {column.name}: JSON has no {column.type}")


def _count_fields(data_type: pa.DataType) -> int:
    return 1 + sum(_count_fields(data_type.field(place).type) for place in range(data_type.num_fields))


def _is_dictionary(data_type: pa.DataType) -> bool:
    """Tell whether a type is dictionary-encoded, as only a whole column may be.

    Within lists, each of a million indices could stand for the same megabyte.
    """
    return isinstance(data_type, pa.DictionaryType) and _is_simple(data_type.value_type)


def _is_json(data_type: pa.DataType) -> bool:
    if isinstance(data_type, pa.StructType):
        names = [field.name for field in data_type]
        return len(set(names)) == len(names) and all(_is_json(field.type) for field in data_type)
    if isinstance(data_type, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        return _is_json(data_type.value_type)
    return _is_simple(data_type)


def _is_simple(data_type: pa.DataType) -> bool:
    return any(is_it(data_type) for is_it in SIMPLE)


def _bounded(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    events = 0
    for batch in batches:
        events += batch.num_rows
        if events > MAX_EVENTS:
            raise BodyTooLarge(f"The body has more than {MAX_EVENTS} events")
        yield batch


def _plain_table(table: pa.Table) -> pa.Table:
    """Return a table of contiguous columns without dictionaries.

    Raises BodyTooLarge if they would be too large without.
    """
    encoded = [column for column in table.columns if pa.types.is_dictionary(column.type)]
    if sum(_size_without_dictionary(column) for column in encoded) > MAX_DECODED_BYTES:
        raise BodyTooLarge(f"The body stands for more than {MAX_DECODED_BYTES} bytes")
    return pa.table({name: _plain(table[name]) for name in table.column_names})


def _size_without_dictionary(column: pa.ChunkedArray) -> int:
    if pa.types.is_primitive(column.type.value_type) or pa.types.is_null(column.type.value_type):
        return 8 * len(column)
    sizes = [pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0 for chunk in column.chunks]
    return sum(sizes)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, without its dictionary."""
    values = column.combine_chunks()
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
    return values.cast(pa.string()) if pa.types.is_large_string(values.type) else values


def as_lines(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Return the rows as JSON objects. Raises BodyTooLarge for a row of more than ``MAX_EVENT_VALUES`` values."""
    counts = sum((count_values(column.chunk(0)) for column in table.columns), np.zeros(table.num_rows, np.int64))
    if counts.max() > MAX_EVENT_VALUES:
        raise BodyTooLarge(f"An event has at most {MAX_EVENT_VALUES} values")
    ends = np.cumsum(counts)
    start = 0
    while start < table.num_rows:
        before = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + SLICE_VALUES, "right")))
        for row in table.slice(start, end - start).to_pylist():
            yield {name: value for name, value in row.items() if value is not None}
        start = end


def count_values(values: pa.Array) -> npt.NDArray[np.int64]:
    """Count the values of each element of an array, itself and those within it."""
    own = np.ones(len(values), np.int64)
    if isinstance(values.type, pa.StructType):
        return sum((count_values(inner) for inner in values.flatten()), own)
    if isinstance(values.type, pa.FixedSizeListType):
        width = values.type.list_size
        inner = values.values.slice(values.offset * width, len(values) * width)
        counts: npt.NDArray[np.int64] = own + count_values(inner).reshape(len(values), width).sum(axis=1)
        return counts
    if isinstance(values.type, pa.ListType | pa.LargeListType):
        before = np.concatenate(([0], np.cumsum(count_values(values.values))))
        within: npt.NDArray[np.int64] = np.diff(before[values.offsets.to_numpy()])
        return own + within
    return own


def _read_ordinary(table: pa.Table, context: ParseContext) -> Batch:
    if context.validate_plots or not {"type", "task"} <= set(table.column_names) or table["task"].null_count:
        raise NotOnFastPath
    for flag in FLAGS:
        if flag not in table.column_names:
            table = table.append_column(flag, constant(False, pa.bool_(), table.num_rows))
    found: dict[str, Rows] = {}
    types = table["type"].combine_chunks()
    for event_type in pc.unique(types).to_pylist():
        places = np.flatnonzero(pc.equal(types, event_type).to_numpy(zero_copy_only=False))
        rows = table if len(places) == len(types) else table.take(pa.array(places))
        found[event_type] = ordinary_rows(event_type, _given(event_type, rows), places, context)
    return Batch(found, _entities(table))


def _entities(table: pa.Table) -> dict[str, Mention]:
    if any(table[flag].type != pa.bool_() or table[flag].null_count for flag in FLAGS):
        raise NotOnFastPath
    named = table.group_by(["task", *FLAGS]).aggregate([]).to_pylist()
    return entities(Mention(row["task"], row["model_event"], row["allow_locked"]) for row in named)


def _given(event_type: str, rows: pa.Table) -> dict[str, pa.Array]:
    """Return the fields of ordinary events of one type, in the types of their columns.

    Raises NotOnFastPath if there is anything else.
    """
    own = OWN.get(event_type, frozenset())
    types = COMMON | TABLES[event_type].fields if own else {}
    given = {}
    for name in rows.column_names:
        values = rows[name].combine_chunks()
        if values.null_count == len(values):
            continue
        if name not in own or (values.null_count and name not in OPTIONAL):
            raise NotOnFastPath
        if name not in ELSEWHERE:
            given[name] = _cast(values, types.get(name, pa.string()))
    if not own - OPTIONAL - ELSEWHERE <= given.keys():
        raise NotOnFastPath
    return given


def _cast(values: pa.Array, data_type: pa.DataType) -> pa.Array:
    """Widen values without loss, or raise NotOnFastPath: whole numbers stay whole, texts stay texts."""
    widens = pa.types.is_integer(data_type) and pa.types.is_integer(values.type)
    widens |= pa.types.is_floating(data_type) and (
        pa.types.is_floating(values.type) or pa.types.is_integer(values.type)
    )
    if values.type != data_type and not widens:
        raise NotOnFastPath
    try:
        cast: pa.Array = values.cast(data_type)
    except pa.ArrowException as error:
        raise NotOnFastPath from error
    if pa.types.is_floating(data_type) and not pc.all(pc.is_finite(cast)).as_py():
        raise NotOnFastPath
    return cast
