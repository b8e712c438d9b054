"""Endpoints that remove projects, with or without what is in them, or give them to all companies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from ingest.gateway import Gateway
from ingest.registry.documents import own_document, set_public
from ingest.registry.model_removal import remove_models
from ingest.registry.projects import projects_below
from ingest.registry.removal import Removal, file_urls, remove_task
from schema.api.requests import MAX_CHANGED, Boolean, Request
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import ProjectHasDatasets, ProjectHasModels, ProjectHasPipelines, ProjectHasTasks, RequestError
from schema.registry import EVERYTHING, MODELS, PROJECTS, TASKS, Condition, Kind, OneOf, every
from schema.registry.project_kinds import IS_DATASET, IS_PIPELINE, IS_RUN, NOT_ARCHIVED

endpoints = Endpoints(Tier.GATEWAY)


class DeleteProject(Request):
    """A project to remove. ``force``: even if it has contents. ``delete_contents``: with them."""

    project: str
    force: Boolean = False
    delete_contents: Boolean = False


class SomeProjects(Request):
    """Some projects."""

    max_items: ClassVar[int] = MAX_CHANGED

    ids: list[str]


@endpoints.add("projects.delete")
async def delete(gateway: Gateway, caller: Caller, request: DeleteProject) -> Answer:
    """Delete a project and those in it; what was in them belongs to none, or is deleted but for its files (``urls``).

    Raises InvalidProject, and ProjectHasPipelines, -Datasets, -Tasks or -Models for contents that are not archived.
    """
    project = await own_document(gateway, caller, PROJECTS, request.project)
    ids = [request.project, *await projects_below(gateway, caller, project["name"])]
    inside = OneOf("project", tuple(ids))
    if not request.force:
        await _check_empty(gateway, caller, ids)
    tasks, models = await _own(gateway, caller, TASKS, inside), await _own(gateway, caller, MODELS, inside)
    if request.delete_contents:
        answer = dict(await _remove_contents(gateway, caller, tasks, models))
    else:
        await _set_project(gateway, tasks, models, None)
        answer = {"deleted_tasks": 0, "deleted_models": 0, "disassociated_tasks": len(tasks)}
    await gateway.registry.delete(PROJECTS, *ids)
    return {"deleted": len(ids)} | answer


@endpoints.add("projects.make_public")
async def make_public(gateway: Gateway, caller: Caller, request: SomeProjects) -> Answer:
    """Make projects visible to all companies, and changeable by none. Raises InvalidProject."""
    return await set_public(gateway, caller, PROJECTS, request.ids, True)


@endpoints.add("projects.make_private")
async def make_private(gateway: Gateway, caller: Caller, request: SomeProjects) -> Answer:
    """Give projects back to the company that made them public. Raises InvalidProject."""
    return await set_public(gateway, caller, PROJECTS, request.ids, False)


async def _remove_contents(gateway: Gateway, caller: Caller, tasks: list[str], models: list[str]) -> Answer:
    removed = await remove_models(gateway, caller, models)
    urls = file_urls(await gateway.registry.get_many(TASKS, tasks), removed)
    for task_id in tasks:  # their models in other projects stay
        await remove_task(gateway, caller, task_id, Removal(force=True, delete_output_models=False))
    return {"deleted_tasks": len(tasks), "deleted_models": len(models), "disassociated_tasks": 0, "urls": urls}


async def _check_empty(gateway: Gateway, caller: Caller, ids: Sequence[str]) -> None:
    """Raise for what is not archived: in pipelines their runs count, in datasets their versions, else everything."""
    inside = OneOf("id", tuple(ids))
    pipelines = await gateway.registry.find_ids(PROJECTS, view_of(caller), every(inside, IS_PIPELINE))
    datasets = await gateway.registry.find_ids(PROJECTS, view_of(caller), every(inside, IS_DATASET))
    others = set(ids) - pipelines.keys() - datasets.keys()
    checks: list[tuple[Iterable[str], Kind, Condition, type[RequestError]]] = [
        (pipelines, TASKS, IS_RUN, ProjectHasPipelines),
        (datasets, TASKS, EVERYTHING, ProjectHasDatasets),
        (others, TASKS, EVERYTHING, ProjectHasTasks),
        (others, MODELS, EVERYTHING, ProjectHasModels),
    ]
    for projects, kind, condition, error in checks:
        in_these = OneOf("project", tuple(projects))
        if in_these.values and (found := await _find(gateway, caller, kind, every(in_these, condition))):
            raise error(f"There are {len(found)} {kind.name}s that are not archived, use force to delete the project")


async def _find(gateway: Gateway, caller: Caller, kind: Kind, condition: Condition) -> dict[str, str]:
    return await gateway.registry.find_ids(kind, view_of(caller), every(condition, NOT_ARCHIVED))


async def _own(gateway: Gateway, caller: Caller, kind: Kind, inside: Condition) -> list[str]:
    """Return the condition of documents, public or not, whose events are stored under the caller's company."""
    found = await gateway.registry.find_ids(kind, view_of(caller), inside)
    return [document_id for document_id, storage in found.items() if storage == caller.company]


async def _set_project(gateway: Gateway, tasks: list[str], models: list[str], project: str | None) -> None:
    for kind, ids in ((TASKS, tasks), (MODELS, models)):
        await gateway.registry.update_in_parts(kind, ids, lambda document: document | {"project": project})
