"""What was logged, as a table: of Arrow, polars or pandas. Needs pyarrow (``pip install eventide-client[read]``)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from eventide_client.api import Api
from eventide_client.configuration import read_configuration
from eventide_client.patterns import escaped

PAGE = 500
# Of each kind the call that streams it, and the event type where that takes one.
CALLS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "scalars": ("events.get_task_events", {"event_type": "training_stats_scalar"}),
    "vectors": ("events.get_task_events", {"event_type": "training_stats_vector"}),
    "plots": ("events.get_task_events", {"event_type": "plot"}),
    "debug_images": ("events.get_task_events", {"event_type": "training_debug_image"}),
    "logs": ("events.download_task_log", {}),
}
KINDS = ("arrow", "polars", "pandas")


def read(
    task: str | Sequence[str] | None = None,
    *,
    project: str | None = None,
    what: str = "scalars",
    metrics: Sequence[str] = (),
    to: str = "arrow",
    **connection: object,
) -> Any:
    """Return the events of some tasks, or of all tasks of a project, a row each: docs/export.md has the columns.

    ``what``: ``scalars``, ``vectors``, ``plots``, ``debug_images`` or ``logs``. ``metrics``: keys, ``loss`` for all of
    its variants or ``loss/train``; not of logs. ``to``: ``arrow``, ``polars`` or ``pandas``. ``connection``: as of
    ``start``. The task's name is in a column ``task_name``. Raises ValueError for anything else, Unavailable while the
    server is away, and Refused for tasks that are not to be seen.
    """
    if what not in CALLS or to not in KINDS or (task is None) == (project is None) or (what == "logs" and metrics):
        raise ValueError(f"read: a task or a project, what in {', '.join(CALLS)}, and to in {', '.join(KINDS)}")
    api = Api(read_configuration(os.environ, **connection))
    try:
        tasks = _tasks(api, {"id": [task] if isinstance(task, str) else list(task or ())} if task else {}, project)
        table = _table(api, tasks, what, [_filter(key) for key in metrics])
    finally:
        api.close()
    return _converted(table, to)


def _tasks(api: Api, asked: dict[str, Any], project: str | None) -> dict[str, str]:
    """Return the names of the tasks by their ids. Raises ValueError if there is no such project, or no such task."""
    if project is not None:
        found = api.call("projects.get_all", name=f"^{escaped(project)}$", only_fields=["id"])["projects"]
        if not found:
            raise ValueError(f"there is no project {project}")
        asked = {"project": [one["id"] for one in found]}
    names = dict(_named(api, asked))
    if missing := [wanted for wanted in asked.get("id", ()) if wanted not in names]:
        raise ValueError(f"there is no task {missing[0]}")
    return names


def _named(api: Api, asked: dict[str, Any]) -> Iterator[tuple[str, str]]:
    page, count = 0, PAGE
    while count == PAGE:
        paged = {"page": page, "page_size": PAGE, "order_by": ["created", "id"], "only_fields": ["id", "name"]}
        found = api.call("tasks.get_all", **asked, **paged)["tasks"]
        page, count = page + 1, len(found)
        yield from ((one["id"], one["name"]) for one in found)


def _table(api: Api, tasks: Mapping[str, str], what: str, filters: Sequence[Mapping[str, Any]]) -> Any:
    import pyarrow as pa

    endpoint, fields = CALLS[what]
    further: dict[str, Any] = {"metrics": filters} if filters else {}
    tables = []
    for task, name in tasks.items():
        with api.stream(endpoint, task=task, format="arrow", **fields, **further) as response:
            table = pa.ipc.open_stream(response).read_all()
            response.read()  # the end of the answer, without which the connection cannot be used again
        names = pa.DictionaryArray.from_arrays(pa.array([0] * table.num_rows, pa.int32()), [name]).cast(pa.string())
        tables.append(table.add_column(1, "task_name", names))
    return pa.concat_tables(tables) if tables else pa.table({})


def _filter(key: str) -> dict[str, Any]:
    metric, _, variant = key.partition("/")
    return {"metric": metric, "variants": [variant] if variant else []}


def _converted(table: Any, to: str) -> Any:
    if to == "pandas":
        return table.to_pandas()
    if to == "polars":
        return import_module("polars").from_arrow(table)
    return table
