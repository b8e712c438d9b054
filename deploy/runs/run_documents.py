"""Documents of tasks, made shorter and flat: hyper-parameters and extremes by their names, as scripts want them."""

from __future__ import annotations

import hashlib
from typing import Any

SINGLE_VALUE_STEP = -(2**31)  # the iteration of values that belong to no step (API contract, appendix A)
FIELDS = (
    "id",
    "name",
    "project",
    "status",
    "status_message",
    "type",
    "tags",
    "comment",
    "created",
    "started",
    "completed",
    "last_update",
    "last_iteration",
    "refused_events",
)
ENDS = ("first", "min", "max")
SUMMARY_FIELDS = ("metric", "variant", "value", *(f"{end}_value{part}" for end in ENDS for part in ("", "_iteration")))

Document = dict[str, Any]


def head(task: Document) -> Document:
    """Return a task's own fields; those that it has not are left out."""
    return {name: task[name] for name in FIELDS if task.get(name) not in (None, "", [], {})}


def hyper_parameters(task: Document) -> dict[str, str]:
    """Return the values by ``section/name``."""
    sections: Document = task.get("hyperparams") or {}
    return {
        f"{section}/{name}": str(found.get("value", ""))
        for section, values in sorted(sections.items())
        for name, found in sorted(values.items())
    }


def summaries(task: Document) -> list[Document]:
    """Return what the server knows of each curve, by name: exact values, whatever the length of the curve."""
    metrics: Document = task.get("last_metrics") or {}
    found = [curve for variants in metrics.values() for curve in variants.values()]
    return sorted(found, key=lambda curve: (curve["metric"], curve["variant"]))


def summary_paths(name: str) -> list[str]:
    """Return the paths of the summary of a curve, ``metric/variant``, in documents; any slash may be the one between.

    Count and mean, which take a read of all points, are not among them.
    """
    parts = name.split("/")
    splits = [("/".join(parts[:at]), "/".join(parts[at:])) for at in range(1, len(parts))] or [(name, name)]
    return [f"last_metrics.{_md5(one)}.{_md5(two)}.{field}" for one, two in splits for field in SUMMARY_FIELDS]


def _md5(name: str) -> str:
    """Return the key that ``last_metrics`` has for a metric or variant."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def is_single_value(summary: Document) -> bool:
    """Tell whether a summary is of a value without a step."""
    return summary.get("max_value_iteration") == SINGLE_VALUE_STEP


def curve_name(summary: Document) -> str:
    """Return the name that people know a curve by: ``metric/variant``; one of both where they are the same."""
    metric, variant = summary["metric"], summary["variant"]
    return str(metric) if metric == variant else f"{metric}/{variant}"


def extremes(summary: Document) -> Document:
    """Return ``first``, ``min`` and ``max``, each with its step."""
    return {
        name: {"step": summary[f"{name}_value_iteration"], "value": summary[f"{name}_value"]}
        for name in ENDS
        if summary.get(f"{name}_value_iteration") is not None
    }


def values_of(summaries_of_task: list[Document]) -> Document:
    """Return the latest, least and greatest value by name; of single values the value."""
    return {
        curve_name(one): {"value": one["value"]}
        if is_single_value(one)
        else {"latest": one["value"], "min": one["min_value"], "max": one["max_value"]}
        for one in summaries_of_task
    }
