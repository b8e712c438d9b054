"""Endpoints that make, change and remove models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ingest.gateway import Gateway
from ingest.registry.documents import change, check_visible, create_document, given, new_document, own_document, updated
from ingest.registry.foreign import DELETED
from ingest.registry.old_forms import present_form
from ingest.registry.references import input_models
from ingest.registry.status import CREATED, IN_PROGRESS
from schema.api.requests import AnyFields, Boolean, Integer, Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import MissingField, TaskStateConflict
from schema.registry import MODELS, PROJECTS, TASKS, Document, iso_now

NEW_MODEL: Document = {"comment": "", "tags": [], "system_tags": [], "labels": {}, "design": {}, "metadata": {}}

endpoints = Endpoints(Tier.GATEWAY)


class Metadata(AnyFields):
    """One entry of a model's metadata."""

    key: str


class ModelFields(AnyFields):
    """A model's document, or a part of it. Other fields are kept as they are."""

    name: str | None = None
    uri: str | None = None
    project: str | None = None
    task: str | None = None
    parent: str | None = None
    framework: str | None = None
    comment: str | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    labels: dict[str, Any] | None = None
    design: dict[str, Any] | None = None
    metadata: list[Metadata] | dict[str, Any] | None = None
    ready: Boolean | None = None
    iteration: Integer | None = None

    def document(self, caller: Caller) -> Document:
        """Return the fields as a document has them: metadata by key.

        Raises BadValue for tags that look like operators.
        """
        fields = given(self.model_dump(exclude_unset=True), "model", "public", "iteration")
        if isinstance(self.metadata, list):
            fields["metadata"] = _by_key(self.metadata)
        if str(fields.get("task") or "").startswith(DELETED):
            del fields["task"]
        return present_form(caller, MODELS, fields)


class CreateModel(ModelFields):
    """A new model's document; ``public``: for all companies."""

    name: str
    uri: str = ""
    ready: Boolean = True
    public: Boolean = False


class EditModel(ModelFields):
    """New values for some fields of a model."""

    model: str


class OneModel(Request):
    """One model."""

    model: str


class UpdateForTask(ModelFields):
    """The model that a task made: a new one, the fields of the last one, or another one."""

    task: str
    override_model_id: str | None = None


class AddMetadata(OneModel):
    """Metadata to set; ``replace_metadata``: all other goes."""

    metadata: list[Metadata]
    replace_metadata: Boolean = False


class DeleteMetadata(OneModel):
    """Metadata to remove."""

    keys: list[str]


@endpoints.add("models.create")
async def create(gateway: Gateway, caller: Caller, request: CreateModel) -> Answer:
    """Create a model: ``{"id", "created": true}``. Raises InvalidProject and InvalidTask."""
    fields = {"uri": request.uri, "ready": request.ready} | request.document(caller)
    await _check_references(gateway, caller, fields)
    document = new_document(caller, NEW_MODEL | fields)
    if request.public:
        document |= {"company": "", "company_origin": caller.company}
    await create_document(gateway, caller, MODELS, document)
    gateway.last_update_recorder.touch(PROJECTS, [request.project] if request.project else [], caller.user)
    return {"id": document["id"], "created": True}


@endpoints.add("models.edit")
async def edit(gateway: Gateway, caller: Caller, request: EditModel) -> Answer:
    """Change fields of a model. Raises InvalidModel, and what ``create`` raises."""
    fields = request.document(caller)
    await _check_references(gateway, caller, fields)
    model = await change(gateway, caller, MODELS, request.model, lambda model: model | fields)
    if model.get("task"):
        await raise_iteration(gateway, caller, model["task"], request.iteration)
    return updated(fields)


@endpoints.add("models.update")
async def update(gateway: Gateway, caller: Caller, request: EditModel) -> Answer:
    """Change fields of a model, like ``edit``."""
    return await edit(gateway, caller, request)


@endpoints.add("models.update_for_task")
async def update_for_task(gateway: Gateway, caller: Caller, request: UpdateForTask) -> Answer:
    """Create or change the model that a task made: ``{"id", "created", …}``.

    Raises MissingField, InvalidTask, InvalidModel, and TaskStateConflict if the task has ended.
    """
    if bool(request.uri) == bool(request.override_model_id):
        raise MissingField("Either uri or override_model_id is required")
    task = await own_document(gateway, caller, TASKS, request.task)
    if task["status"] not in (CREATED, IN_PROGRESS):
        raise TaskStateConflict(f"Task {request.task} is {task['status']}")
    outputs = (task.get("models") or {}).get("output") or []
    if request.override_model_id:
        await check_visible(gateway, caller, MODELS, [request.override_model_id])
        answer: dict[str, Any] = {"id": request.override_model_id, "created": False, "updated": 1}
    elif outputs:
        fields = given(request.document(caller), "task", "override_model_id")
        await change(gateway, caller, MODELS, outputs[-1]["model"], lambda model: model | fields)
        await raise_iteration(gateway, caller, request.task, request.iteration)
        return updated(fields) | {"id": outputs[-1]["model"], "created": False}
    else:
        answer = {"id": await _create_for(gateway, caller, task, request), "created": True}
    await change(gateway, caller, TASKS, request.task, lambda task: _with_output(task, answer["id"]))
    await raise_iteration(gateway, caller, request.task, request.iteration)
    return answer


@endpoints.add("models.add_or_update_metadata")
async def add_or_update_metadata(gateway: Gateway, caller: Caller, request: AddMetadata) -> Answer:
    """Set metadata: ``{"updated"}``. Raises InvalidModel."""
    new = _by_key(request.metadata)

    def edit(model: Document) -> Document:
        return model | {"metadata": ({} if request.replace_metadata else model.get("metadata") or {}) | new}

    await change(gateway, caller, MODELS, request.model, edit)
    return {"updated": 1}


@endpoints.add("models.delete_metadata")
async def delete_metadata(gateway: Gateway, caller: Caller, request: DeleteMetadata) -> Answer:
    """Remove metadata: ``{"updated"}``. Raises InvalidModel."""

    def edit(model: Document) -> Document:
        kept = {key: item for key, item in (model.get("metadata") or {}).items() if key not in request.keys}
        return model | {"metadata": kept}

    await change(gateway, caller, MODELS, request.model, edit)
    return {"updated": 1}


async def raise_iteration(gateway: Gateway, caller: Caller, task_id: str, iteration: int | None) -> None:
    """Note that a task of the caller's has come to an iteration, where its events do not tell; never lower than it was.

    Answers show the greater of this and what events tell.
    """
    if iteration is None:
        return

    def raised(task: Document) -> Document:
        return task | {"last_iteration": max(iteration, task.get("last_iteration") or 0)}

    await change(gateway, caller, TASKS, task_id, raised)


async def _create_for(gateway: Gateway, caller: Caller, task: Document, request: UpdateForTask) -> str:
    """Create a model with what its task says of it; return its id."""
    execution = task.get("execution") or {}
    inputs = await gateway.registry.get_many(MODELS, input_models(task)[:1])  # which need not exist
    fields = {
        "name": task["name"],
        "comment": f"Created by task `{task['name']}` ({task['id']})",
        "project": task.get("project"),
        "parent": inputs[0]["id"] if inputs else None,
        "framework": execution.get("framework"),
        "design": execution.get("model_desc") or {},
        "labels": execution.get("model_labels") or {},
        "ready": False,
    }
    document = new_document(caller, NEW_MODEL | fields | given(request.document(caller), "override_model_id"))
    await create_document(gateway, caller, MODELS, document)
    return str(document["id"])


def _with_output(task: Document, model_id: str) -> Document:
    models = task.get("models") or {}
    item = {"name": "Output Model", "model": model_id, "updated": iso_now()}
    others = [other for other in models.get("output") or () if other.get("name") != item["name"]]
    return task | {"models": models | {"output": [*others, item]}}


async def _check_references(gateway: Gateway, caller: Caller, fields: Document) -> None:
    for name, kind in (("project", PROJECTS), ("task", TASKS), ("parent", MODELS)):
        if fields.get(name):
            await check_visible(gateway, caller, kind, [fields[name]])


def _by_key(entries: Iterable[Metadata]) -> Document:
    return {entry.key: entry.model_dump() for entry in entries}
