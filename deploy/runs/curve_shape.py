"""What a curve looks like, measured on arrays: noise, levels, trend, plateau, turn, change points, spikes and gaps.

All functions take finite values in order of their steps, and are O(n) or O(n log n); none draws random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Array = np.ndarray[Any, np.dtype[Any]]

WINDOWS = 20  # levels of a curve are the medians of so many windows
FEWEST_POINTS = 12  # of fewer no shape is told
SIGMA_OF_MAD = 1.4826  # standard deviation of normal noise, in median absolute deviations
MEDIAN_ERROR = 1.2533  # standard error of a median of normal noise, in that of a mean
SPIKE_SIGMAS = 10.0
SPIKE_SIDE = 5  # points on either side that a spike stands out from
MAX_CHANGES = 3
FLAT_PART = 0.01  # of the level: less is flat, however small the noise
GAP_INTERVALS, GAP_PART = 10, 0.1  # a gap is longer than so many usual intervals, and than this part of the curve


@dataclass(frozen=True)
class Turn:
    """The place from which a curve goes back. ``change``: from there to its end; ``before``: the way that led to it."""

    index: int
    change: float
    before: float


def noise(values: Array) -> float:
    """Return the standard deviation of what second differences leave of a curve, which trends do not enter."""
    if len(values) < 3:
        return 0.0
    bends = values[:-2] - 2 * values[1:-1] + values[2:]
    return float(SIGMA_OF_MAD * np.median(np.abs(bends)) / np.sqrt(6))


def levels(values: Array, windows: int = WINDOWS) -> Array:
    """Return the medians of at most so many windows, which are equally wide and evenly spread."""
    return np.median(values[_windows(len(values), windows)], axis=1)


def _windows(n: int, windows: int) -> Array:
    """Return the indexes of the points of each window, a row a window; from the first point to the last."""
    count = min(windows, n // 3)
    width = n // count
    starts = np.linspace(0, n - width, count).astype(int)
    return np.asarray(starts[:, None] + np.arange(width))


def level_error(values: Array, windows: int) -> float:
    """Return the standard error of a level that noise makes."""
    return MEDIAN_ERROR * noise(values) / float(np.sqrt(max(1.0, len(values) / windows)))


def trend(values: Array) -> str:
    """Return ``falls``, ``rises``, ``flat`` or ``mixed``: what most pairs of levels do (Kendall's tau beyond 0.5)."""
    found = levels(values)
    if np.ptp(found) <= max(5 * level_error(values, len(found)), FLAT_PART * abs(float(np.median(found)))):
        return "flat"
    later, earlier = np.triu_indices(len(found), 1)[::-1]
    tau = float(np.mean(np.sign(found[later] - found[earlier])))
    return "rises" if tau > 0.5 else "falls" if tau < -0.5 else "mixed"


def plateau(values: Array) -> int | None:
    """Return the index from which a curve is flat to its end; None if its last quarter is not."""
    last_quarter = min(len(values) * 3 // 4, len(values) - 9)
    if last_quarter < 0 or not _is_flat(values[last_quarter:]):
        return None
    starts = range(0, last_quarter, max(1, len(values) // 20))
    return next((start for start in starts if _is_flat(values[start:])), last_quarter)


def _is_flat(values: Array) -> bool:
    """Tell whether the levels of three thirds differ by no more than noise, and the beginning from the end by twice."""
    thirds = levels(values, 3)
    relative = FLAT_PART * abs(float(thirds[1]))
    spread = float(np.ptp(thirds))
    if spread > relative and spread > 4 * level_error(values, 3):
        return False
    tolerance = max(relative, 4 * level_error(values, 3))
    return abs(float(np.median(values[: max(3, len(values) // 10)])) - float(thirds[2])) <= 2 * tolerance


def turn(values: Array) -> Turn | None:
    """Return where a curve turned for good: up after its least level, or down after its greatest one.

    The turn is told if the way back is beyond noise (7 errors of a level) and 5 % of the way that led to it.
    """
    found = levels(values)
    error = 7 * level_error(values, len(found))
    turns = [_turn(values, found * sign, sign) for sign in (1, -1)]
    told = [one for one in turns if one and abs(one.change) > max(error, 0.05 * one.before)]
    return max(told, key=lambda one: abs(one.change), default=None)


def _turn(values: Array, found: Array, sign: int) -> Turn | None:
    lowest = int(np.argmin(found))
    if not 0 < lowest < len(found) - 2:
        return None
    window = _windows(len(values), len(found))[lowest]
    index = int(window[np.argmin(sign * values[window])])
    start = float(np.median(sign * values[:3]))  # most of a loss's way is often within its first window
    before = max(start, float(np.max(found[: lowest + 1]))) - float(found[lowest])
    return Turn(index, sign * float(found[-1] - found[lowest]), before)


def changes(values: Array) -> list[int]:
    """Return up to ``MAX_CHANGES`` indexes at which a straight line gives way to another, by binary segmentation.

    A split is taken if it saves over 60 % of the squared error, and 15 times the penalty of BIC, which noise does not.
    """
    smooth = np.median(sliding_window_view(np.pad(values, 2, mode="edge"), 5), axis=1)
    penalty = 15 * noise(values) ** 2 * float(np.log(len(values)))
    parts, found = [(0, len(smooth))], list[int]()
    while parts and len(found) < MAX_CHANGES:
        start, end = parts.pop(0)
        if (at := _split(smooth[start:end], penalty)) is not None:
            found.append(start + at)
            parts += [(start, start + at), (start + at, end)]
    return sorted(found)


def _split(values: Array, penalty: float) -> int | None:
    least = max(5, len(values) // 20)
    if len(values) < 2 * least + 1:
        return None
    left, right = _line_errors(values), _line_errors(values[::-1])[::-1]
    whole = left[-1]
    both = left[least - 1 : -least] + right[least : len(values) - least + 1]
    at = int(np.argmin(both))
    saved = whole - both[at]
    return at + least if saved > max(penalty, 0.6 * whole) and whole > 1e-18 * float(np.sum(values**2)) else None


def _line_errors(values: Array) -> Array:
    """Return, for each prefix, the squared error of the straight line that fits it best."""
    n = np.arange(1, len(values) + 1, dtype=float)
    x, y = n - 1, values - values[0]
    sx, sy = np.cumsum(x), np.cumsum(y)
    sxx, sxy, syy = np.cumsum(x * x) - sx**2 / n, np.cumsum(x * y) - sx * sy / n, np.cumsum(y * y) - sy**2 / n
    slopes = np.divide(sxy, sxx, out=np.zeros_like(sxy), where=sxx > 0)
    return np.asarray(np.maximum(syy - slopes * sxy, 0.0))


def spikes(values: Array) -> list[int]:
    """Return the indexes of spikes upwards, one for each: points far above the medians of both sides."""
    if len(values) < 2 * SPIKE_SIDE + 2:
        return []
    sides = np.median(sliding_window_view(values, SPIKE_SIDE), axis=1)
    inner = values[SPIKE_SIDE:-SPIKE_SIDE]
    excess = inner - np.maximum(sides[: len(inner)], sides[SPIKE_SIDE + 1 :])
    usual = float(np.ptp(np.quantile(values, (0.25, 0.75))))
    least = max(SPIKE_SIGMAS * noise(values), 0.2 * usual, 1e-9 * abs(float(np.median(values))))
    above = np.flatnonzero(excess > least)
    groups = np.split(above, np.flatnonzero(np.diff(above) > 2) + 1) if len(above) else []
    return [int(group[np.argmax(inner[group])]) + SPIKE_SIDE for group in groups]


def gap(steps: Array) -> int | None:
    """Return the index of the point before the longest gap; None if no gap stands out."""
    if len(steps) < FEWEST_POINTS:
        return None
    intervals = np.diff(steps)
    longest = int(np.argmax(intervals))
    return longest if is_gap(steps, float(intervals[longest]), float(steps[-1])) else None


def is_gap(steps: Array, length: float, end: float) -> bool:
    """Tell whether so many steps without a point stand out, in a curve that begins at its first step."""
    usual = float(np.median(np.diff(steps)))
    return length > GAP_INTERVALS * usual and length > GAP_PART * (end - float(steps[0]))
