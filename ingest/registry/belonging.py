"""Endpoints that move tasks and models: archive, tags, projects and companies. The same for both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ingest.gateway import Gateway
from ingest.registry.documents import SomeDocuments, change, check_visible, each, own_document, set_public
from ingest.registry.old_forms import check_tags
from ingest.registry.pipeline_steps import WithSteps, steps_of
from ingest.registry.projects import project_of_name
from schema.api.requests import MAX_CHANGED
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.registry import MODELS, PROJECTS, TASKS, Document, Kind

ARCHIVED = "archived"

endpoints = Endpoints(Tier.GATEWAY)


class UpdateTags(SomeDocuments):
    """Tags to add to some documents and to remove from them."""

    add_tags: list[str] = []
    remove_tags: list[str] = []


class Move(SomeDocuments):
    """The project to move documents to, by id or else by name; neither: out of any."""

    project: str | None = None
    project_name: str | None = None


class Archiving(WithSteps):
    """Why tasks are put out of sight, or taken back into it; models have no such reasons."""

    status_reason: str = ""
    status_message: str = ""


class ArchiveMany(SomeDocuments, Archiving):
    """Some documents to archive."""


class ArchivedTasks(Archiving):
    """Some tasks, under their old name."""

    max_items: ClassVar[int] = MAX_CHANGED

    tasks: list[str]


def declare_visibility(kind: Kind) -> None:
    """Declare archiving and publishing of one kind; raise its error for documents that the caller may not change."""
    service = f"{kind.name}s"

    @endpoints.add(f"{service}.archive_many")
    async def archive_many(gateway: Gateway, caller: Caller, request: ArchiveMany) -> Answer:
        """Archive those that can be; return what was done and what was not."""
        return await each(request.ids, lambda key: _archive(gateway, caller, kind, key, request, True))

    @endpoints.add(f"{service}.unarchive_many")
    async def unarchive_many(gateway: Gateway, caller: Caller, request: ArchiveMany) -> Answer:
        """Unarchive those that can be; return what was done and what was not."""
        return await each(request.ids, lambda key: _archive(gateway, caller, kind, key, request, False))

    @endpoints.add(f"{service}.make_public")
    async def make_public(gateway: Gateway, caller: Caller, request: SomeDocuments) -> Answer:
        """Make readable for all companies, and writable for none; return how many were changed."""
        return await set_public(gateway, caller, kind, request.ids, True)

    @endpoints.add(f"{service}.make_private")
    async def make_private(gateway: Gateway, caller: Caller, request: SomeDocuments) -> Answer:
        """Give back to the company that made them public; return how many were changed."""
        return await set_public(gateway, caller, kind, request.ids, False)


def declare_place(kind: Kind) -> None:
    """Declare tags and moves of one kind; raise its error for documents that the caller may not change."""
    service = f"{kind.name}s"

    @endpoints.add(f"{service}.update_tags")
    async def update_tags(gateway: Gateway, caller: Caller, request: UpdateTags) -> Answer:
        """Add and remove tags; return how many documents were changed.

        Raises BadValue for tags that look like operators.
        """
        check_tags(request.add_tags)
        for key in request.ids:
            await change(gateway, caller, kind, key, lambda d: _retagged(d, request.add_tags, request.remove_tags))
        return {"updated": len(request.ids)}

    @endpoints.add(f"{service}.move")
    async def move(gateway: Gateway, caller: Caller, request: Move) -> Answer:
        """Move to another project, which is made if there is none of that name. Raises InvalidProject."""
        project = await _destination(gateway, caller, request)
        for key in request.ids:
            await change(gateway, caller, kind, key, lambda document: document | {"project": project})
        return {"project_id": project}


for each_kind in (TASKS, MODELS):
    declare_visibility(each_kind)
    declare_place(each_kind)


@endpoints.add("tasks.archive")
async def archive(gateway: Gateway, caller: Caller, request: ArchivedTasks) -> Answer:
    """Archive tasks, all or none: ``{"archived"}``. Raises InvalidTask and NoWritePermission."""
    await _archive_all(gateway, caller, request, True)
    return {"archived": len(request.tasks)}


@endpoints.add("tasks.unarchive")
async def unarchive(gateway: Gateway, caller: Caller, request: ArchivedTasks) -> Answer:
    """Unarchive tasks, all or none: ``{"unarchived"}``. Raises InvalidTask and NoWritePermission."""
    await _archive_all(gateway, caller, request, False)
    return {"unarchived": len(request.tasks)}


async def _destination(gateway: Gateway, caller: Caller, request: Move) -> str | None:
    if request.project:
        await check_visible(gateway, caller, PROJECTS, [request.project])
    elif request.project_name:
        return await project_of_name(gateway, caller, request.project_name)
    return request.project


async def _archive_all(gateway: Gateway, caller: Caller, request: ArchivedTasks, is_archived: bool) -> None:
    for task_id in request.tasks:
        await own_document(gateway, caller, TASKS, task_id)
    for task_id in request.tasks:
        await _archive(gateway, caller, TASKS, task_id, request, is_archived)


async def _archive(
    gateway: Gateway, caller: Caller, kind: Kind, document_id: str, request: Archiving, is_archived: bool
) -> Answer:
    """Put a document out of sight, or back into it; of pipelines with their steps if asked for."""
    reasons: Document = {}
    if kind is TASKS:
        reasons = {"status_reason": request.status_reason, "status_message": request.status_message}

    def move(document: Document) -> Document:
        others = [tag for tag in document.get("system_tags") or [] if tag != ARCHIVED]
        return document | {"system_tags": [*others, ARCHIVED] if is_archived else others} | reasons

    document = await change(gateway, caller, kind, document_id, move)
    if kind is TASKS and request.include_pipeline_steps:
        for step in await steps_of(gateway, caller, document):
            await change(gateway, caller, TASKS, step, move)
    return {"archived" if is_archived else "unarchived": True}


def _retagged(document: Document, add: Iterable[str], remove: Iterable[str]) -> Document:
    unwanted = set(remove)
    kept = [tag for tag in dict.fromkeys([*(document.get("tags") or []), *add]) if tag not in unwanted]
    return document | {"tags": kept}
