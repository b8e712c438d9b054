"""Endpoints that remove tasks, or what tasks made. Events go first, in order with the writes around them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ingest.gateway import Gateway
from ingest.permission import may_write
from ingest.registry.documents import SomeDocuments, change, each, marks, own_document
from ingest.registry.foreign import DELETED
from ingest.registry.model_removal import delete_events, remove_models
from ingest.registry.pipeline_steps import WithSteps, steps_of
from ingest.registry.status import CREATED, PUBLISHED, PUBLISHING, check_transition
from ingest.registry.task_status import Reasons, status_fields
from ingest.registry.tasks import OneTask
from schema.api.requests import Boolean
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import TaskNotDeletable, TaskStateConflict
from schema.registry import MODELS, TASKS, Document, OneOf, PageBounds, View, every, owner_of, some

FORGOTTEN_BY_RESET = frozenset(
    (
        "started",
        "completed",
        "published",
        "active_duration",
        "last_worker",
        "last_worker_report",
        "last_iteration",
        "refused_events",
    )
)
OUTPUT = "output"  # mode of the artifacts that a task made
EMPTIED_BY_CLEAR: Document = {"script": {}, "hyperparams": {}, "configuration": {}, "container": {}}
RESET = "reset"  # the status reason of a task that is a draft again

endpoints = Endpoints(Tier.GATEWAY)


class Removal(Reasons):
    """The extent of a removal.

    ``clear_all``: also script and parameters. ``delete_output_models``: also the models that the task made.
    ``return_file_urls``: return the URLs of the files of what is removed; the files stay.
    """

    clear_all: Boolean = False
    delete_output_models: Boolean = True
    return_file_urls: Boolean = False


class RemoveFromTask(OneTask, Removal, WithSteps):
    """A task to reset or to delete."""


class RemoveFromTasks(SomeDocuments, Removal, WithSteps):
    """Tasks to reset or to delete."""


@dataclass(frozen=True)
class Made:
    """The models that a task made. ``drafts``: those that nobody uses; ``used``: drafts that other tasks use."""

    published: list[Document]
    drafts: list[Document]
    used: list[Document]


@endpoints.add("tasks.reset")
async def reset(gateway: Gateway, caller: Caller, request: RemoveFromTask) -> Answer:
    """Move a task back to ``created``, without events, statistics and what it made. Raises TaskStateConflict."""
    return await _reset(gateway, caller, request.task, request)


@endpoints.add("tasks.reset_many")
async def reset_many(gateway: Gateway, caller: Caller, request: RemoveFromTasks) -> Answer:
    """Reset those that can be; return what was done and what was not."""
    return await each(request.ids, lambda task_id: _reset(gateway, caller, task_id, request))


@endpoints.add("tasks.delete")
async def delete_task(gateway: Gateway, caller: Caller, request: RemoveFromTask) -> Answer:
    """Delete a task, its events and its unpublished models; of a pipeline also its steps, if asked for.

    Raises TaskNotDeletable if it ran, or something of it is published.
    """
    return await delete_with_steps(gateway, caller, request.task, request, request.include_pipeline_steps)


@endpoints.add("tasks.delete_many")
async def delete_tasks(gateway: Gateway, caller: Caller, request: RemoveFromTasks) -> Answer:
    """Delete those that can be; return what was done and what was not."""
    with_steps = request.include_pipeline_steps
    return await each(request.ids, lambda task_id: delete_with_steps(gateway, caller, task_id, request, with_steps))


async def delete_with_steps(
    gateway: Gateway, caller: Caller, task_id: str, removal: Removal, with_steps: bool
) -> dict[str, Any]:
    task = await own_document(gateway, caller, TASKS, task_id)
    _check_deletable(task, removal.force)
    for step in await steps_of(gateway, caller, task) if with_steps else ():
        await remove_task(gateway, caller, step, removal.model_copy(update={"force": True}))
    return await remove_task(gateway, caller, task_id, removal)


async def remove_task(gateway: Gateway, caller: Caller, task_id: str, removal: Removal) -> dict[str, Any]:
    """Remove one task, as ``tasks.delete`` does.

    Returns counts of what was removed and changed, and ``urls``.
    """
    task = await own_document(gateway, caller, TASKS, task_id)
    _check_deletable(task, removal.force)
    made = await _made(gateway, caller, task)
    await _check_nothing_published(gateway, caller, task_id, made, removal.force)
    (deleted,) = await delete_events(gateway, caller, [task_id])
    removed, kept = await _remove_drafts(gateway, caller, made, removal)
    gone = {"parent": f"{DELETED}{task_id}"} | marks(caller)
    children = await gateway.registry.find_ids(TASKS, View(caller.company), OneOf("parent", (task_id,)))
    await gateway.registry.update_in_parts(TASKS, children, lambda child: child | gone)
    await _set_task(gateway, caller, kept, f"{DELETED}{task_id}")
    await _set_task(gateway, caller, made.used, None)
    await gateway.registry.delete(TASKS, task_id)
    counts = {"updated_children": len(children), "updated_models": len(kept), "deleted_models": len(removed)}
    return {"deleted": True, "events": {"deleted": deleted}} | counts | _told_urls(removal, task, made.drafts)


def file_urls(tasks: Iterable[Document], models: Iterable[Document]) -> dict[str, list[str]]:
    """Return the URLs of the files of tasks and models, without those of events, which only the store knows."""
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
    made = await _made(gateway, caller, task)
    await _check_nothing_published(gateway, caller, task_id, made, removal.force)
    (deleted,) = await delete_events(gateway, caller, [task_id])
    removed, kept = await _remove_drafts(gateway, caller, made, removal)
    await _set_task(gateway, caller, [*kept, *made.used], None)
    fields = status_fields(task, CREATED, _reasons_of_reset(removal))
    await change(gateway, caller, TASKS, task_id, lambda task: _fresh(task, removal.clear_all) | fields)
    shown = fields | {"last_iteration": 0, "last_metrics": {}}
    counts = {"deleted_indices": [], "deleted_models": len(removed), "events": {"deleted": deleted}}
    return {"updated": 1, "fields": shown} | counts | _told_urls(removal, task, made.drafts)


def _reasons_of_reset(given: Reasons) -> Reasons:
    return Reasons(
        force=given.force, status_reason=given.status_reason or RESET, status_message=given.status_message or RESET
    )


def _fresh(task: Document, clear_all: bool) -> Document:
    """Return the task without what it made while it ran."""
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


def _check_deletable(task: Document, force: bool) -> None:
    is_archived = "archived" in (task.get("system_tags") or ())
    if not force and task["status"] != CREATED and not is_archived:
        raise TaskNotDeletable(f"Task {task['id']} is {task['status']}: archive it, or use force")


async def _check_nothing_published(gateway: Gateway, caller: Caller, task_id: str, made: Made, force: bool) -> None:
    if force:
        return
    if made.published:
        raise TaskNotDeletable(f"Task {task_id} made {len(made.published)} published models, use force")
    condition = every(OneOf("parent", (task_id,)), OneOf("status", (PUBLISHED,)))
    if children := await gateway.registry.find_ids(TASKS, view_of(caller), condition):
        raise TaskNotDeletable(f"Task {task_id} has {len(children)} published children, use force")


async def _made(gateway: Gateway, caller: Caller, task: Document) -> Made:
    """Return the models that a task made and that the caller may change."""
    registry, fields = gateway.registry, frozenset(("company", "user", "project", "ready", "uri"))
    outputs = [item.get("model") for item in (task.get("models") or {}).get("output") or ()]
    named = OneOf("id", tuple(model for model in outputs if isinstance(model, str)))
    by_task = OneOf("task", (task["id"],))
    condition = some(by_task, named) if named.values else by_task
    own = await registry.find(MODELS, view_of(caller), condition, PageBounds(fields=fields))
    models = {model["id"]: model for model in own if may_write(caller, owner_of(MODELS, model))}
    drafts = {key: model for key, model in models.items() if not model.get("ready")}
    used = await _used_by_others(gateway, caller, task["id"], drafts) if drafts else set()
    return Made(
        [model for model in models.values() if model.get("ready")],
        [model for key, model in drafts.items() if key not in used],
        [model for key, model in drafts.items() if key in used],
    )


async def _used_by_others(gateway: Gateway, caller: Caller, task_id: str, models: Iterable[str]) -> set[Any]:
    registry = gateway.registry
    users = await registry.find_ids(TASKS, View(caller.company), OneOf("models.input.model", tuple(models)))
    tasks = await registry.get_many(TASKS, users.keys() - {task_id})
    return {item.get("model") for task in tasks for item in (task.get("models") or {}).get("input") or ()}


async def _remove_drafts(
    gateway: Gateway, caller: Caller, made: Made, removal: Removal
) -> tuple[list[Document], list[Document]]:
    """Remove the drafts that nobody uses, if that is asked for: the models that were removed, and those that stay."""
    if not removal.delete_output_models:
        return [], [*made.published, *made.drafts]
    removed = await remove_models(gateway, caller, [model["id"] for model in made.drafts]) if made.drafts else []
    return removed, made.published


async def _set_task(gateway: Gateway, caller: Caller, models: Iterable[Document], task: str | None) -> None:
    ids = [model["id"] for model in models]
    await gateway.registry.update_in_parts(MODELS, ids, lambda model: model | {"task": task} | marks(caller))
