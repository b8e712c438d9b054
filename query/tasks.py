"""Tasks, models and projects as they are (specification appendix A)."""

from __future__ import annotations

from query.reader import Reader
from query.statistics import statistics
from schema.errors import InvalidModel, InvalidProject, InvalidTask
from schema.registry import MODELS, PROJECTS, TASKS
from schema.requests import Request
from schema.wire import Answer, Caller, Endpoints, Tier

endpoints = Endpoints(Tier.QUERY)


class TaskById(Request):
    """One task."""

    task: str


class ModelById(Request):
    """One model."""

    model: str


class ProjectById(Request):
    """One project."""

    project: str


@endpoints.add("tasks.get_by_id")
async def get_task(reader: Reader, caller: Caller, request: TaskById) -> Answer:
    """``{"task": document}`` with its statistics. Raises InvalidTask."""
    entity = await reader.entity(caller, request.task)
    document = await reader.registry.get(TASKS, request.task)
    if document is None:
        raise InvalidTask(f"Invalid task id {request.task}")
    return {"task": document | await statistics(reader, entity)}


@endpoints.add("models.get_by_id")
async def get_model(reader: Reader, caller: Caller, request: ModelById) -> Answer:
    """``{"model": document}`` with its statistics. Raises InvalidModel."""
    entity = await reader.entity(caller, request.model, is_model=True)
    document = await reader.registry.get(MODELS, request.model)
    if document is None:
        raise InvalidModel(f"Invalid model id {request.model}")
    return {"model": document | await statistics(reader, entity)}


@endpoints.add("projects.get_by_id")
async def get_project(reader: Reader, caller: Caller, request: ProjectById) -> Answer:
    """``{"project": document}``. Raises InvalidProject."""
    document = await reader.registry.get(PROJECTS, request.project)
    if document is None or document["company"] not in (caller.company, ""):
        raise InvalidProject(f"Invalid project id {request.project}")
    return {"project": document}
