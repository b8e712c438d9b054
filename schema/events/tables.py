"""Event type -> table, and the columns that a block of that type carries.

A column holds what the client sent if that has the column's type. Anything else (an explicit null, a float timestamp, a
number where a text belongs, an unknown field) is kept verbatim in ``extras``, a JSON object that overrides the columns
when the event is returned. ``discriminator`` tells apart events of one (entity, metric, variant, iter): it is ``''``
with an ``iter`` and without a ``key``; else ``a`` (no iter) or ``n`` (null iter), then ``k`` and the key as JSON (API
contract 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

SINGLE_VALUE_ITER = -(2**31)
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

LOG = "log"
PLOT = "plot"
DEBUG_IMAGE = "training_debug_image"
SCALAR = "training_stats_scalar"
VECTOR = "training_stats_vector"

COMMON: dict[str, pa.DataType] = {
    "task": pa.string(),
    "metric": pa.string(),
    "variant": pa.string(),
    "iter": pa.int64(),  # 0 where the event has none
    "has_iter": pa.bool_(),
    "discriminator": pa.string(),
    "timestamp": pa.int64(),  # ms since the epoch, fraction dropped; INT64_MAX where it is null
    "worker": pa.string(),
    "model_event": pa.bool_(),
    "extras": pa.string(),
}


@dataclass(frozen=True)
class Table:
    """The table of one event type. ``fields``: the columns beyond COMMON that an answer returns."""

    event_type: str
    name: str
    fields: dict[str, pa.DataType]
    identity: dict[str, pa.DataType]

    @cached_property
    def block_schema(self) -> pa.Schema:
        """The columns of a block; the writer adds company, received_at and seq."""
        return pa.schema(COMMON | self.identity | self.fields)


# A log line is identified by its request (a digest of the body) and its place in it, so that a repeated request stores
# nothing twice while equal lines of different requests are all kept.
LINE_IDENTITY: dict[str, pa.DataType] = {"batch_id": pa.binary(16), "line": pa.uint32()}

TABLES: dict[str, Table] = {
    table.event_type: table
    for table in (
        Table(LOG, "logs", {"level": pa.string(), "msg": pa.string()}, LINE_IDENTITY),
        Table(
            PLOT,
            "plots",
            {"plot_str": pa.string(), "source_urls": pa.list_(pa.string()), "valid_plot": pa.bool_()},
            {},
        ),
        Table(DEBUG_IMAGE, "debug_images", {"url": pa.string()}, {}),
        Table(SCALAR, "scalars", {"value": pa.float64(), "x_axis_label": pa.string()}, {}),
        Table(VECTOR, "vectors", {"value": pa.string()}, {}),  # the value as JSON text
    )
}
EVENT_TYPES = tuple(TABLES)  # in the order of their names, which is the order of ties (API contract 3.0.2)
