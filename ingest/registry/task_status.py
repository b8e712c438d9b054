"""Endpoints that start and end tasks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ingest.gateway import Gateway
from ingest.registry.documents import SomeDocuments, change, each, own_document
from ingest.registry.pipeline_steps import WithSteps, steps_of
from ingest.registry.status import CLOSED, COMPLETED, FAILED, IN_PROGRESS, PUBLISHED, STOPPED, check_transition
from ingest.registry.tasks import OneTask
from schema.api.requests import Boolean, Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.registry import TASKS, Document, iso_now

ENDED = frozenset((STOPPED, COMPLETED, FAILED))

endpoints = Endpoints(Tier.GATEWAY)


class Reasons(Request):
    """Why a status changes. ``force``: whatever the status is."""

    force: Boolean = False
    status_reason: str = ""
    status_message: str = ""


class ChangeTask(OneTask, Reasons):
    """A change of a task's status."""


class StopTask(ChangeTask, WithSteps):
    """A task to stop."""


class StopTasks(SomeDocuments, Reasons, WithSteps):
    """Tasks to stop."""


@endpoints.add("tasks.started")
async def started(gateway: Gateway, caller: Caller, request: ChangeTask) -> Answer:
    """Move a task to ``in_progress``. Raises TaskStateConflict."""
    return await set_status(gateway, caller, request.task, IN_PROGRESS, request) | {"started": 1}


@endpoints.add("tasks.stop")
async def stop(gateway: Gateway, caller: Caller, request: StopTask) -> Answer:
    """Move a task to ``stopped``; its process sees that and ends. Raises TaskStateConflict.

    Of a pipeline the steps that run are stopped too, if asked for.
    """
    return await _stop(gateway, caller, request.task, request, request.include_pipeline_steps)


@endpoints.add("tasks.stop_many")
async def stop_many(gateway: Gateway, caller: Caller, request: StopTasks) -> Answer:
    """Stop those that can be; return what was done and what was not."""
    with_steps = request.include_pipeline_steps
    return await each(request.ids, lambda task_id: _stop(gateway, caller, task_id, request, with_steps))


@endpoints.add("tasks.stopped")
async def stopped(gateway: Gateway, caller: Caller, request: ChangeTask) -> Answer:
    """Move a task to ``stopped``. Raises TaskStateConflict."""
    return await set_status(gateway, caller, request.task, STOPPED, request)


@endpoints.add("tasks.failed")
async def failed(gateway: Gateway, caller: Caller, request: ChangeTask) -> Answer:
    """Move a task to ``failed``. Raises TaskStateConflict."""
    return await set_status(gateway, caller, request.task, FAILED, request)


@endpoints.add("tasks.close")
async def close(gateway: Gateway, caller: Caller, request: ChangeTask) -> Answer:
    """Move a task to ``closed``. Raises TaskStateConflict."""
    return await set_status(gateway, caller, request.task, CLOSED, request)


async def set_status(gateway: Gateway, caller: Caller, task_id: str, status: str, reasons: Reasons) -> dict[str, Any]:
    """Move a task to a status and note when: ``{"updated", "fields"}``. Raises TaskStateConflict and InvalidTask."""
    fields: Document = {}

    def move(task: Document) -> Document:
        check_transition(task, status, reasons.force)
        fields.update(status_fields(task, status, reasons))
        return task | fields

    changed = await change(gateway, caller, TASKS, task_id, move)
    return {"updated": 1, "fields": fields | {name: changed[name] for name in ("last_update", "last_change")}}


def status_fields(task: Document, status: str, reasons: Reasons) -> Document:
    """Return the fields of a task whose status begins now."""
    now = iso_now()
    fields: Document = {"status": status, "status_changed": now}
    fields |= {"status_reason": reasons.status_reason, "status_message": reasons.status_message}
    if status == IN_PROGRESS:
        fields["started"] = task.get("started") or now  # a task that continues keeps its first start
    elif status in ENDED:
        fields |= {"completed": now, "active_duration": _seconds_since(task.get("started") or task["created"])}
    elif status == PUBLISHED:
        fields["published"] = now
    return fields


async def _stop(gateway: Gateway, caller: Caller, task_id: str, reasons: Reasons, with_steps: bool) -> dict[str, Any]:
    message = reasons.status_message or f"Stopped by {caller.user_name}"
    reasons = reasons.model_copy(update={"status_message": message})
    if with_steps:
        await _stop_steps(gateway, caller, task_id, reasons)
    return await set_status(gateway, caller, task_id, STOPPED, reasons)


async def _stop_steps(gateway: Gateway, caller: Caller, task_id: str, reasons: Reasons) -> None:
    """Stop the steps of a pipeline that run; others are left as they are."""
    task = await own_document(gateway, caller, TASKS, task_id)
    for step in await gateway.registry.get_many(TASKS, await steps_of(gateway, caller, task)):
        if step["status"] == IN_PROGRESS:
            await set_status(gateway, caller, step["id"], STOPPED, reasons)


def _seconds_since(moment: str) -> int:
    return max(0, int((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()))
