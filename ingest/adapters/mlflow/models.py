"""Logged models of MLflow 3, which are models of the registry. Their files are artifacts."""

from __future__ import annotations

import json
from typing import Any, Literal

from ingest.adapters.mlflow.experiments import OneExperiment, Tag, project_id
from ingest.adapters.mlflow.runs import OneRun, change_run
from ingest.gateway import Gateway
from ingest.registry.documents import change, create_document, new_document
from ingest.registry.models import NEW_MODEL
from schema.adapters.mlflow_documents import MODEL, TAGS, artifact_location, model_of, with_tags
from schema.adapters.requests import TextRequest
from schema.api.visibility import may_see
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidField, InvalidModel
from schema.registry import MODELS, PROJECTS, Document, owner_of

HISTORY = "mlflow.log-model.history"  # the tag in which MLflow 1 and 2 list the models of a run
PENDING = "LOGGED_MODEL_PENDING"

endpoints = Endpoints(Tier.GATEWAY)


class CreateModel(OneExperiment):
    """A new model of an experiment, made by a run if it is named."""

    name: str = ""
    model_type: str = ""
    source_run_id: str = ""
    params: list[Tag] = []
    tags: list[Tag] = []


class OneLoggedModel(TextRequest):
    """One model."""

    model_id: str


class FinalizeModel(OneLoggedModel):
    """The end of a model's upload."""

    status: Literal["LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"]


class TagModel(OneLoggedModel):
    """Tags of a model."""

    tags: list[Tag] = []


class LogModelParams(OneLoggedModel):
    """Parameters of a model."""

    params: list[Tag] = []


class LogModel(OneRun):
    """A model of a run as MLflow 1 and 2 describe it, in JSON."""

    model_json: str


@endpoints.add("mlflow.logged_models_create")
async def create(gateway: Gateway, caller: Caller, request: CreateModel) -> Answer:
    """Create a model whose files are still to come: ``{"model"}``. Raises InvalidProject and InvalidTask."""
    project = await project_id(gateway, caller, request)
    own = {"type": request.model_type, "status": PENDING, "params": _values(request.params)}
    fields: Document = {"project": project, "framework": "MLflow", "ready": False, MODEL: own}
    fields |= {"task": request.source_run_id} if request.source_run_id else {}
    model = new_document(caller, NEW_MODEL | fields)
    model["name"] = request.name or f"model-{model['id'][-8:]}"
    found = await gateway.registry.get(PROJECTS, project) or {"id": project}
    model["uri"] = f"{artifact_location(found)}/models/{model['id']}/artifacts"
    await create_document(gateway, caller, MODELS, tagged := with_tags(model, _values(request.tags)))
    return {"model": model_of(tagged)}


@endpoints.add("mlflow.logged_models_get")
async def get(gateway: Gateway, caller: Caller, request: OneLoggedModel) -> Answer:
    """Return a model: ``{"model"}``. Raises InvalidModel."""
    found = await gateway.registry.get(MODELS, request.model_id)
    if found is None or not may_see(caller, owner_of(MODELS, found)):
        raise InvalidModel(f"Logged model with ID '{request.model_id}' not found")
    return {"model": model_of(found)}


@endpoints.add("mlflow.logged_models_finalize")
async def finalize(gateway: Gateway, caller: Caller, request: FinalizeModel) -> Answer:
    """Set the state of a model: ``{"model"}``. Raises InvalidModel."""
    return await _change(gateway, caller, request, {"status": request.status})


@endpoints.add("mlflow.logged_models_set_tags")
async def set_tags(gateway: Gateway, caller: Caller, request: TagModel) -> Answer:
    """Set tags of a model: ``{"model"}``. Raises InvalidModel."""
    tags = _values(request.tags)
    changed = await change(gateway, caller, MODELS, request.model_id, lambda model: with_tags(model, tags))
    return {"model": model_of(changed)}


@endpoints.add("mlflow.logged_models_log_params")
async def log_params(gateway: Gateway, caller: Caller, request: LogModelParams) -> Answer:
    """Add parameters of a model. Raises InvalidModel."""
    params = _values(request.params)

    def edit(model: Document) -> Document:
        own: Document = model.get(MODEL) or {}
        return model | {MODEL: own | {"params": (own.get("params") or {}) | params}}

    await change(gateway, caller, MODELS, request.model_id, edit)
    return {}


@endpoints.add("mlflow.runs_log_model")
async def log_model(gateway: Gateway, caller: Caller, request: LogModel) -> Answer:
    """Add a model to the list that a tag of its run has. Raises InvalidTask, and InvalidField for what is no JSON."""
    try:
        described = json.loads(request.model_json)
    except (ValueError, RecursionError) as error:
        raise InvalidField(f"model_json: {error}") from error

    def edit(task: Document) -> Document:
        history = json.loads((task.get(TAGS) or {}).get(HISTORY) or "[]")
        return with_tags(task, {HISTORY: json.dumps([*history, described])})

    await change_run(gateway, caller, request.run, edit)
    return {}


async def _change(gateway: Gateway, caller: Caller, request: OneLoggedModel, fields: dict[str, Any]) -> Answer:
    def edit(model: Document) -> Document:
        return model | {MODEL: (model.get(MODEL) or {}) | fields}

    return {"model": model_of(await change(gateway, caller, MODELS, request.model_id, edit))}


def _values(pairs: list[Tag]) -> dict[str, str]:
    return {pair.key: pair.value for pair in pairs}
