"""Calls that change tasks (specification appendix A and section 2.11)."""

from __future__ import annotations

import time
import uuid
from typing import Any

from ingest.gateway import Gateway
from schema.blocks import ALL, Deletion
from schema.errors import BadDocument, InvalidTask, NoWritePermission, TaskStateConflict
from schema.registry import TASKS, Document, iso_now
from schema.requests import AnyFields, Boolean, Request
from schema.wire import Answer, Caller, Endpoints, Tier

MIN_NAME_LENGTH = 3
LOCKED = ("publishing", "published")

endpoints = Endpoints(Tier.GATEWAY)


class CreateTask(AnyFields):
    """A new task's document."""

    name: str
    type: str


class ChangeTask(Request):
    """A change of a task's status."""

    task: str
    force: Boolean = False
    status_reason: str = ""
    status_message: str = ""


@endpoints.add("tasks.create")
async def create(gateway: Gateway, caller: Caller, request: CreateTask) -> Answer:
    """A task in status ``created``. Raises BadDocument if its name is too short."""
    if len(request.name.strip()) < MIN_NAME_LENGTH:
        raise BadDocument(f"A task's name has at least {MIN_NAME_LENGTH} characters")
    now = iso_now()
    document = request.model_dump() | {
        "id": uuid.uuid4().hex,
        "company": caller.company,
        "user": caller.user,
        "status": "created",
        "created": now,
        "last_update": now,
        "last_change": now,
    }
    await gateway.registry.create(TASKS, EMPTY_TASK | document)
    return {"id": document["id"]}


EMPTY_TASK: Document = {
    "comment": "",
    "tags": [],
    "system_tags": [],
    "hyperparams": {},
    "configuration": {},
    "runtime": {},
    "execution": {},
    "models": {"input": [], "output": []},
    "status_reason": "",
    "status_message": "",
}


@endpoints.add("tasks.started")
async def started(gateway: Gateway, caller: Caller, request: ChangeTask) -> Answer:
    """To ``in_progress``."""
    return await _set_status(gateway, caller, request, "in_progress", "started") | {"started": 1}


@endpoints.add("tasks.completed")
async def completed(gateway: Gateway, caller: Caller, request: ChangeTask) -> Answer:
    """To ``completed``."""
    return await _set_status(gateway, caller, request, "completed", "completed") | {"published": 0}


@endpoints.add("tasks.publish")
async def publish(gateway: Gateway, caller: Caller, request: ChangeTask) -> Answer:
    """To ``published``: its events are locked from now on."""
    return await _set_status(gateway, caller, request, "published", "published")


@endpoints.add("tasks.reset")
async def reset(gateway: Gateway, caller: Caller, request: ChangeTask) -> Answer:
    """Back to ``created``, without events and statistics."""
    await _check(gateway, caller, request)
    deleted = await gateway.log.delete(_everything(caller, request.task))
    return await _set_status(gateway, caller, request, "created", None) | {"deleted_indices": [], "events": deleted}


@endpoints.add("tasks.delete")
async def delete(gateway: Gateway, caller: Caller, request: ChangeTask) -> Answer:
    """The task and its events are gone."""
    await _check(gateway, caller, request)
    await gateway.log.delete(_everything(caller, request.task))
    await gateway.registry.delete(TASKS, request.task)
    return {"deleted": True, "updated_children": 0, "updated_models": 0, "events": True}


def _everything(caller: Caller, task_id: str) -> Deletion:
    return Deletion(caller.company, task_id, ALL, time.time_ns() // 1_000_000)


async def _check(gateway: Gateway, caller: Caller, request: ChangeTask) -> Document:
    """The task, if the caller may change it. Raises InvalidTask, NoWritePermission, TaskStateConflict."""
    task = await gateway.registry.get(TASKS, request.task)
    if task is not None and not task["company"]:
        raise NoWritePermission(f"Task {request.task} is public")
    if task is None or task["company"] != caller.company:
        raise InvalidTask(f"Invalid task id {request.task}")
    if task["status"] in LOCKED and not request.force:
        raise TaskStateConflict(f"Task {request.task} is {task['status']}")
    return task


async def _set_status(
    gateway: Gateway, caller: Caller, request: ChangeTask, status: str, dated: str | None
) -> dict[str, Any]:
    """Move the task to a status and note when, in the field ``dated``."""
    await _check(gateway, caller, request)
    now = iso_now()
    fields: Document = {"status": status, "status_changed": now, "last_update": now, "last_change": now}
    fields |= {"status_reason": request.status_reason, "status_message": request.status_message}
    if dated:
        fields[dated] = now
    await gateway.registry.update(TASKS, request.task, lambda task: task | fields)
    return {"updated": 1, "fields": fields}
