"""Roll-ups of long curves: their width, and the iterations for which rows are read instead.

``ingest/rollups/builder.py`` makes them from rows now and then, and ``query/curves/rollup_source.py`` takes them in
place of rows where buckets are wide. The watermark of a curve says up to which ``seq`` its roll-ups hold every event.
Iterations with newer rows are read from the rows, so that an answer does not depend on how old the roll-ups are.
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
    """Return the next multiple of ROLLUP_WIDTH; a width too narrow for roll-ups is returned as it is."""
    wide = -(-width // ROLLUP_WIDTH) * ROLLUP_WIDTH
    return wide if MIN_ROLLUPS_PER_BUCKET * ROLLUP_WIDTH <= wide <= INT64_MAX else width


def is_rollup_width(width: int) -> bool:
    """Tell whether buckets of this width (from ``rollup_width``) consist of enough whole roll-ups."""
    return MIN_ROLLUPS_PER_BUCKET * ROLLUP_WIDTH <= width <= INT64_MAX and width % ROLLUP_WIDTH == 0


def rollup_start(iteration: int) -> int:
    """Return the first iteration of the roll-up that an iteration belongs to."""
    return iteration // ROLLUP_WIDTH * ROLLUP_WIDTH


def ranges(starts: Iterable[int], most: int) -> list[IterRange]:
    """Return the ranges of iterations of roll-ups, ascending; beyond ``most`` ranges the smallest gaps are filled."""
    ordered = np.unique(np.fromiter(starts, np.int64))
    if not len(ordered):
        return []
    gaps = np.diff(ordered.astype(np.float64))
    widest = np.sort(np.argsort(gaps)[::-1][: most - 1])
    cuts = widest[gaps[widest] > ROLLUP_WIDTH]
    firsts, lasts = ordered[[0, *(cuts + 1)]].tolist(), ordered[[*cuts, -1]].tolist()
    return [(first, min(last + ROLLUP_WIDTH - 1, INT64_MAX)) for first, last in zip(firsts, lasts, strict=True)]
