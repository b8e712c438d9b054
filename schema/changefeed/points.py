"""Points of a curve in the order of their iterations, as the writer hands them to the point cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
CurveName = tuple[str, str]  # metric, variant


@dataclass(slots=True, eq=False)
class Points:
    """Points of a curve: ``iters`` ascend, each is there once; ``values`` are all numbers, as 32-bit floats.

    ``received``: when (ms) the last of them was, and none of them later; None if that is not so or not known.
    """

    iters: Array
    values: Array
    received: int | None = None

    def __len__(self) -> int:
        return len(self.iters)

    def joined(self, other: Points) -> Points | None:
        """Join the points of another; None unless they all lie between two neighbours, or beyond the ends."""
        place = int(np.searchsorted(self.iters, other.iters[0]))
        if place != np.searchsorted(self.iters, other.iters[-1], "right"):
            return None
        iters, values = (
            np.concatenate((own[:place], theirs, own[place:]))
            for own, theirs in ((self.iters, other.iters), (self.values, other.values))
        )
        return Points(iters, values, self._received(other) if place == len(self) else None)

    def _received(self, later: Points) -> int | None:
        known = self.received is not None and later.received is not None and self.received <= later.received
        return later.received if known else None


def join_points(parts: Iterable[Points]) -> Points | None:
    """Join parts in whatever order they come.

    None unless each fits between two neighbours of those before it.
    """
    first, *others = sorted(parts, key=lambda points: int(points.iters[0]))
    if all(before.iters[-1] < after.iters[0] for before, after in pairwise((first, *others))):
        return _chained((first, *others))
    found: Points | None = first
    for points in others:
        found = found and found.joined(points)
    return found


def _chained(parts: Sequence[Points]) -> Points:
    received = [points.received for points in parts]
    known = [time for time in received if time is not None]
    is_last_newest = len(known) == len(received) and known == sorted(known)
    iters, values = (np.concatenate([getattr(points, name) for points in parts]) for name in ("iters", "values"))
    return Points(iters, values, received[-1] if is_last_newest else None)
