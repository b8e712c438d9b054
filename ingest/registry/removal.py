"""Calls that remove tasks, models, and what tasks made. Events go first, in order with the writes around them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from ingest.gateway import Gateway
from ingest.registry.documents import SomeDocuments, change, each, own_document
from ingest.registry.models import OneModel
from ingest.registry.status import CREATED, PUBLISHED, PUBLISHING, check_transition
from ingest.registry.task_status import Reasons, status_fields
from ingest.registry.tasks import OneTask
from schema.api.requests import Boolean
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import ModelInUse, ModelOfPublishedTask, TaskNotDeletable, TaskStateConflict
from schema.events.blocks import ALL, Deletion
from schema.registry import MODELS, TASKS, Document, OneOf, PageBounds

FORGOTTEN_BY_RESET = ("started", "completed", "published", "active_duration", "last_worker", "last_worker_report")
OUTPUT = "output"  # mode of the artifacts that a task made
EMPTIED_BY_CLEAR: Document = {"script": {}, "hyperparams": {}, "configuration": {}, "container": {}}

endpoints = Endpoints(Tier.GATEWAY)


class Removal(Reasons):
    """``clear_all``: without script and parameters too. ``delete_output_models``: and the models that the task made.

    ``return_file_urls``: tell where the files of what is removed are; they stay there.
    """

    clear_all: Boolean = False
    delete_output_models: Boolean = True
    return_file_urls: Boolean = False


class RemoveFromTask(OneTask, Removal):
    """A task to reset or to delete."""


class RemoveFromTasks(SomeDocuments, Removal):
    """Tasks to reset or to delete."""


class DeleteModel(OneModel):
    """A model to remove; ``force``: even if it is in use."""

    force: Boolean = False


class DeleteModels(SomeDocuments):
    """Models to remove."""

    force: Boolean = False


@endpoints.add("tasks.reset")
async def reset(gateway: Gateway, caller: Caller, request: RemoveFromTask) -> Answer:
    """Back to ``created``, without events, statistics and what the task made. Raises TaskStateConflict."""
    return await _reset(gateway, caller, request.task, request)


@endpoints.add("tasks.reset_many")
async def reset_many(gateway: Gateway, caller: Caller, request: RemoveFromTasks) -> Answer:
    """Those that can be; what was done and what was not. The same of all ``_many`` here."""
    return await each(request.ids, lambda task_id: _reset(gateway, caller, task_id, request))


@endpoints.add("tasks.delete")
async def delete_task(gateway: Gateway, caller: Caller, request: RemoveFromTask) -> Answer:
    """The task, its events and its unpublished models are gone. Raises TaskNotDeletable of one that ran."""
    return await remove_task(gateway, caller, request.task, request)


@endpoints.add("tasks.delete_many")
async def delete_tasks(gateway: Gateway, caller: Caller, request: RemoveFromTasks) -> Answer:
    """As ``delete``."""
    return await each(request.ids, lambda task_id: remove_task(gateway, caller, task_id, request))


@endpoints.add("models.delete")
async def delete_model(gateway: Gateway, caller: Caller, request: DeleteModel) -> Answer:
    """The model and its events are gone. Raises InvalidModel, ModelInUse and ModelOfPublishedTask."""
    return await _delete_model(gateway, caller, request.model, request.force)


@endpoints.add("models.delete_many")
async def delete_models(gateway: Gateway, caller: Caller, request: DeleteModels) -> Answer:
    """As ``delete``."""
    return await each(request.ids, lambda model_id: _delete_model(gateway, caller, model_id, request.force))


async def remove_task(gateway: Gateway, caller: Caller, task_id: str, removal: Removal) -> dict[str, Any]:
    """As ``tasks.delete``."""
    task = await own_document(gateway, caller, TASKS, task_id)
    is_archived = "archived" in (task.get("system_tags") or ())
    if not removal.force and task["status"] != CREATED and not is_archived:
        raise TaskNotDeletable(f"Task {task_id} is {task['status']}: archive it, or use force")
    (deleted,) = await _delete_events(gateway, caller, [task_id])
    models = await _remove_output_models(gateway, caller, task_id, removal)
    children = await gateway.registry.find_ids(TASKS, caller.company, OneOf("parent", (task_id,)))
    await gateway.registry.update_many(TASKS, children, lambda child: child | {"parent": None})
    await gateway.registry.delete(TASKS, task_id)
    counts = {"updated_children": len(children), "updated_models": 0, "deleted_models": len(models)}
    return {"deleted": True, "events": {"deleted": deleted}} | counts | _told_urls(removal, task, models)


async def remove_models(gateway: Gateway, caller: Caller, ids: Iterable[str]) -> list[Document]:
    """Models of the caller's and their events are gone; the models as they were."""
    wanted = list(ids)
    models = await gateway.registry.get_many(MODELS, wanted)
    await _delete_events(gateway, caller, wanted)
    await gateway.registry.delete(MODELS, *wanted)
    return models


def file_urls(tasks: Iterable[Document], models: Iterable[Document]) -> dict[str, list[str]]:
    """Where the files of tasks and models are; those of events only the store knows, which is not asked here."""
    made = [artifact for task in tasks for artifact in _artifacts(task, OUTPUT)]
    artifacts = [str(artifact["uri"]) for artifact in made if artifact.get("uri")]
    return {
        "artifact_urls": artifacts,
        "model_urls": [str(model["uri"]) for model in models if model.get("uri")],
        "event_urls": [],
    }


async def _reset(gateway: Gateway, caller: Caller, task_id: str, removal: Removal) -> dict[str, Any]:
    task = await own_document(gateway, caller, TASKS, task_id)
    if task["status"] in (PUBLISHED, PUBLISHING) and not removal.force:
        raise TaskStateConflict(f"Task {task_id} is {task['status']}")
    check_transition(task, CREATED, removal.force)
    (deleted,) = await _delete_events(gateway, caller, [task_id])
    models = await _remove_output_models(gateway, caller, task_id, removal)
    fields = status_fields(task, CREATED, removal)
    await change(gateway, caller, TASKS, task_id, lambda task: _fresh(task, removal.clear_all) | fields)
    shown = fields | {"last_iteration": 0, "last_metrics": {}}
    counts = {"deleted_indices": [], "deleted_models": len(models), "events": {"deleted": deleted}}
    return {"updated": 1, "fields": shown} | counts | _told_urls(removal, task, models)


def _fresh(task: Document, clear_all: bool) -> Document:
    """The task without what it made while it ran."""
    kept = {name: value for name, value in task.items() if name not in FORGOTTEN_BY_RESET}
    execution = {} if clear_all else {n: v for n, v in (task.get("execution") or {}).items() if n != "queue"}
    if execution.get("artifacts"):
        execution["artifacts"] = _artifacts(task, "input")
    output = {name: v for name, v in (task.get("output") or {}).items() if name not in ("result", "error", "model")}
    models = (task.get("models") or {}) | {"output": []}
    emptied = EMPTIED_BY_CLEAR if clear_all else {}
    return kept | emptied | {"execution": execution, "output": output, "models": models, "runtime": {}}


def _told_urls(removal: Removal, task: Document, models: list[Document]) -> dict[str, Any]:
    return {"urls": file_urls([task], models)} if removal.return_file_urls else {}


def _artifacts(task: Document, mode: str) -> list[Document]:
    found = (task.get("execution") or {}).get("artifacts") or ()
    return [artifact for artifact in found if artifact.get("mode", OUTPUT) == mode]


async def _remove_output_models(gateway: Gateway, caller: Caller, task_id: str, removal: Removal) -> list[Document]:
    """Remove the models that a task made, but for those that are published or that other tasks use; which."""
    if not removal.delete_output_models:
        return []
    registry, fields = gateway.registry, frozenset(("company", "ready"))
    own = await registry.find(MODELS, caller.company, OneOf("task", (task_id,)), PageBounds(fields=fields))
    ids = {model["id"] for model in own if model["company"] == caller.company and not model.get("ready")}
    if not ids:
        return []
    users = await registry.find_ids(TASKS, caller.company, OneOf("models.input.model", tuple(ids)))
    tasks = await registry.get_many(TASKS, users.keys() - {task_id})
    ids -= {item.get("model") for task in tasks for item in (task.get("models") or {}).get("input") or ()}
    return await remove_models(gateway, caller, ids)


async def _delete_model(gateway: Gateway, caller: Caller, model_id: str, force: bool) -> dict[str, Any]:
    model = await own_document(gateway, caller, MODELS, model_id)
    users = await gateway.registry.find_ids(TASKS, caller.company, OneOf("models.input.model", (model_id,)))
    if users and not force:
        raise ModelInUse(f"Model {model_id} is the input of {len(users)} tasks")
    task = await gateway.registry.get(TASKS, model["task"]) if model.get("task") else None
    if task and task["status"] == PUBLISHED and not force:
        raise ModelOfPublishedTask(f"Model {model_id} was made by published task {task['id']}")
    await remove_models(gateway, caller, [model_id])
    return {"deleted": True, "url": model.get("uri")}


async def _delete_events(gateway: Gateway, caller: Caller, ids: Iterable[str]) -> list[int]:
    """How many events of each entity there were."""
    now = time.time_ns() // 1_000_000
    deletions = [Deletion(caller.company, entity, ALL, now) for entity in ids]
    return await asyncio.gather(*(gateway.log.delete(deletion) for deletion in deletions))
