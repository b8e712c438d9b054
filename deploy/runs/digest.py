"""The digest of a curve: what a person would see in its chart, in a few numbers and findings, however long it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deploy.runs import curve_shape
from deploy.runs.curve_shape import FEWEST_POINTS, Array

MAX_SPIKES = 3  # that are told one by one; of all the number is told
DIVERGED = 1.5  # a turn that leads back by more than so much of the way that led to it is a divergence
EARLY = 0.5  # a plateau that covers more than this part of the curve is a finding

Point = dict[str, float]


@dataclass(frozen=True)
class Curve:
    """Points in order of their steps, raw or in buckets. ``low`` and ``high``: the range of each bucket.

    ``exact``: points that the server knows where buckets do not: ``first``, ``last``, ``min`` and ``max``. ``run_end``:
    the last step of the whole run. ``not_finite``: NaN and infinities that the points do not hold.
    """

    steps: Array
    values: Array
    low: Array
    high: Array
    exact: dict[str, Point] = field(default_factory=dict)
    run_end: float | None = None
    not_finite: int = 0


def curve_of(steps: Any, values: Any, run_end: float | None = None) -> Curve:
    """Make the curve of raw points in any order; NaN and infinities are counted, and left out."""
    x, y = np.asarray(steps, float), np.asarray(values, float)
    kept = np.isfinite(y)
    order = np.argsort(x[kept], kind="stable")
    ys = y[kept][order]
    return Curve(x[kept][order], ys, ys, ys, run_end=run_end, not_finite=int(np.sum(~kept)))


def digest(curve: Curve) -> dict[str, Any]:
    """Return ``first``, ``last``, ``min``, ``max``, what was found of a shape, and ``findings`` in words.

    Keys without a value are left out, so that a sound curve has a short digest.
    """
    if not len(curve.steps):
        return {"not_finite": curve.not_finite, "findings": ["no finite points"]}
    found: dict[str, Any] = _ends(curve) | curve.exact
    if curve.not_finite:
        found["not_finite"] = curve.not_finite
    if len(curve.steps) >= FEWEST_POINTS:
        found |= _shape(curve) | _spikes(curve) | _silence(curve)
    return found | {"findings": findings(found)}


def _ends(curve: Curve) -> dict[str, Any]:
    places = {"min": (int(np.argmin(curve.low)), curve.low), "max": (int(np.argmax(curve.high)), curve.high)}
    places = {"first": (0, curve.values), "last": (len(curve.steps) - 1, curve.values)} | places
    return {name: _point(curve, index, values) for name, (index, values) in places.items()}


def _point(curve: Curve, index: int, values: Array) -> Point:
    step = float(curve.steps[index])
    return {"step": int(step) if step.is_integer() else step, "value": float(values[index])}


def _shape(curve: Curve) -> dict[str, Any]:
    values = curve.values
    found: dict[str, Any] = {"trend": curve_shape.trend(values)}
    if (start := curve_shape.plateau(values)) is not None:
        found["plateau"] = {"since": _step(curve, start), "part": round(1 - start / len(values), 2)}
    if turn := curve_shape.turn(values):
        kind = "diverged" if abs(turn.change) > DIVERGED * turn.before else "turned"
        found[kind] = {"step": _step(curve, turn.index), "change": turn.change}
    if at := curve_shape.changes(values):
        found["changes"] = [_step(curve, index) for index in at]
    return found


def _spikes(curve: Curve) -> dict[str, Any]:
    up = [(index, curve.high) for index in curve_shape.spikes(curve.high)]
    down = [(index, curve.low) for index in curve_shape.spikes(-curve.low)]
    if not up and not down:
        return {}
    middle = float(np.median(curve.values))
    largest = sorted(up + down, key=lambda spike: -abs(float(spike[1][spike[0]]) - middle))[:MAX_SPIKES]
    return {"spikes": {"count": len(up) + len(down), "largest": [_point(curve, *spike) for spike in largest]}}


def _silence(curve: Curve) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if (before := curve_shape.gap(curve.steps)) is not None:
        found["gap"] = {"from": _step(curve, before), "to": _step(curve, before + 1)}
    last = float(curve.steps[-1])
    if curve.run_end is not None and curve_shape.is_gap(curve.steps, curve.run_end - last, curve.run_end):
        found["silent_since"] = _step(curve, len(curve.steps) - 1)
    return found


def _step(curve: Curve, index: int) -> float:
    return _point(curve, index, curve.values)["step"]


def findings(found: dict[str, Any]) -> list[str]:
    """Return what deserves a look, gravest first, each a few words."""
    told = [f"{found['not_finite']} NaN/Inf"] if "not_finite" in found else []
    for kind in ("diverged", "turned"):
        if kind in found:
            way = "up" if found[kind]["change"] > 0 else "down"
            told.append(f"{kind} {way}@{found[kind]['step']}")
    if "silent_since" in found:
        told.append(f"silent@{found['silent_since']}")
    if "gap" in found:
        told.append(f"gap@{found['gap']['from']}")
    if "spikes" in found:
        told.append(f"{found['spikes']['count']} spikes@{found['spikes']['largest'][0]['step']}")
    return told + _slow_findings(found)


def _slow_findings(found: dict[str, Any]) -> list[str]:
    told = []
    if found.get("plateau", {"part": 0})["part"] > EARLY:
        told.append(f"plateau@{found['plateau']['since']}")
    if found["max"]["value"] < 0:
        told.append("negative")
    if "turned" in found or "diverged" in found or found.get("trend", "mixed") == "mixed":
        return told
    return [*told, found["trend"]]
