"""``tasks.update_batch``: updates of many tasks in one request, all or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ingest.gateway import Gateway
from ingest.parsing.json_lines import split_lines
from ingest.permission import check_write
from ingest.registry import foreign
from ingest.registry.documents import marks
from ingest.registry.references import check_references
from ingest.registry.tasks import EditTask, updatable
from schema.api.requests import JSON_LINES, EventBatch, Parameters
from schema.api.told_ids import told_ids
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import EmptyBatch, InvalidField, InvalidTask
from schema.registry import PROJECTS, TASKS, Document, owner_of

MAX_UPDATES = 1000  # the documents that calls of many may change at once

endpoints = Endpoints(Tier.GATEWAY)


class TaskBatch(EventBatch):
    """Updates of tasks as json lines, or one as parameters."""

    line: ClassVar[str] = EditTask.__name__


@endpoints.add("tasks.update_batch", is_batch=True)
async def update_batch(gateway: Gateway, caller: Caller, request: TaskBatch) -> Answer:
    """Change many tasks as ``tasks.update`` changes one, a line for each: ``{"updated"}``, how many were changed.

    All are changed or none; of several lines about a task the last counts. Raises EmptyBatch, MalformedRequest
    and what ``tasks.update`` raises for any line.
    """
    updates = {update.task: updatable(caller, update) for update in _updates(request)}
    for project in {fields.get("project") for fields in updates.values()}:
        await check_references(gateway, caller, {"project": project})
    named = {reference for fields in updates.values() for reference in foreign.references_of(TASKS, fields)}
    await foreign.check(gateway, caller, named)
    changed = await _change_all(gateway, caller, updates)
    projects = {task["project"] for task in changed if task.get("project")}
    gateway.last_update_recorder.touch(PROJECTS, projects, caller.user)
    return {"updated": len(changed)}


def _updates(request: TaskBatch) -> Iterator[EditTask]:
    """Yield the updates of a request. Raises EmptyBatch, MalformedRequest and InvalidField."""
    for number, parameters in enumerate(_objects(request), start=1):
        if number > MAX_UPDATES:
            raise InvalidField(f"A batch has at most {MAX_UPDATES} updates")
        try:
            yield EditTask.read(parameters)
        except InvalidField as error:
            raise type(error)(f"Line {number}: {error}") from error


def _objects(request: TaskBatch) -> Iterator[Parameters]:
    if request.event is not None:
        if not request.event:
            raise EmptyBatch("Batch has no updates")
        return iter((request.event,))
    if request.media_type != JSON_LINES:
        raise InvalidField(f"tasks.update_batch does not take {request.media_type}")
    if not request.body:
        raise EmptyBatch("Batch has no updates")
    return split_lines(request.body)


async def _change_all(gateway: Gateway, caller: Caller, updates: dict[str, Document]) -> list[Document]:
    """Change the tasks of which some field changes, and return them. Raises InvalidTask and NoWritePermission."""

    def change(task: Document) -> Document:
        check_write(TASKS, caller, task["id"], owner_of(TASKS, task))
        return task | updates[task["id"]] | marks(caller)

    known = {task["id"]: task for task in await gateway.registry.get_many(TASKS, updates)}
    if missing := updates.keys() - known:
        raise InvalidTask(f"Invalid task id {told_ids(sorted(missing))}")
    for task in known.values():
        check_write(TASKS, caller, task["id"], owner_of(TASKS, task))
    return await gateway.registry.update_many(TASKS, [key for key, fields in updates.items() if fields], change)
