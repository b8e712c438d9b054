"""Log lines -> the newest of each log, for who remembers them (``query/memory/tails.py``)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ingest.index import combinations, runs
from schema.changes import Key
from schema.newest import SCHEMA, Newest, joined
from schema.points import Array

ENTITY = ("company", "task")
NUMBERS = 2  # of 64 bits in a digest


def newest_by_log(lines: pa.Table) -> dict[Key, Newest | None]:
    """The newest lines of every (company, task) in log lines (as inserted); None if one of them is there twice."""
    if not lines.num_rows:
        return {}
    of_row = combinations(lines, ENTITY)
    parts = _parts(lines, *runs(of_row)) if np.any(of_row != of_row[0]) else [lines]
    return {(part["company"][0].as_py(), part["task"][0].as_py()): joined([Newest(_as_read(part))]) for part in parts}


def _parts(lines: pa.Table, order: Array, starts: Array) -> list[pa.Table]:
    return [lines.take(rows) for rows in np.split(order, starts[1:])]


def _as_read(lines: pa.Table) -> pa.Table:
    """With the columns that reads have: ``copy_of`` as ``query/logs/lines.py`` makes it in SQL."""
    digests = lines["batch_id"].combine_chunks()
    numbers = np.frombuffer(digests.buffers()[1], np.uint64)[::NUMBERS][: len(digests)]
    copy_of = pa.array(numbers + lines["line"].to_numpy())
    return lines.append_column("copy_of", copy_of).select(SCHEMA.names).cast(SCHEMA)
