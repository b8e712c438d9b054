"""Watermarks of roll-ups: up to which ``seq`` they hold every event of a curve, and what makes them void."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from ingest.writing.tombstones import Tombstones
from schema.events.blocks import Block, Record
from schema.events.rows import Row
from schema.events.tables import SCALAR
from schema.store import Store

KEY = ["company", "task", "metric", "variant"]
MARK = pa.struct({"era": pa.uint64(), "through": pa.uint64()})


def void_marks(store: Store, replayed: Iterable[Record], tombstones: Tombstones) -> None:
    """Begin a new era of the curves of replayed records: after these are written, and before that is published.

    Their ``seq`` may be lower than a watermark, so that readers would not look for their rows. The era is the place at
    which a record was replayed, which only rises within an entity's partition. A builder reads the era first and the
    rows then: what was built of rows without these carries an older era, and neither it nor its watermark counts any
    more.
    """
    curves = {key: record.arrived for record in replayed for key in _curves_of(record)}
    if not curves:
        return
    tombstones.load({(company, task) for company, task, _, _ in curves})
    rows = [
        dict(zip(KEY, key, strict=True)) | {"since": tombstones.since(key[:2])[0], "era": era, "through": 0}
        for key, era in curves.items()
    ]
    store.insert("rollup_marks", rollup_marks(rows))


def _curves_of(record: Record) -> list[tuple[str, str, str, str]]:
    block = record.content
    if not isinstance(block, Block) or block.event_type != SCALAR:
        return []
    found = pa.Table.from_batches([block.columns]).group_by(KEY[1:]).aggregate([]).to_pylist()
    return [(block.company, row["task"], row["metric"], row["variant"]) for row in found]


def rollup_marks(rows: Sequence[Row]) -> pa.Table:
    """Return rows of the table ``rollup_marks``: KEY, ``since``, and ``era`` and ``through`` as one tuple."""
    marks = [{"era": row["era"], "through": row["through"]} for row in rows]
    columns: dict[str, pa.Array] = {name: pa.array([row[name] for row in rows]) for name in KEY}
    columns["since"] = pa.array([row["since"] for row in rows], pa.uint64())
    return pa.table(columns | {"mark": pa.array(marks, MARK)})
