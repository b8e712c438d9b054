"""Runs of MLflow, which are tasks: their state, parameters and tags."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from ingest.adapters.mlflow.experiments import OneExperiment, Tag, archived, project_id, unarchived
from ingest.gateway import Gateway
from ingest.registry.documents import change, create_document, new_document, own_document
from ingest.registry.references import check_references
from ingest.registry.status import IN_PROGRESS, PUBLISHED, PUBLISHING
from ingest.registry.task_status import ENDED, Reasons, status_fields
from ingest.registry.tasks import NEW_TASK
from schema.adapters.mlflow_documents import (
    ARTIFACTS,
    DELETED,
    PARENT,
    RUN_NAME,
    SECTION,
    STATUSES,
    iso_of_ms,
    lifecycle,
    pairs,
    params_of,
    run_artifacts,
    run_info,
    tags_of,
    with_tags,
)
from schema.adapters.requests import TextRequest
from schema.api.requests import Integer
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import BadDocument, InvalidField, TaskStateConflict
from schema.registry import PROJECTS, TASKS, Document

endpoints = Endpoints(Tier.GATEWAY)


class OneRun(TextRequest):
    """One run, by its id or, as MLflow 1 named it, ``run_uuid``."""

    run_id: str = ""
    run_uuid: str = ""

    @property
    def run(self) -> str:
        """The id. Raises InvalidField if there is none."""
        if not (found := self.run_id or self.run_uuid):
            raise InvalidField("run_id: a run is expected")
        return found


class CreateRun(OneExperiment):
    """A new run, in the default experiment if none is named. ``start_time``: ms since the epoch."""

    experiment_id: str = "0"
    run_name: str = ""
    start_time: Integer | None = None
    tags: list[Tag] = []


class UpdateRun(OneRun):
    """Another state or name of a run. ``end_time``: ms since the epoch."""

    status: Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"] | None = None
    end_time: Integer | None = None
    run_name: str = ""


class LogParam(OneRun):
    """A parameter of a run."""

    key: str
    value: str


class SetTag(OneRun, Tag):
    """A tag of a run."""


class DeleteTag(OneRun):
    """A tag of a run to remove."""

    key: str


class LogInputs(OneRun):
    """Data sets and models that a run uses."""

    datasets: list[dict[str, Any]] = []
    models: list[dict[str, Any]] = []


@endpoints.add("mlflow.runs_create")
async def create(gateway: Gateway, caller: Caller, request: CreateRun) -> Answer:
    """Create a run that goes on: ``{"run"}``. Raises InvalidProject, and InvalidTask for its parent."""
    tags = {tag.key: tag.value for tag in request.tags}
    project = await project_id(gateway, caller, request)
    task = new_document(caller, NEW_TASK | {"type": "training", "project": project})
    task |= status_fields(task, IN_PROGRESS, Reasons()) | _parent(tags)
    if request.start_time is not None:
        task["started"] = iso_of_ms(request.start_time)
    task["name"] = request.run_name or tags.get(RUN_NAME) or f"run-{task['id'][-8:]}"
    task = with_tags(task, tags)
    await check_references(gateway, caller, task)
    found = await gateway.registry.get(PROJECTS, project)
    task[ARTIFACTS] = run_artifacts(found or {"id": project}, task["id"])
    await create_document(gateway, caller, TASKS, task)
    gateway.last_update_recorder.touch(PROJECTS, [project], caller.user)
    data = {"metrics": [], "params": [], "tags": pairs(tags_of(task))}
    return {"run": {"info": run_info(task), "data": data, "inputs": {}}}


@endpoints.add("mlflow.runs_update")
async def update(gateway: Gateway, caller: Caller, request: UpdateRun) -> Answer:
    """Change state and name of a run: ``{"run_info"}``. Raises InvalidTask, and TaskStateConflict if published."""
    ended = iso_of_ms(request.end_time) if request.end_time is not None else None

    def edit(task: Document) -> Document:
        new = task | ({"name": request.run_name} if request.run_name else {})
        status = STATUSES[request.status] if request.status else task["status"]
        if status == task["status"] and ended is None:
            return new
        _check_not_published(task)
        new |= status_fields(task, status, Reasons()) if status != task["status"] else {}
        return new | ({"completed": ended} if ended and status in ENDED else {})

    return {"run_info": run_info(await change_run(gateway, caller, request.run, edit))}


@endpoints.add("mlflow.runs_delete")
async def delete(gateway: Gateway, caller: Caller, request: OneRun) -> Answer:
    """Archive a run, which MLflow then shows as deleted. Raises InvalidTask."""
    await change(gateway, caller, TASKS, request.run, archived)
    return {}


@endpoints.add("mlflow.runs_restore")
async def restore(gateway: Gateway, caller: Caller, request: OneRun) -> Answer:
    """Take a run back out of the archive. Raises InvalidTask."""
    await change(gateway, caller, TASKS, request.run, unarchived)
    return {}


@endpoints.add("mlflow.runs_log_parameter")
async def log_parameter(gateway: Gateway, caller: Caller, request: LogParam) -> Answer:
    """Set a parameter. Raises InvalidTask, and BadDocument if it has another value already."""
    await log_params_and_tags(gateway, caller, request.run, [(request.key, request.value)], {})
    return {}


@endpoints.add("mlflow.runs_set_tag")
async def set_tag(gateway: Gateway, caller: Caller, request: SetTag) -> Answer:
    """Set a tag; ``mlflow.runName`` renames the run. Raises InvalidTask."""
    await log_params_and_tags(gateway, caller, request.run, [], {request.key: request.value})
    return {}


@endpoints.add("mlflow.runs_delete_tag")
async def delete_tag(gateway: Gateway, caller: Caller, request: DeleteTag) -> Answer:
    """Remove a tag. Raises InvalidTask, and BadDocument if there is none of that name."""

    def edit(task: Document) -> Document:
        if request.key not in tags_of(task):
            raise BadDocument(f"No tag with name {request.key} in run {request.run}")
        return with_tags(task, {request.key: None})

    await change_run(gateway, caller, request.run, edit)
    return {}


@endpoints.add("mlflow.runs_log_inputs")
async def log_inputs(gateway: Gateway, caller: Caller, request: LogInputs) -> Answer:
    """Keep which data sets and models a run uses. Raises InvalidTask."""
    return await _append(gateway, caller, request.run, "mlflow_inputs", request.datasets, request.models)


@endpoints.add("mlflow.runs_outputs")
async def log_outputs(gateway: Gateway, caller: Caller, request: LogInputs) -> Answer:
    """Keep which models a run made. Raises InvalidTask."""
    return await _append(gateway, caller, request.run, "mlflow_outputs", [], request.models)


async def log_params_and_tags(
    gateway: Gateway, caller: Caller, run: str, params: Iterable[tuple[str, str]], tags: Mapping[str, str]
) -> None:
    """Set parameters and tags of a run, all or none. Raises InvalidTask, and BadDocument for a changed parameter."""
    new = list(params)

    def edit(task: Document) -> Document:
        changed = with_tags(_with_params(task, new), tags)
        return changed | ({"name": tags[RUN_NAME]} if tags.get(RUN_NAME) else {})

    await change_run(gateway, caller, run, edit)


async def change_run(gateway: Gateway, caller: Caller, run: str, edit: Any) -> Document:
    """Change a run that is not deleted. Raises InvalidTask, and BadDocument for a deleted one."""

    def guarded(task: Document) -> Document:
        _check_not_deleted(task)
        changed: Document = edit(task)
        return changed

    return await change(gateway, caller, TASKS, run, guarded)


async def check_run(gateway: Gateway, caller: Caller, run: str) -> None:
    """Raise InvalidTask unless the caller may write a run, BadDocument if it is deleted."""
    _check_not_deleted(await own_document(gateway, caller, TASKS, run))


def _with_params(task: Document, params: Iterable[tuple[str, str]]) -> Document:
    known = params_of(task)
    section = dict((task.get("hyperparams") or {}).get(SECTION) or {})
    for key, value in params:
        if known.setdefault(key, value) != value:
            raise BadDocument(f"Changing param values is not allowed. Param {key} has another value already")
        section[key] = {"section": SECTION, "name": key, "value": value}
    return task | ({"hyperparams": (task.get("hyperparams") or {}) | {SECTION: section}} if section else {})


def _parent(tags: Mapping[str, str]) -> Document:
    return {"parent": tags[PARENT]} if tags.get(PARENT) else {}


def _check_not_deleted(task: Document) -> None:
    if lifecycle(task) == DELETED:
        raise BadDocument(f"The run {task['id']} must be in the 'active' state, and is deleted")


def _check_not_published(task: Document) -> None:
    if task["status"] in (PUBLISHED, PUBLISHING):
        raise TaskStateConflict(f"Run {task['id']} is {task['status']}")


async def _append(
    gateway: Gateway, caller: Caller, run: str, field: str, datasets: list[Any], models: list[Any]
) -> Answer:
    def edit(task: Document) -> Document:
        known: Document = task.get(field) or {}
        return task | {
            field: {
                "datasets": distinct([*(known.get("datasets") or ()), *datasets]),
                "models": distinct([*(known.get("models") or ()), *models]),
            }
        }

    await change_run(gateway, caller, run, edit)
    return {}


def distinct(items: list[Any]) -> list[Any]:
    """Return the items without those that are there before; a client may send thousands."""
    return list({json.dumps(item, sort_keys=True): item for item in items}.values())
