"""Arrow columns -> a batch: the body of ``application/vnd.apache.arrow.stream``.

An IPC stream of record batches whose columns have the names of event fields; a null is a field that the event lacks.

| column | type | of |
|---|---|---|
| type, task | string | every event |
| metric, variant, worker, x_axis_label, url, key, plot_str, level, msg | string | |
| iter, timestamp (ms) | integer; timestamp also as such | |
| value | floating point; a list for vectors | scalars, vectors |
| model_event, allow_locked | bool | |

Strings may be dictionary-encoded. Other columns become fields of the client's own, if JSON has their types. The rules
are those of json lines: what the fast path cannot take is read event by event, as if each had been a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.parsing.batch import Batch, entities, read_events
from ingest.parsing.fast_path import NotOnFastPath, constant, ordinary_rows
from schema.errors import BodyTooLarge, EmptyBatch, MalformedRequest
from schema.events.normalize import Mention, ParseContext
from schema.events.rows import Rows
from schema.events.tables import COMMON, TABLES

FLAGS = ("model_event", "allow_locked")
EVERYWHERE = frozenset(("type", "task", "timestamp", "worker", "method", *FLAGS))
NAMED = EVERYWHERE | {"metric", "variant", "iter"}
OWN = {
    "training_stats_scalar": NAMED | {"value"},
    "plot": NAMED | {"plot_str"},
    "training_debug_image": NAMED | {"url", "key"},
    "log": EVERYWHERE | {"level", "msg"},
}
ELSEWHERE = frozenset(("type", "allow_locked"))  # looked at before the rows are made
MAX_EVENTS = 1_000_000  # of a body
MAX_DECODED_BYTES = 256 << 20  # of a body without compression, and of each column without its dictionary
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
    """The batch of an Arrow IPC stream.

    Raises EmptyBatch, MalformedRequest (not a stream, values that are not valid, or that JSON does not have),
    BodyTooLarge (more events or bytes than a body may stand for) and InvalidField (one entity named in two ways).
    Errors of single events are in the batch.
    """
    table = _read_table(body)
    if not table.num_rows:
        raise EmptyBatch("Batch has no events")
    try:
        return _read_ordinary(table, context)
    except (NotOnFastPath, pa.ArrowException):
        return read_events(_as_lines(table), context)


def _read_table(body: bytes) -> pa.Table:
    try:
        with pa.ipc.open_stream(body) as stream:
            _check_schema(stream.schema)
            table = pa.Table.from_batches(_bounded(stream), stream.schema)
        table.validate(full=True)  # first: a dictionary whose offsets are wrong would end the process
        table = table.unify_dictionaries()
        return pa.table({name: _plain(table[name]) for name in table.column_names})
    except (pa.ArrowException, OSError, ValueError) as error:
        raise MalformedRequest(f"Not an Arrow stream of events: {error}") from error


def _check_schema(schema: pa.Schema) -> None:
    if len(set(schema.names)) < len(schema.names):
        raise MalformedRequest("Two columns have the same name")
    for column in schema:
        if not pa.types.is_timestamp(column.type) and not _is_json(column.type):
            raise MalformedRequest(f"Column {column.name}: JSON has no {column.type}")


def _is_json(data_type: pa.DataType) -> bool:
    if isinstance(data_type, pa.DictionaryType):
        return _is_simple(data_type.value_type)
    if isinstance(data_type, pa.StructType):
        names = [field.name for field in data_type]
        return len(set(names)) == len(names) and all(_is_json(field.type) for field in data_type)
    if isinstance(data_type, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        return _is_json(data_type.value_type)
    return _is_simple(data_type)


def _is_simple(data_type: pa.DataType) -> bool:
    return any(is_it(data_type) for is_it in SIMPLE)


def _bounded(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    events = size = 0
    for batch in batches:
        events, size = events + batch.num_rows, size + batch.get_total_buffer_size()
        if events > MAX_EVENTS:
            raise BodyTooLarge(f"The body has more than {MAX_EVENTS} events")
        _check_size(size)
        yield batch


def _check_size(size: int) -> None:
    if size > MAX_DECODED_BYTES:
        raise BodyTooLarge(f"The body stands for more than {MAX_DECODED_BYTES} bytes")


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array, without its dictionary."""
    values = column.combine_chunks()
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_dictionary(values.type):
        if not pa.types.is_primitive(values.type.value_type):
            _check_size(pc.sum(pc.binary_length(values.dictionary).take(values.indices)).as_py() or 0)
        values = values.dictionary_decode()
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
    return values.cast(pa.string()) if pa.types.is_large_string(values.type) else values


def _as_lines(table: pa.Table) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if value is not None} for row in table.to_pylist()]


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
    """The fields of ordinary events of one type, as their column's types. Raises Unusual if there is anything else."""
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
    """Widened without loss, or not at all: whole numbers stay whole, texts texts."""
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
