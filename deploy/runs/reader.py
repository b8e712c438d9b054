"""Runs as scripts and agents read them, over the API: lists, one run with digests, comparisons, pages of the log."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np

from deploy.runs.curve_shape import Array
from deploy.runs.digest import Curve, digest
from deploy.runs.run_documents import (
    FIELDS,
    Document,
    curve_name,
    extremes,
    head,
    hyper_parameters,
    is_single_value,
    summaries,
    summary_paths,
    values_of,
)
from eventide_client.api import Api
from schema.errors import ConfigError

COLUMNS = ("name", "project", "status", "iteration", "updated")
ID_CHARACTERS = 32
SHORT_ID_CHARACTERS = 8  # the last ones: ids begin with the time
SAMPLES = 1000  # points of a curve that a digest is made of
MAX_CURVES = 50  # of a run whose digests are made; the others are counted
MAX_RUNS = 100  # of one call, and so of one comparison


class RunReader:
    """Reads through one connection; not for concurrent use. Methods raise Unavailable and Refused of the client."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def find(
        self, text: str = "", project: str = "", columns: Sequence[str] = COLUMNS, order: str = "", limit: int = 50
    ) -> Document:
        """Return ``{total, runs: [{id, …columns}]}``. ``text``: in the filter language (API contract 6.10)."""
        parts = [f"project = {json.dumps(project, ensure_ascii=False)}"] if project else []
        wanted = " and ".join([*parts, *([f"({text})"] if text.strip() else [])])
        ordered = {"order_by": [order]} if order else {}
        found = self.api.call("tasks.get_table", filter=wanted, columns=list(columns), limit=limit, **ordered)
        runs = [{"id": row["id"], **dict(zip(columns, row["values"], strict=True))} for row in found["tasks"]]
        return {"total": found["total"], "runs": runs}

    def task_id(self, task: str) -> str:
        """Return the id that a whole id, or its last 8 characters or more, stands for. Raises ConfigError."""
        if len(task) < SHORT_ID_CHARACTERS or len(task) >= ID_CHARACTERS:
            return task
        told = self.api.call("tasks.get_table", filter=f'id ~ "{re.escape(task)}$"', columns=[], limit=2)["tasks"]
        if len(told) != 1:
            raise ConfigError(f"{task}: {'several tasks end so' if told else 'there is no such task'}")
        return str(told[0]["id"])

    def show(self, task: str, metric: str = "") -> Document:
        """Return one run: its fields, hyper-parameters, single values, and digests of its first 50 curves by name.

        ``metric``: only curves whose ``metric/variant`` contains it.
        """
        document = self._document(task)
        known = [one for one in summaries(document) if metric in curve_name(one)]
        curves = [one for one in known if not is_single_value(one)]
        found = {**head(document), "hyperparams": hyper_parameters(document)}
        found["values"] = {curve_name(one): one["value"] for one in known if is_single_value(one)}
        found["curves"] = self._digests(document, curves[:MAX_CURVES])
        return found | ({"further_curves": len(curves) - MAX_CURVES} if len(curves) > MAX_CURVES else {})

    def digests(self, tasks: Sequence[str], metric: str) -> list[Document]:
        """Return of each task its head and the digest of one curve, ``metric/variant``; None where it has none."""
        found = []
        for document in self._documents(tasks, [*FIELDS, *summary_paths(metric)]):
            curves = [one for one in summaries(document) if curve_name(one) == metric and not is_single_value(one)]
            found.append((document, curves))
        read = self._histograms([document["id"] for document, _ in found], [one for _, own in found for one in own])
        return [{**head(document), "digest": self._digest(document, own, read)} for document, own in found]

    def compare(self, tasks: Sequence[str], only_differences: bool = False) -> Document:
        """Return ``{runs, hyperparams, values}``: of each name the values of all runs in order, None without one."""
        documents = self._documents(tasks)
        sides = {
            "hyperparams": [hyper_parameters(document) for document in documents],
            "values": [values_of(summaries(document)) for document in documents],
        }
        compared = {name: _side_by_side(columns, only_differences) for name, columns in sides.items()}
        return {"runs": [head(document) for document in documents], **compared}

    def log(self, task: str, lines: int = 100, search: str = "", before: int = 0) -> Document:
        """Return ``{lines: [{timestamp, level, msg}], total}``, oldest first.

        These are the last lines, or the last before a time, ``before``, in ms since the epoch.
        """
        asked = {"search": search} if search else {}
        whole = {"navigate_earlier": True, "from_timestamp": before, "order": "asc", "batch_size": lines}
        found = self.api.call("events.get_task_log", task=self.task_id(task), **whole, **asked)
        kept = [{name: line.get(name) for name in ("timestamp", "level", "msg")} for line in found["events"]]
        return {"lines": kept, "total": found["total"]}

    def _document(self, task: str) -> Document:
        document: Document = self.api.call("tasks.get_by_id", task=self.task_id(task))["task"]
        named = self.api.call("tasks.get_table", id=[document["id"]], columns=["project"])["tasks"]
        return document | {"project": named[0]["values"][0] if named else document.get("project")}

    def _documents(self, tasks: Sequence[str], fields: Sequence[str] = ()) -> list[Document]:
        """Return documents in the order of ids. ``fields``: the paths that are wanted, else all."""
        if len(tasks) > MAX_RUNS:
            raise ConfigError(f"at most {MAX_RUNS} tasks can be read at once, and not {len(tasks)}")
        ids = [self.task_id(task) for task in tasks]
        asked = {"only_fields": list(fields)} if fields else {}
        listed = self.api.call("tasks.get_all", id=ids, page=0, page_size=MAX_RUNS, search_hidden=True, **asked)
        found = {one["id"]: one for one in listed["tasks"]}
        if missing := [one for one in ids if one not in found]:
            raise ConfigError(f"there is no task {missing[0]}")
        return [found[one] for one in ids]

    def _digests(self, document: Document, curves: Sequence[Document]) -> Document:
        read = self._histograms([document["id"]], curves)
        return {curve_name(one): self._digest(document, [one], read) for one in curves}

    def _histograms(self, tasks: Sequence[str], curves: Sequence[Document]) -> Document:
        wanted: dict[str, set[str]] = {}
        for one in curves:
            wanted.setdefault(one["metric"], set()).add(one["variant"])
        if not wanted:
            return {}
        metrics = [{"metric": metric, "variants": sorted(variants)} for metric, variants in wanted.items()]
        asked = {"metrics": metrics, "samples": SAMPLES, "aggregation": "minmax"}
        found = self.api.call("events.multi_task_scalar_metrics_iter_histogram", tasks=list(tasks), **asked)
        curves_by_metric: Document = found["metrics"]
        return curves_by_metric

    def _digest(self, document: Document, curves: Sequence[Document], read: Document) -> Document | None:
        """Return the digest of a task's one curve; None if there is none."""
        points = [read.get(one["metric"], {}).get(one["variant"], {}).get(document["id"]) for one in curves]
        if not points or points[0] is None:
            return None
        exact = extremes(curves[0])
        x, mean, low, high = (np.array(points[0][name], float) for name in ("x", "y", "y_min", "y_max"))
        if _is_sampled(x, low, high):
            exact["last"] = self._last_point(document["id"], curves[0], int(x[-1]))
        kept = np.isfinite(mean)
        ends = float(document.get("last_iteration") or 0)
        return digest(Curve(x[kept], mean[kept], low[kept], high[kept], exact, max(ends, float(x[-1]))))

    def _last_point(self, task: str, curve: Document, since: int) -> Document:
        """Return the last point itself, where only the bucket that it is in is known."""
        asked = {"metric": {"metric": curve["metric"], "variants": [curve["variant"]]}, "key": "iter", "x_min": since}
        found = self.api.call("events.scalar_metrics_iter_raw", task=task, batch_size=200_000, **asked)
        points = found["variants"][curve["variant"]]
        return {"step": points["iter"][-1], "value": points["y"][-1]}


def _is_sampled(x: Array, low: Array, high: Array) -> bool:
    """Tell whether points may stand for several: their steps are apart, or their ranges are more than a value."""
    return not np.array_equal(low, high) or bool(len(x) > 1 and np.min(np.diff(x)) > 1)


def _side_by_side(columns: Sequence[Document], only_differences: bool) -> Document:
    names = sorted(set().union(*columns))
    rows = {name: [column.get(name) for column in columns] for name in names}
    return {name: row for name, row in rows.items() if not only_differences or any(one != row[0] for one in row)}
