"""Runs of trackio, which are tasks: made by the first thing that is logged to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ingest.gateway import Gateway
from ingest.registry.documents import change, create_document, new_document
from ingest.registry.projects import project_of_name
from ingest.registry.references import check_references
from ingest.registry.status import IN_PROGRESS
from ingest.registry.task_status import Reasons, status_fields
from ingest.registry.tasks import NEW_TASK
from schema.adapters.nested_values import flattened
from schema.adapters.trackio import INTERNAL, OTHER_SECTION, task_id_of
from schema.api.wire import Caller
from schema.errors import InvalidField, NotUnique
from schema.json_encoding import to_json
from schema.registry import PROJECTS, TASKS, Document

SECTION = "General"
MAX_NAME = 500


class Run(NamedTuple):
    """A run as each entry names it."""

    project: str
    name: str
    run_id: str | None = None

    def task_id(self, caller: Caller) -> str:
        """Return the id of its task."""
        return task_id_of(caller.company, self.project, self.name, self.run_id)


def run_of(entry: Mapping[str, Any]) -> Run:
    """Return the run that an entry names. Raises InvalidField."""
    project, name, run_id = (entry.get(field) for field in ("project", "run", "run_id"))
    if not isinstance(project, str) or not isinstance(name, str) or not isinstance(run_id, str | None):
        raise InvalidField("logs: each has a project and a run")
    if not name or max(len(project), len(name), len(run_id or "")) > MAX_NAME:
        raise InvalidField(f"logs: names of projects and runs have 1 to {MAX_NAME} characters")
    return Run(project, name, run_id)


async def ensure_task(gateway: Gateway, caller: Caller, run: Run) -> str:
    """Return the id of a run's task, which is made if there is none. Raises BadProjectName."""
    task_id = run.task_id(caller)
    if task_id in await gateway.registry.entities(TASKS, [task_id]):
        return task_id
    project = await project_of_name(gateway, caller, run.project)
    task = new_document(caller, NEW_TASK | {"type": "training", "name": run.name, "project": project})
    task |= {"id": task_id} | status_fields(task, IN_PROGRESS, Reasons())
    await check_references(gateway, caller, task)
    try:
        await create_document(gateway, caller, TASKS, task)
    except NotUnique:  # another process has logged to it meanwhile
        return task_id
    gateway.last_update_recorder.touch(PROJECTS, [project], caller.user)
    return task_id


async def set_config(gateway: Gateway, caller: Caller, task_id: str, config: Mapping[str, Any]) -> None:
    """Set a run's configuration as hyper-parameters. Raises InvalidTask."""
    new: dict[str, Document] = {}
    for name, value in flattened(config):
        section = OTHER_SECTION if name.startswith(INTERNAL) else SECTION
        new.setdefault(section, {})[name] = {"section": section, "name": name, "value": _text(value)}

    def edit(task: Document) -> Document:
        old = task.get("hyperparams") or {}
        return task | {"hyperparams": old | {name: (old.get(name) or {}) | found for name, found in new.items()}}

    await change(gateway, caller, TASKS, task_id, edit)


async def started_at(gateway: Gateway, task_id: str) -> float:
    """Return the second since the epoch at which a run started; 0 if there is no such run."""
    task = await gateway.registry.get(TASKS, task_id)
    return datetime.fromisoformat(task.get("started") or task["created"]).timestamp() if task else 0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value).decode()
