"""Experiments of MLflow, which are projects."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.gateway import Gateway
from ingest.registry import projects
from ingest.registry.documents import change
from schema.adapters.mlflow_documents import ARCHIVED, ARTIFACTS, DEFAULT_ID, DEFAULT_NAME, with_tags
from schema.adapters.requests import TextRequest
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.registry import PROJECTS, Document

endpoints = Endpoints(Tier.GATEWAY)


class Tag(TextRequest):
    """A tag."""

    key: str
    value: str = ""


class CreateExperiment(TextRequest):
    """A new experiment. ``artifact_location``: where clients put artifacts; empty: here."""

    name: str
    artifact_location: str = ""
    tags: list[Tag] = []


class OneExperiment(TextRequest):
    """One experiment."""

    experiment_id: str


class RenameExperiment(OneExperiment):
    """Another name of an experiment."""

    new_name: str


class TagExperiment(OneExperiment, Tag):
    """A tag of an experiment."""


class UntagExperiment(OneExperiment):
    """A tag of an experiment to remove."""

    key: str


@endpoints.add("mlflow.experiments_create")
async def create(gateway: Gateway, caller: Caller, request: CreateExperiment) -> Answer:
    """Create an experiment: ``{"experiment_id"}``. Raises NotUnique and BadProjectName."""
    fields = {"name": request.name, ARTIFACTS: request.artifact_location}
    tagged = with_tags(fields, {tag.key: tag.value for tag in request.tags})
    made = await projects.create(gateway, caller, projects.CreateProject.read(tagged))
    return {"experiment_id": made["id"]}


@endpoints.add("mlflow.experiments_delete")
async def delete(gateway: Gateway, caller: Caller, request: OneExperiment) -> Answer:
    """Archive an experiment; its runs stay. Raises InvalidProject."""
    await change(gateway, caller, PROJECTS, await project_id(gateway, caller, request), archived)
    return {}


@endpoints.add("mlflow.experiments_restore")
async def restore(gateway: Gateway, caller: Caller, request: OneExperiment) -> Answer:
    """Take an experiment back out of the archive. Raises InvalidProject."""
    await change(gateway, caller, PROJECTS, await project_id(gateway, caller, request), unarchived)
    return {}


@endpoints.add("mlflow.experiments_update")
async def rename(gateway: Gateway, caller: Caller, request: RenameExperiment) -> Answer:
    """Rename an experiment. Raises InvalidProject, NotUnique, and ProjectPlaceFixed for a name in another project."""
    project = await project_id(gateway, caller, request)
    named = projects.EditProject.read({"project": project, "name": request.new_name})
    await projects.update(gateway, caller, named)
    return {}


@endpoints.add("mlflow.experiments_set_experiment_tag")
async def set_tag(gateway: Gateway, caller: Caller, request: TagExperiment) -> Answer:
    """Set a tag. Raises InvalidProject."""
    return await _tag(gateway, caller, request, {request.key: request.value})


@endpoints.add("mlflow.experiments_delete_experiment_tag")
async def delete_tag(gateway: Gateway, caller: Caller, request: UntagExperiment) -> Answer:
    """Remove a tag. Raises InvalidProject."""
    return await _tag(gateway, caller, request, {request.key: None})


async def project_id(gateway: Gateway, caller: Caller, request: OneExperiment) -> str:
    """Return the id of an experiment's project; the default one is made when it is first needed."""
    if request.experiment_id == DEFAULT_ID:
        return await projects.project_of_name(gateway, caller, DEFAULT_NAME)
    return request.experiment_id


async def _tag(gateway: Gateway, caller: Caller, request: OneExperiment, changes: Mapping[str, str | None]) -> Answer:
    project = await project_id(gateway, caller, request)
    await change(gateway, caller, PROJECTS, project, lambda document: with_tags(document, changes))
    return {}


def archived(document: Document) -> Document:
    """Return a document among the archived ones."""
    return document | {"system_tags": [*unarchived(document)["system_tags"], ARCHIVED]}


def unarchived(document: Document) -> Document:
    """Return a document among those that are in use."""
    return document | {"system_tags": [tag for tag in document.get("system_tags") or () if tag != ARCHIVED]}
