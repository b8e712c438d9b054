"""Calls that change models and projects (specification appendix A)."""

from __future__ import annotations

import time
import uuid

from ingest.gateway import Gateway
from schema.blocks import ALL, Deletion
from schema.errors import InvalidModel
from schema.registry import MODELS, PROJECTS, Document, iso_now
from schema.requests import AnyFields, Boolean, Request
from schema.wire import Answer, Caller, Endpoints, Tier

endpoints = Endpoints(Tier.GATEWAY)


class CreateModel(AnyFields):
    """A new model's document."""

    name: str
    uri: str = ""
    ready: Boolean = True


class DeleteModel(Request):
    """A model to remove."""

    model: str
    force: Boolean = False


class CreateProject(AnyFields):
    """A new project's document."""

    name: str


@endpoints.add("models.create")
async def create(gateway: Gateway, caller: Caller, request: CreateModel) -> Answer:
    """``{"id", "created": true}``."""
    document = new_document(caller, request)
    await gateway.registry.create(MODELS, {"tags": [], "system_tags": [], "labels": {}} | document)
    return {"id": document["id"], "created": True}


@endpoints.add("models.delete")
async def delete(gateway: Gateway, caller: Caller, request: DeleteModel) -> Answer:
    """The model and its events are gone. Raises InvalidModel."""
    model = await gateway.registry.get(MODELS, request.model)
    if model is None or model["company"] != caller.company or (model.get("ready") and not request.force):
        raise InvalidModel(f"Invalid model id {request.model}")
    await gateway.log.delete(Deletion(caller.company, request.model, ALL, time.time_ns() // 1_000_000))
    await gateway.registry.delete(MODELS, request.model)
    return {"deleted": True, "url": model.get("uri")}


@endpoints.add("projects.create")
async def create_project(gateway: Gateway, caller: Caller, request: CreateProject) -> Answer:
    """``{"id"}``."""
    document = new_document(caller, request)
    await gateway.registry.create(PROJECTS, {"description": "", "tags": [], "system_tags": []} | document)
    return {"id": document["id"]}


def new_document(caller: Caller, request: AnyFields) -> Document:
    """A request's fields as a document of the caller's."""
    now = iso_now()
    return request.model_dump() | {
        "id": uuid.uuid4().hex,
        "company": caller.company,
        "user": caller.user,
        "created": now,
        "last_update": now,
        "last_change": now,
    }
