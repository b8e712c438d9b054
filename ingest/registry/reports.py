"""Endpoints that make, change and remove reports: tasks of type report, in hidden projects of their own."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from ingest.gateway import Gateway
from ingest.registry.documents import change, create_document, new_document, own_document
from ingest.registry.model_removal import delete_events
from ingest.registry.old_forms import check_tags
from ingest.registry.projects import project_of_name
from ingest.registry.status import CREATED, PUBLISHED
from ingest.registry.task_status import Reasons, set_status
from ingest.registry.tasks import MIN_NAME_LENGTH, NEW_TASK, OneTask
from schema.api.requests import Boolean, Request
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import BadDocument, MissingField, NotAReport, TaskNotDeletable, TaskStateConflict
from schema.registry import PROJECTS, TASKS, Document, OneOf
from schema.registry.project_kinds import HIDDEN_TAG, REPORTS_PROJECT, REPORTS_TAG

REPORT = "report"  # type of the tasks that are reports
ARCHIVED = "archived"
SYSTEM_TAGS = [REPORTS_TAG, HIDDEN_TAG]
ALWAYS_EDITABLE = frozenset(("name", "tags", "comment"))  # also once a report is published
SHOWN_CHARACTERS = 100  # of the text in the answer to an update

endpoints = Endpoints(Tier.GATEWAY)


class ReportFields(Request):
    """The fields of a report."""

    name: str | None = None
    tags: list[str] | None = None
    comment: str | None = None
    report: str | None = None
    report_assets: list[str] | None = None

    def document(self) -> Document:
        """Return the fields that are given. Raises BadDocument for a name, and BadValue for tags, that cannot be."""
        if self.name is not None and len(self.name.strip()) < MIN_NAME_LENGTH:
            raise BadDocument(f"A report's name has at least {MIN_NAME_LENGTH} characters")
        check_tags(self.tags or ())
        return self.model_dump(include=ReportFields.model_fields.keys() & self.model_fields_set)


class CreateReport(ReportFields):
    """A new report; ``project``: in which it lies, none: in no other."""

    name: str
    project: str | None = None


class UpdateReport(ReportFields, OneTask):
    """New values for some fields of a report."""


class MoveReport(OneTask):
    """A report to move to a project, by id (null: to none) or by name."""

    null_means_all: ClassVar[frozenset[str]] = frozenset(("project",))

    project: str | None = None
    project_name: str | None = None


class ChangeReport(OneTask):
    """A report to publish or to archive, and why."""

    message: str = ""
    comment: str = ""

    @property
    def reasons(self) -> Reasons:
        """The reasons of the report's new status."""
        return Reasons(force=True, status_message=self.message or self.comment)


class DeleteReport(OneTask):
    """A report to remove; ``force``: also if it is published."""

    force: Boolean = False


@endpoints.add("reports.create")
async def create(gateway: Gateway, caller: Caller, request: CreateReport) -> Answer:
    """Make a report: ``{"id", "project_id"}``. Raises InvalidProject and BadDocument."""
    fields = request.document()
    name = await _name_of(gateway, caller, request.project)
    project = await _reports_project(gateway, caller, name)
    own = {"type": REPORT, "project": project, "system_tags": SYSTEM_TAGS}
    document = new_document(caller, NEW_TASK | fields | own)
    await create_document(gateway, caller, TASKS, document)
    return {"id": document["id"], "project_id": project}


@endpoints.add("reports.update")
async def update(gateway: Gateway, caller: Caller, request: UpdateReport) -> Answer:
    """Change a draft, or what a published report is called: ``{"updated", "fields"}``.

    Raises InvalidTask, NotAReport and TaskStateConflict.
    """
    fields = request.document()

    def edit(task: Document) -> Document:
        _check_report(task)
        if task["status"] != CREATED and not fields.keys() <= ALWAYS_EDITABLE:
            raise TaskStateConflict(f"Invalid task status: expected={CREATED}, status={task['status']}")
        return task | fields

    if not fields:
        _check_report(await own_document(gateway, caller, TASKS, request.task))
        return {"updated": 0, "fields": {}}
    await change(gateway, caller, TASKS, request.task, edit)
    text = {"report": textwrap.shorten(fields["report"], SHOWN_CHARACTERS)} if fields.get("report") else {}
    return {"updated": 1, "fields": fields | text}


@endpoints.add("reports.move")
async def move(gateway: Gateway, caller: Caller, request: MoveReport) -> Answer:
    """Move a report: ``{"project_id"}``; the project that held only it is gone.

    Raises InvalidTask, NotAReport, InvalidProject, and MissingField if no project is named.
    """
    if not request.project_name and "project" not in request.model_fields_set:
        raise MissingField("project or project_name is required")
    task = await own_document(gateway, caller, TASKS, request.task)
    _check_report(task)
    name = request.project_name or await _name_of(gateway, caller, request.project)
    project = await _reports_project(gateway, caller, name)
    await change(gateway, caller, TASKS, request.task, lambda task: task | {"project": project})
    if task.get("project") != project:
        await _remove_if_empty(gateway, caller, task.get("project"))
    return {"project_id": project}


@endpoints.add("reports.publish")
async def publish(gateway: Gateway, caller: Caller, request: ChangeReport) -> Answer:
    """Publish a report, in whatever status: ``{"updated", "fields"}``. Raises InvalidTask and NotAReport."""
    _check_report(await own_document(gateway, caller, TASKS, request.task))
    return await set_status(gateway, caller, request.task, PUBLISHED, request.reasons)


@endpoints.add("reports.archive")
async def archive(gateway: Gateway, caller: Caller, request: ChangeReport) -> Answer:
    """Put a report out of sight: ``{"archived"}``. Raises InvalidTask and NotAReport."""
    await _archive(gateway, caller, request, True)
    return {"archived": 1}


@endpoints.add("reports.unarchive")
async def unarchive(gateway: Gateway, caller: Caller, request: ChangeReport) -> Answer:
    """Take a report back into sight: ``{"unarchived"}``. Raises InvalidTask and NotAReport."""
    await _archive(gateway, caller, request, False)
    return {"unarchived": 1}


@endpoints.add("reports.delete")
async def delete(gateway: Gateway, caller: Caller, request: DeleteReport) -> Answer:
    """Delete a report: ``{"deleted"}``. Raises InvalidTask, NotAReport, and TaskNotDeletable if it is published."""
    task = await own_document(gateway, caller, TASKS, request.task)
    _check_report(task)
    if task["status"] != CREATED and ARCHIVED not in (task.get("system_tags") or ()) and not request.force:
        raise TaskNotDeletable(f"Report {request.task} is {task['status']}: archive it, or use force")
    await delete_events(gateway, caller, [request.task])
    await gateway.registry.delete(TASKS, request.task)
    await _remove_if_empty(gateway, caller, task.get("project"))
    return {"deleted": 1}


def _check_report(task: Document) -> None:
    if task["type"] != REPORT:
        raise NotAReport(f"Task {task['id']} is no report")


async def _archive(gateway: Gateway, caller: Caller, request: ChangeReport, is_archived: bool) -> None:
    def move(task: Document) -> Document:
        _check_report(task)
        others = [tag for tag in task.get("system_tags") or () if tag != ARCHIVED]
        reasons = request.reasons.model_dump(include={"status_reason", "status_message"})
        return task | reasons | {"system_tags": [*others, ARCHIVED] if is_archived else others}

    await change(gateway, caller, TASKS, request.task, move)


async def _name_of(gateway: Gateway, caller: Caller, project: str | None) -> str:
    return str((await own_document(gateway, caller, PROJECTS, project))["name"]) if project else ""


async def _reports_project(gateway: Gateway, caller: Caller, name: str) -> str:
    """Return the id of the project that holds the reports of a project; made if there is none."""
    name = name.strip("/")
    if name.rpartition("/")[2] != REPORTS_PROJECT:
        name = f"{name}/{REPORTS_PROJECT}"
    return await project_of_name(gateway, caller, name, {"description": "Reports project", "system_tags": SYSTEM_TAGS})


async def _remove_if_empty(gateway: Gateway, caller: Caller, project_id: str | None) -> None:
    """Remove the project that held a report, if it holds no other."""
    project = await gateway.registry.get(PROJECTS, project_id) if project_id else None
    if project is None or project["company"] != caller.company or project["basename"] != REPORTS_PROJECT:
        return
    if not await gateway.registry.find_ids(TASKS, view_of(caller), OneOf("project", (project["id"],))):
        await gateway.registry.delete(PROJECTS, project["id"])
