"""Every point of a run, read back by the API and compared with the source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deploy.importing.api import Api
from deploy.importing.report import Report
from deploy.importing.storable_points import StorablePoints, storable
from ingest.importers.reading import readable
from ingest.importers.records import Doubles, Integers, Points, Run, Scalars, UnreadableSource

PAGE_POINTS = 200_000
MAX_TOLD = 10  # differences of a run
Name = tuple[str, str]
Series = tuple[Integers, Doubles]


def verify(api: Api, task: str, run: Run, multiplier: float) -> Report:
    """Compare the points of a task with those of its run, bit by bit: the last one of each step, in 64-bit floats."""
    report = Report()
    by_metric: dict[str, dict[str, Series]] = {}
    for (metric, variant), series in _expected(run, multiplier).items():
        by_metric.setdefault(metric, {})[variant] = series
    for metric, variants in by_metric.items():
        stored = _stored(api, task, metric)
        for variant, series in variants.items():
            _compare(report, f"{run.name}: {metric}/{variant}", series, stored.get(variant))
    return report


def _expected(run: Run, multiplier: float) -> dict[Name, Series]:
    parts: dict[Name, list[StorablePoints]] = {}
    try:
        for part in readable(run.read(), run.name):
            for points in part.curves() if isinstance(part, Scalars) else [part]:
                if isinstance(points, Points) and len(kept := storable(points, multiplier)[0]):
                    parts.setdefault((kept.metric, kept.variant), []).append(kept)
    except UnreadableSource:
        pass  # the import told it
    return {name: _last_of_each(curves) for name, curves in parts.items()}


def _last_of_each(curves: list[StorablePoints]) -> Series:
    iters = np.concatenate([curve.iters for curve in curves])
    values = np.concatenate([curve.values for curve in curves])
    steps, from_the_end = np.unique(iters[::-1], return_index=True)
    return steps, values[::-1][from_the_end]


def _stored(api: Api, task: str, metric: str) -> dict[str, Series]:
    found: dict[str, tuple[list[int], list[float]]] = {}
    for variants in _pages(api, task, metric):
        for variant, points in variants.items():
            iters, values = found.setdefault(variant, ([], []))
            iters += map(int, points["iter"])
            values += points["y"]
    return {name: (np.array(iters, np.int64), np.array(values, np.float64)) for name, (iters, values) in found.items()}


def _pages(api: Api, task: str, metric: str) -> Iterator[dict[str, dict[str, list[float]]]]:
    scroll_id = ""
    while True:
        asked = {"task": task, "metric": {"metric": metric}, "batch_size": PAGE_POINTS, "scroll_id": scroll_id}
        page = api.call("events.scalar_metrics_iter_raw", **asked)
        if not page["returned"]:
            return
        yield page["variants"]
        scroll_id = page["scroll_id"]


def _compare(report: Report, name: str, expected: Series, stored: Series | None) -> None:
    steps, values = expected
    if stored is None:
        _differ(report, len(steps), f"{name}: none of {len(steps)} points is stored")
        return
    places = np.searchsorted(stored[0], steps)
    places[places == len(stored[0])] = 0
    is_same = (stored[0][places] == steps) & (stored[1][places].view(np.int64) == values.view(np.int64))
    report.verified += int(is_same.sum())
    if wrong := int((~is_same).sum()):
        first = int(np.flatnonzero(~is_same)[0])
        _differ(report, wrong, f"{name}: {wrong} points differ, first at iteration {steps[first]}: {values[first]!r}")


def _differ(report: Report, count: int, message: str) -> None:
    report.differences += count
    if len(report.messages) < MAX_TOLD:
        report.messages.append(message)
