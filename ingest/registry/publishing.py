"""Endpoints that publish tasks and models, each of which may publish the other too."""

from __future__ import annotations

from typing import Any

from ingest.gateway import Gateway
from ingest.permission import may_write
from ingest.registry.documents import SomeDocuments, change, each, own_document
from ingest.registry.models import OneModel
from ingest.registry.status import COMPLETED, PUBLISHED, check_transition
from ingest.registry.task_status import Reasons, set_status
from ingest.registry.tasks import OneTask
from schema.api.requests import Boolean
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import ModelIsReady
from schema.registry import MODELS, TASKS, Document, owner_of

endpoints = Endpoints(Tier.GATEWAY)


class Complete(OneTask, Reasons):
    """A task to end. ``publish``: and to publish."""

    publish: Boolean = False


class PublishTask(OneTask, Reasons):
    """A task to publish. ``publish_model``: with the model that it made last."""

    publish_model: Boolean = True


class PublishTasks(SomeDocuments, Reasons):
    """Tasks to publish."""

    publish_model: Boolean = True


class PublishModel(OneModel):
    """A model to publish.

    ``publish_task``: with the task that made it, whatever that task's status.
    """

    publish_task: Boolean = True
    force_publish_task: Boolean = False


class PublishModels(SomeDocuments):
    """Models to publish; ``publish_task``, or ``publish_tasks``: and the tasks that made them."""

    publish_task: Boolean = True
    publish_tasks: Boolean = True
    force_publish_task: Boolean = False


@endpoints.add("tasks.completed")
async def completed(gateway: Gateway, caller: Caller, request: Complete) -> Answer:
    """Move a task to ``completed``, and on to ``published`` if asked for. Raises TaskStateConflict."""
    answer = await set_status(gateway, caller, request.task, COMPLETED, request)
    if not request.publish:
        return answer | {"published": 0}
    return await _publish_task(gateway, caller, request.task, request, with_model=True) | {"published": 1}


@endpoints.add("tasks.publish")
async def publish_task(gateway: Gateway, caller: Caller, request: PublishTask) -> Answer:
    """Move a task to ``published``: its events are locked from now on. Raises TaskStateConflict."""
    return await _publish_task(gateway, caller, request.task, request, request.publish_model)


@endpoints.add("tasks.publish_many")
async def publish_tasks(gateway: Gateway, caller: Caller, request: PublishTasks) -> Answer:
    """Publish those that can be; return what was done and what was not."""
    return await each(
        request.ids, lambda task_id: _publish_task(gateway, caller, task_id, request, request.publish_model)
    )


@endpoints.add("models.set_ready")
async def set_ready(gateway: Gateway, caller: Caller, request: PublishModel) -> Answer:
    """Publish a model: its events are locked from now on.

    Raises InvalidModel, ModelIsReady, and TaskStateConflict for its task.
    """
    return await _publish_model(gateway, caller, request.model, request.publish_task, request.force_publish_task)


@endpoints.add("models.publish")
async def publish_model(gateway: Gateway, caller: Caller, request: PublishModel) -> Answer:
    """Publish a model, like ``set_ready``."""
    return await set_ready(gateway, caller, request)


@endpoints.add("models.publish_many")
async def publish_models(gateway: Gateway, caller: Caller, request: PublishModels) -> Answer:
    """Publish those that can be; return what was done and what was not."""
    with_task, force = request.publish_task and request.publish_tasks, request.force_publish_task
    return await each(request.ids, lambda model_id: _publish_model(gateway, caller, model_id, with_task, force))


async def _publish_task(
    gateway: Gateway, caller: Caller, task_id: str, reasons: Reasons, with_model: bool
) -> dict[str, Any]:
    task = await own_document(gateway, caller, TASKS, task_id)
    check_transition(task, PUBLISHED, reasons.force)
    outputs = (task.get("models") or {}).get("output") or []
    if with_model and outputs:
        await _publish_if_there(gateway, caller, outputs[-1]["model"])
    return await set_status(gateway, caller, task_id, PUBLISHED, reasons) | {"committed_versions_results": []}


async def _publish_if_there(gateway: Gateway, caller: Caller, model_id: str) -> None:
    model = await gateway.registry.get(MODELS, model_id)
    if model and may_write(caller, owner_of(MODELS, model)) and not model.get("ready"):
        await change(gateway, caller, MODELS, model_id, lambda model: model | {"ready": True})


async def _publish_model(
    gateway: Gateway, caller: Caller, model_id: str, with_task: bool, force: bool
) -> dict[str, Any]:
    """Publish the task that made the model first: if that fails nothing is published."""
    model = await own_document(gateway, caller, MODELS, model_id)
    _check_not_ready(model)
    published = await _publish_task_of(gateway, caller, model, force) if with_task else None

    def publish(model: Document) -> Document:
        _check_not_ready(model)
        return model | {"ready": True}

    await change(gateway, caller, MODELS, model_id, publish)
    return {"updated": 1, "published_task": published}


async def _publish_task_of(gateway: Gateway, caller: Caller, model: Document, force: bool) -> dict[str, Any] | None:
    """Publish the caller's task that made a model, unless it is: ``{"id", "data"}``. Raises TaskStateConflict."""
    task = await gateway.registry.get(TASKS, model["task"]) if model.get("task") else None
    if task is None or not may_write(caller, owner_of(TASKS, task)) or task["status"] == PUBLISHED:
        return None
    data = await _publish_task(gateway, caller, task["id"], Reasons(force=force), with_model=False)
    return {"id": task["id"], "data": data}


def _check_not_ready(model: Document) -> None:
    if model.get("ready"):
        raise ModelIsReady(f"Model {model['id']} is published already")
