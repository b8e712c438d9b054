"""Runs of W&B, which are tasks: made and changed by ``UpsertBucket``, ended by the end of their stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ingest.gateway import Gateway
from ingest.registry.documents import change, create_document, new_document
from ingest.registry.projects import project_of_name
from ingest.registry.references import check_references
from ingest.registry.status import COMPLETED, FAILED, IN_PROGRESS
from ingest.registry.task_status import ENDED, Reasons, status_fields
from ingest.registry.tasks import NEW_TASK
from schema.adapters.nested_values import flattened
from schema.adapters.wandb import FOLDER, project_name, task_id_of
from schema.api.wire import Caller
from schema.errors import InvalidField, NotUnique
from schema.json_encoding import to_json
from schema.registry import PROJECTS, TASKS, Document

SECTION = "General"
OWN = "_wandb"  # the key of a configuration that the client keeps for itself
STATE = "wandb"  # field of a task: what a run that is resumed gets back
SAID = {"groupName": "group", "jobType": "job type", "host": "host", "jobProgram": "program", "program": "program"}
MAX_NAME = 500


class Run(NamedTuple):
    """A run as each call names it. ``project``: the path of Eventide's project."""

    project: str
    name: str

    def task_id(self, caller: Caller) -> str:
        """Return the id of its task."""
        return task_id_of(caller.company, self.project, self.name)


def run_of(entity: Any, project: Any, name: Any) -> Run:
    """Return the run that a call names. Raises InvalidField."""
    if not isinstance(name, str) or not isinstance(entity, str | None) or not isinstance(project, str | None):
        raise InvalidField("entity, project and run are texts")
    if not name or max(len(entity or ""), len(project or ""), len(name)) > MAX_NAME:
        raise InvalidField(f"names of entities, projects and runs have 1 to {MAX_NAME} characters")
    return Run(project_name(entity, project), name)


async def upsert(gateway: Gateway, caller: Caller, run: Run, told: Mapping[str, Any]) -> tuple[Document, bool]:
    """Create or change a run's task; return it, and whether it is new. Fields that are null stay as they are.

    Raises InvalidField, BadProjectName, and what ``change`` raises.
    """
    task_id = run.task_id(caller)
    if task_id not in await gateway.registry.entities(TASKS, [task_id]):
        task = await _new_task(gateway, caller, run, told)
        try:
            await create_document(gateway, caller, TASKS, task)
        except NotUnique:  # another process of the same run was first
            pass
        else:
            return task, True
    return await change(gateway, caller, TASKS, task_id, lambda task: _resumed(_changed(task, told), told)), False


async def finish(gateway: Gateway, caller: Caller, task_id: str, exit_code: int) -> None:
    """End a run; again: nothing. Raises InvalidTask."""
    status = FAILED if exit_code else COMPLETED
    reason = f"exit code {exit_code}" if exit_code else ""

    def end(task: Document) -> Document:
        if task["status"] != IN_PROGRESS:
            return task
        return task | status_fields(task, status, Reasons(status_reason=reason))

    await change(gateway, caller, TASKS, task_id, end)


async def keep_state(
    gateway: Gateway, caller: Caller, task_id: str, keys: Iterable[str], summary: Mapping[str, Any] | None
) -> None:
    """Keep which keys have a history, and the newest summary, for the run's end and for resuming it."""

    def edit(task: Document) -> Document:
        old = task.get(STATE) or {}
        new: Document = {"keys": sorted({*old.get("keys", ()), *keys})}
        if summary is not None:
            new["summary"] = summary
        return task | {STATE: old | new}

    await change(gateway, caller, TASKS, task_id, edit)


async def _new_task(gateway: Gateway, caller: Caller, run: Run, told: Mapping[str, Any]) -> Document:
    project = await project_of_name(gateway, caller, run.project)
    task = new_document(caller, NEW_TASK | {"type": "training", "name": run.name, "project": project})
    task |= {"id": run.task_id(caller)} | status_fields(task, IN_PROGRESS, Reasons())
    task = _changed(task | {STATE: {"run": run.name}}, told)
    await check_references(gateway, caller, task)
    gateway.last_update_recorder.touch(PROJECTS, [project], caller.user)
    return task


def _resumed(task: Document, told: Mapping[str, Any]) -> Document:
    """Return a task that goes on, if a client begins with it: only then it names its program or host."""
    if task["status"] in ENDED and (told.get("host") or told.get("program")):
        return task | status_fields(task, IN_PROGRESS, Reasons())
    return task


def _changed(task: Document, told: Mapping[str, Any]) -> Document:
    texts = {"name": told.get("displayName"), "comment": told.get("notes")}
    new = task | {field: text for field, text in texts.items() if isinstance(text, str) and text}
    if isinstance(tags := told.get("tags"), list):
        new["tags"] = [str(tag) for tag in tags]
    hyperparams = dict(new.get("hyperparams") or {})
    said = {label: told[field] for field, label in SAID.items() if isinstance(told.get(field), str) and told[field]}
    if said:
        hyperparams[FOLDER] = (hyperparams.get(FOLDER) or {}) | _parameters(FOLDER, said.items())
    if told.get("config") is not None:
        config = _config(told["config"])
        own = {name: value for name, value in config.items() if name != OWN}
        hyperparams[SECTION] = _parameters(SECTION, flattened(own))
        new[STATE] = (new.get(STATE) or {}) | {"config": config}
    return new | ({"hyperparams": hyperparams} if hyperparams else {})


def _config(text: Any) -> dict[str, Any]:
    """Return the values of a configuration, ``{"lr": {"value": 0.1}}``. Raises InvalidField."""
    try:
        found = json.loads(text)
        return {name: item["value"] for name, item in found.items() if isinstance(item, dict) and "value" in item}
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InvalidField("config: a JSON object is expected") from error


def _parameters(section: str, items: Iterable[tuple[str, Any]]) -> Document:
    return {name: {"section": section, "name": name, "value": _text(value)} for name, value in items}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value).decode()
