"""Pipelines: a controller is a task, and its steps are the tasks under it."""

from __future__ import annotations

from ingest.gateway import Gateway
from schema.api.requests import Boolean, Request
from schema.api.visibility import view_of
from schema.api.wire import Caller
from schema.registry import TASKS, Document, OneOf

CONTROLLER = "controller"  # type of the task that runs a pipeline


class WithSteps(Request):
    """A change of tasks; ``include_pipeline_steps``: of pipelines with their steps."""

    include_pipeline_steps: Boolean = False


async def steps_of(gateway: Gateway, caller: Caller, task: Document) -> list[str]:
    """Return the ids of the caller's steps of a pipeline; none of any other task."""
    if task.get("type") != CONTROLLER:
        return []
    found = await gateway.registry.find(TASKS, view_of(caller), OneOf("parent", (task["id"],)))
    return [step["id"] for step in found if step["company"] == caller.company]
