"""Endpoints that change parts of tasks: hyper parameters, configurations, requirements, artifacts and models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from ingest.gateway import Gateway
from ingest.registry.documents import change, updated
from ingest.registry.models import raise_iteration
from ingest.registry.status import check_editable
from ingest.registry.tasks import OneTask
from schema.api.requests import AnyFields, Boolean, Integer, Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.registry import TASKS, Document, iso_now

PROPERTIES = "properties"  # a section that may change in any status
OUTPUT = "output"

endpoints = Endpoints(Tier.GATEWAY)


def _section(name: Any) -> Any:
    """Return the name of a section; that of the properties in whatever case."""
    return PROPERTIES if isinstance(name, str) and name.lower() == PROPERTIES else name


Section = Annotated[str, BeforeValidator(_section)]


class Parameter(AnyFields):
    """One hyper parameter; without ``name`` its section alone, which becomes empty if it is replaced."""

    section: Section
    name: str | None = None


class ParameterKey(Request):
    """One hyper parameter, or without ``name`` all of a section."""

    section: Section
    name: str | None = None


class Item(AnyFields):
    """One configuration."""

    name: str


class Artifact(AnyFields):
    """One artifact."""

    key: str
    type: str
    mode: str = OUTPUT


class ArtifactKey(Request):
    """One artifact's key."""

    key: str
    mode: str = OUTPUT


class ModelKey(Request):
    """One model of a task."""

    name: str
    type: Literal["input", "output"]


class EditPart(OneTask):
    """A change of a part of a task that has not started, or, with ``force``, has not ended."""

    force: Boolean = False


class EditHyperParams(EditPart):
    """Hyper parameters to set. ``replace_hyperparams``: which of the old ones are removed."""

    hyperparams: list[Parameter]
    replace_hyperparams: Literal["none", "section", "all"] = "none"


class DeleteHyperParams(EditPart):
    """Hyper parameters to remove."""

    hyperparams: list[ParameterKey]


class EditConfiguration(EditPart):
    """Configurations to set. ``replace_configuration``: all others are removed."""

    configuration: list[Item]
    replace_configuration: Boolean = False


class DeleteConfiguration(EditPart):
    """Names of configurations to remove."""

    configuration: list[str]


class SetRequirements(OneTask):
    """The requirements of the task's script."""

    requirements: dict[str, Any]


class AddArtifacts(EditPart):
    """Artifacts to add; those of the same key and mode are replaced."""

    artifacts: list[Artifact]


class DeleteArtifacts(EditPart):
    """Artifacts to remove."""

    artifacts: list[ArtifactKey]


class AddModel(OneTask):
    """A model that a task uses or made; one of the same name is replaced. ``iteration``: how far the task has come."""

    name: str
    model: str
    type: Literal["input", "output"]
    iteration: Integer | None = None


class DeleteModels(OneTask):
    """Models to take off a task; they stay in the registry."""

    models: list[ModelKey]


@endpoints.add("tasks.edit_hyper_params")
async def edit_hyper_params(gateway: Gateway, caller: Caller, request: EditHyperParams) -> Answer:
    """Set hyper parameters: ``{"updated"}``. Raises TaskStateConflict, unless only properties change."""
    new: dict[str, Document] = {}
    for parameter in request.hyperparams:
        section = new.setdefault(parameter.section, {})
        if parameter.name is not None:
            section[parameter.name] = parameter.model_dump()

    def edit(task: Document) -> Document:
        _check_parameters(task, list(new), request.force)
        old = {} if request.replace_hyperparams == "all" else task.get("hyperparams") or {}
        kept = {} if request.replace_hyperparams == "section" else old
        sections = old | {name: kept.get(name, {}) | of_name for name, of_name in new.items()}
        return task | {"hyperparams": _without_empty(sections)}

    await change(gateway, caller, TASKS, request.task, edit)
    return {"updated": 1}


@endpoints.add("tasks.delete_hyper_params")
async def delete_hyper_params(gateway: Gateway, caller: Caller, request: DeleteHyperParams) -> Answer:
    """Remove hyper parameters: ``{"deleted"}``. Raises TaskStateConflict, unless only properties change."""

    def edit(task: Document) -> Document:
        _check_parameters(task, [key.section for key in request.hyperparams], request.force)
        sections = {name: dict(parameters) for name, parameters in (task.get("hyperparams") or {}).items()}
        for key in request.hyperparams:
            if key.name is None:
                sections.pop(key.section, None)
            else:
                sections.get(key.section, {}).pop(key.name, None)
        return task | {"hyperparams": _without_empty(sections)}

    await change(gateway, caller, TASKS, request.task, edit)
    return {"deleted": 1}


@endpoints.add("tasks.edit_configuration")
async def edit_configuration(gateway: Gateway, caller: Caller, request: EditConfiguration) -> Answer:
    """Set configurations: ``{"updated"}``. Raises TaskStateConflict."""
    new = {item.name: item.model_dump() for item in request.configuration}

    def edit(task: Document) -> Document:
        check_editable(task, request.force)
        return task | {
            "configuration": ({} if request.replace_configuration else task.get("configuration") or {}) | new
        }

    await change(gateway, caller, TASKS, request.task, edit)
    return {"updated": 1}


@endpoints.add("tasks.delete_configuration")
async def delete_configuration(gateway: Gateway, caller: Caller, request: DeleteConfiguration) -> Answer:
    """Remove configurations: ``{"deleted"}``. Raises TaskStateConflict."""

    def edit(task: Document) -> Document:
        check_editable(task, request.force)
        kept = {n: item for n, item in (task.get("configuration") or {}).items() if n not in request.configuration}
        return task | {"configuration": kept}

    await change(gateway, caller, TASKS, request.task, edit)
    return {"deleted": 1}


@endpoints.add("tasks.set_requirements")
async def set_requirements(gateway: Gateway, caller: Caller, request: SetRequirements) -> Answer:
    """Set the requirements of the script, in any status."""
    script = {"requirements": request.requirements}
    await change(gateway, caller, TASKS, request.task, lambda t: t | {"script": (t.get("script") or {}) | script})
    return updated({"script.requirements": request.requirements})


@endpoints.add("tasks.add_or_update_artifacts")
async def add_or_update_artifacts(gateway: Gateway, caller: Caller, request: AddArtifacts) -> Answer:
    """Add or replace artifacts: ``{"updated"}``.

    Raises TaskStateConflict once the task has ended.
    """
    new = [artifact.model_dump() for artifact in request.artifacts]
    keys = {(artifact.key, artifact.mode) for artifact in request.artifacts}

    def edit(task: Document) -> Document:
        check_editable(task, True)
        return _with_artifacts(task, [*_artifacts_without(task, keys), *new])

    await change(gateway, caller, TASKS, request.task, edit)
    return {"updated": 1}


@endpoints.add("tasks.delete_artifacts")
async def delete_artifacts(gateway: Gateway, caller: Caller, request: DeleteArtifacts) -> Answer:
    """Remove artifacts: ``{"deleted"}``. Raises TaskStateConflict once the task has ended."""
    keys = {(artifact.key, artifact.mode) for artifact in request.artifacts}

    def edit(task: Document) -> Document:
        check_editable(task, True)
        return _with_artifacts(task, _artifacts_without(task, keys))

    await change(gateway, caller, TASKS, request.task, edit)
    return {"deleted": 1}


@endpoints.add("tasks.add_or_update_model")
async def add_or_update_model(gateway: Gateway, caller: Caller, request: AddModel) -> Answer:
    """Add or replace a model of a task, which need not exist: ``{"updated"}``.

    Raises TaskStateConflict once the task has ended.
    """

    def edit(task: Document) -> Document:
        check_editable(task, True)
        return with_model(task, request.type, request.name, request.model)

    await change(gateway, caller, TASKS, request.task, edit)
    await raise_iteration(gateway, caller, request.task, request.iteration)
    return {"updated": 1}


@endpoints.add("tasks.delete_models")
async def delete_models(gateway: Gateway, caller: Caller, request: DeleteModels) -> Answer:
    """Take models off a task: ``{"updated"}``. Raises TaskStateConflict once the task has ended."""
    keys = {(model.type, model.name) for model in request.models}

    def edit(task: Document) -> Document:
        check_editable(task, True)
        models = task.get("models") or {}
        return task | {
            "models": {kind: [i for i in models[kind] or () if (kind, i.get("name")) not in keys] for kind in models}
        }

    await change(gateway, caller, TASKS, request.task, edit)
    return {"updated": 1}


def with_model(task: Document, kind: str, name: str, model_id: str) -> Document:
    """Return the task with a model among its inputs or outputs; one of the same name keeps its place."""
    models = task.get("models") or {}
    item = {"name": name, "model": model_id, "updated": iso_now()}
    items = [item if other.get("name") == name else other for other in models.get(kind) or ()]
    return task | {"models": models | {kind: items if item in items else [*items, item]}}


def _without_empty(sections: Document) -> Document:
    return {name: parameters for name, parameters in sections.items() if parameters}


def _check_parameters(task: Document, sections: Sequence[str], force: bool) -> None:
    if set(sections) != {PROPERTIES}:
        check_editable(task, force)


def _artifacts_without(task: Document, keys: set[tuple[str, str]]) -> list[Any]:
    found = (task.get("execution") or {}).get("artifacts") or ()
    return [artifact for artifact in found if (artifact.get("key"), artifact.get("mode", OUTPUT)) not in keys]


def _with_artifacts(task: Document, artifacts: list[Any]) -> Document:
    return task | {"execution": (task.get("execution") or {}) | {"artifacts": artifacts}}
