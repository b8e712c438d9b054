"""Dotted paths as clients write them: old names of fields, fields that are left out, and what a sort goes by."""

from __future__ import annotations

from collections.abc import Iterable

from schema.errors import InvalidField
from schema.registry import TASKS, Kind, Order

EXCLUDED = "-"
MOVED = {
    "execution.parameters": "hyperparams.Args",
    "execution.model_desc": "configuration",
    "execution.docker_cmd": "container",
}
MAX_PARTS = 20  # of a path to sort by
MAX_ALL_PARTS = 50_000  # of all paths to show: to make a tree of 300 000 holds the event loop for a second
PARAMETER_DEPTH = 3  # hyperparams.<section>.<name>


def shown_paths(kind: Kind, paths: Iterable[str]) -> list[str]:
    """Return the fields to show, by their present names. Raises InvalidField for too many parts."""
    paths = list(paths)
    if sum(path.count(".") + 1 for path in paths) > MAX_ALL_PARTS:
        raise InvalidField(f"The paths of fields have at most {MAX_ALL_PARTS} parts together")
    return [current(kind, path) for path in paths if not path.startswith(EXCLUDED)]


def excluded_paths(kind: Kind, paths: Iterable[str]) -> list[str]:
    """Return the fields to leave out, by their present names."""
    return [current(kind, path[1:]) for path in paths if path.startswith(EXCLUDED) and len(path) > 1]


def sort_order(kind: Kind, path: str) -> Order:
    """Return what ``path`` or ``-path`` sorts by: of a hyper parameter its value."""
    is_descending = path.startswith("-")
    if path.count(".") >= MAX_PARTS:
        raise InvalidField(f"order_by: a path has at most {MAX_PARTS} parts")
    field = current(kind, path.removeprefix("-"))
    names = field.split(".")
    if kind is TASKS and names[0] == "hyperparams" and len(names) == PARAMETER_DEPTH:
        field = f"{field}.value"
    return Order(field, is_descending)


def current(kind: Kind, path: str) -> str:
    """Return the present name of a field that API versions before 2.13 had elsewhere."""
    if kind is not TASKS:
        return path
    for old, new in MOVED.items():
        if path == old or path.startswith(f"{old}."):
            return new + path.removeprefix(old)
    return path
