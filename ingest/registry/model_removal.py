"""Endpoints that remove models. Their events go first, in order with the writes around them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from ingest.gateway import Gateway
from ingest.registry.documents import SomeDocuments, each, marks, own_document
from ingest.registry.foreign import DELETED
from ingest.registry.models import OneModel
from ingest.registry.status import PUBLISHED
from schema.api.requests import Boolean
from schema.api.visibility import may_see, view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import ModelInUse, ModelOfPublishedTask
from schema.events.blocks import ALL, Deletion
from schema.registry import MODELS, TASKS, Document, OneOf, View, iso_now, owner_of

endpoints = Endpoints(Tier.GATEWAY)


class DeleteModel(OneModel):
    """A model to remove; ``force``: even if it is in use."""

    force: Boolean = False


class DeleteModels(SomeDocuments):
    """Models to remove."""

    force: Boolean = False


@endpoints.add("models.delete")
async def delete_model(gateway: Gateway, caller: Caller, request: DeleteModel) -> Answer:
    """Delete a model and its events. Raises InvalidModel, ModelInUse and ModelOfPublishedTask.

    Tasks that use it refer to it as deleted, and so does the task that made it if it is published; others drop it.
    """
    return await _delete_model(gateway, caller, request.model, request.force)


@endpoints.add("models.delete_many")
async def delete_models(gateway: Gateway, caller: Caller, request: DeleteModels) -> Answer:
    """Delete those that can be; return what was done and what was not."""
    return await each(request.ids, lambda model_id: _delete_model(gateway, caller, model_id, request.force))


async def remove_models(gateway: Gateway, caller: Caller, ids: Iterable[str]) -> list[Document]:
    """Remove models of the caller's and their events; return the models as they were."""
    wanted = list(ids)
    models = await gateway.registry.get_many(MODELS, wanted)
    await delete_events(gateway, caller, wanted)
    await gateway.registry.delete(MODELS, *wanted)
    return models


async def delete_events(gateway: Gateway, caller: Caller, ids: Iterable[str]) -> list[int]:
    """Delete the events of entities; return how many each had."""
    now, wanted = time.time_ns() // 1_000_000, list(ids)
    deletions = [Deletion(caller.company, entity, ALL, now) for entity in wanted]
    counts = await asyncio.gather(*(gateway.log.delete(deletion, caller.is_abandoned) for deletion in deletions))
    await gateway.quotas.metrics.forget(wanted)
    return counts


async def _delete_model(gateway: Gateway, caller: Caller, model_id: str, force: bool) -> dict[str, Any]:
    model = await own_document(gateway, caller, MODELS, model_id)
    is_input = OneOf("models.input.model", (model_id,))
    users = await gateway.registry.find_ids(TASKS, view_of(caller), is_input)
    if users and not force:
        raise ModelInUse(f"Model {model_id} is the input of {len(users)} tasks")
    maker = await gateway.registry.get(TASKS, model["task"]) if model.get("task") else None
    if maker and maker["status"] == PUBLISHED and not force and may_see(caller, owner_of(TASKS, maker)):
        raise ModelOfPublishedTask(f"Model {model_id} was made by published task {maker['id']}")
    await remove_models(gateway, caller, [model_id])
    users = await gateway.registry.find_ids(TASKS, View(caller.company), is_input)  # whoever sees them
    own_users = [key for key, company in users.items() if company == caller.company]
    await gateway.registry.update_in_parts(TASKS, own_users, lambda task: _marked(task, "input", model_id))
    if maker and maker["company"] == caller.company:
        await gateway.registry.update(TASKS, maker["id"], lambda task: _without_output(caller, task, model_id))
    return {"deleted": True, "url": model.get("uri")}


def _without_output(caller: Caller, task: Document, model_id: str) -> Document:
    """Return the task that made a model when that is gone."""
    if task["status"] == PUBLISHED:
        output = (task.get("output") or {}) | {"error": f"model deleted on {iso_now()}"}
        return _marked(task, "output", model_id) | {"output": output} | marks(caller)
    models = task.get("models") or {}
    kept = [item for item in models.get("output") or () if item.get("model") != model_id]
    return task | {"models": models | {"output": kept}} | marks(caller)


def _marked(task: Document, kind: str, model_id: str) -> Document:
    """Return the task with a model marked as deleted."""
    models = task.get("models") or {}
    gone = {"model": f"{DELETED}{model_id}"}
    items = [item | gone if item.get("model") == model_id else item for item in models.get(kind) or ()]
    return task | {"models": models | {kind: items}}
