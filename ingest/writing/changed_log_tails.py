"""Log lines -> the newest of each log, for the cache of log tails (``query/cache/log_tails.py``)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ingest.writing.metric_index import group_numbers, sorted_runs
from schema.changefeed.change_batch import EntityKey
from schema.changefeed.log_tail import LOG_LINE_SCHEMA, LogTail, join_log_tails
from schema.changefeed.points import Array

ENTITY = ("company", "task")
NUMBERS = 2  # of 64 bits in a digest


def log_tails_of_lines(lines: pa.Table) -> dict[EntityKey, LogTail | None]:
    """Return the newest lines of every (company, task) in log lines, as inserted.

    None for a log that has a line twice.
    """
    if not lines.num_rows:
        return {}
    of_row = group_numbers(lines, ENTITY)
    parts = _parts(lines, *sorted_runs(of_row)) if np.any(of_row != of_row[0]) else [lines]
    return {
        (part["company"][0].as_py(), part["task"][0].as_py()): join_log_tails([LogTail(_as_read(part))])
        for part in parts
    }


def _parts(lines: pa.Table, order: Array, starts: Array) -> list[pa.Table]:
    return [lines.take(rows) for rows in np.split(order, starts[1:])]


def _as_read(lines: pa.Table) -> pa.Table:
    """Add the columns that reads have: ``copy_of`` as ``query/logs/log_reader.py`` makes it in SQL."""
    digests = lines["batch_id"].combine_chunks()
    numbers = np.frombuffer(digests.buffers()[1], np.uint64)[::NUMBERS][: len(digests)]
    copy_of = pa.array(numbers + lines["line"].to_numpy())
    return lines.append_column("copy_of", copy_of).select(LOG_LINE_SCHEMA.names).cast(LOG_LINE_SCHEMA)
