"""Endpoints that change pipelines: projects whose runs are the tasks of type controller."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from ingest.gateway import Gateway
from ingest.registry.documents import each
from ingest.registry.removal import Removal, delete_with_steps
from ingest.registry.tasks import AGENTS
from schema.api.requests import MAX_CHANGED, AnyFields, Request
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import LastPipelineRun, NotSupported
from schema.registry import TASKS, OneOf, every
from schema.registry.project_kinds import IS_RUN

endpoints = Endpoints(Tier.GATEWAY)


class DeleteRuns(Request):
    """Runs of the pipeline of a project to remove."""

    max_items: ClassVar[int] = MAX_CHANGED

    project: str
    ids: Annotated[list[str], Field(min_length=1)]


@endpoints.add("pipelines.delete_runs")
async def delete_runs(gateway: Gateway, caller: Caller, request: DeleteRuns) -> Answer:
    """Remove runs with their steps: what was done and what was not. Raises LastPipelineRun if none would be left."""
    condition = every(OneOf("project", (request.project,)), IS_RUN)
    runs = await gateway.registry.find_ids(TASKS, view_of(caller), condition)
    if not runs.keys() - set(request.ids):
        raise LastPipelineRun(f"At least one run of pipeline {request.project} is to be left")
    ids = [run for run in dict.fromkeys(request.ids) if run in runs]
    removal = Removal(force=True)
    return await each(ids, lambda run: delete_with_steps(gateway, caller, run, removal, True))


@endpoints.add("pipelines.start_pipeline")
async def start_pipeline(gateway: Gateway, caller: Caller, request: AnyFields) -> Answer:
    """Refuse to start a pipeline. Raises NotSupported."""
    raise NotSupported(AGENTS)
