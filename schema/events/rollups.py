"""Roll-ups of long curves: how wide they are, and which iterations they cannot speak for.

Who writes events has them made from the rows now and then (``ingest/rollups/builder.py``); who draws wide buckets takes
those in place of rows (``query/curves/rollup_source.py``). A curve's mark says up to which ``seq`` they hold every
event. Iterations with newer rows are read from the rows, so that an answer is the same however old the roll-ups are.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from schema.events.tables import INT64_MAX, SINGLE_VALUE_ITER

ROLLUP_WIDTH = 100  # iterations; decimal, as spans of curves and numbers of samples are
MIN_ROLLUPS_PER_BUCKET = 4  # roll-ups in a bucket: its width is rounded up by a quarter at the most

ROLLUP_START_SQL = f"iter - positiveModulo(iter, {ROLLUP_WIDTH})"  # SQL: the roll-up that a row belongs to
NOT_SINGLE_VALUE_SQL = (
    f"iter > {SINGLE_VALUE_ITER}"  # SQL: beside the column ``has_iter``; single values are on no curve
)

IterRange = tuple[int, int]  # iterations, both included


def rollup_width(width: int) -> int:
    """The width of buckets that are made of roll-ups: the next multiple of theirs. Narrow ones stay as they are."""
    wide = -(-width // ROLLUP_WIDTH) * ROLLUP_WIDTH
    return wide if MIN_ROLLUPS_PER_BUCKET * ROLLUP_WIDTH <= wide <= INT64_MAX else width


def is_rollup_width(width: int) -> bool:
    """Whether buckets of this width (``coarse``) are made of whole roll-ups, and of enough of them."""
    return MIN_ROLLUPS_PER_BUCKET * ROLLUP_WIDTH <= width <= INT64_MAX and width % ROLLUP_WIDTH == 0


def rollup_start(iteration: int) -> int:
    """Where the roll-up of an iteration starts."""
    return iteration // ROLLUP_WIDTH * ROLLUP_WIDTH


def ranges(starts: Iterable[int], most: int) -> list[IterRange]:
    """The iterations of roll-ups, in order; with what lies in the smallest gaps, if there were more than ``most``."""
    ordered = np.unique(np.fromiter(starts, np.int64))
    if not len(ordered):
        return []
    gaps = np.diff(ordered.astype(np.float64))
    widest = np.sort(np.argsort(gaps)[::-1][: most - 1])
    cuts = widest[gaps[widest] > ROLLUP_WIDTH]
    firsts, lasts = ordered[[0, *(cuts + 1)]].tolist(), ordered[[*cuts, -1]].tolist()
    return [(first, min(last + ROLLUP_WIDTH - 1, INT64_MAX)) for first, last in zip(firsts, lasts, strict=True)]
