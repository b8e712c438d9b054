"""Tags of what a company has, by project."""

from __future__ import annotations

from typing import Any

from query.context import QueryContext
from query.registry.listing import in_projects, with_subprojects
from query.registry.lists import matching
from schema.api.requests import Boolean, Request
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.registry import EVERYTHING, MODELS, PROJECTS, TASKS, Condition, Kind, OneOf, every

NAMES = ("tags", "system_tags")

endpoints = Endpoints(Tier.QUERY)


class GetTags(Request):
    """Tags in some projects, none: all. ``filter``: only of documents with such ``tags`` and ``system_tags``."""

    projects: list[str] = []
    include_system: Boolean = False
    filter: dict[str, Any] = {}

    @property
    def condition(self) -> Condition:
        """The filter. Raises InvalidField and BadValue."""
        return every(*(_matching(name, self.filter[name]) for name in NAMES if self.filter.get(name)))


@endpoints.add("organization.get_tags")
async def get_tags(context: QueryContext, caller: Caller, request: GetTags) -> Answer:
    """Return the tags of tasks and models, sorted. Raises InvalidField and BadValue."""
    answers = [await _tags_in(context, caller, kind, request) for kind in (TASKS, MODELS)]
    return {name: sorted({tag for answer in answers for tag in answer[name]}) for name in answers[0]}


@endpoints.add("projects.get_task_tags")
async def get_task_tags(context: QueryContext, caller: Caller, request: GetTags) -> Answer:
    """Return the tags of tasks, sorted. Raises InvalidField and BadValue."""
    return await _tags_in(context, caller, TASKS, request)


@endpoints.add("projects.get_model_tags")
async def get_model_tags(context: QueryContext, caller: Caller, request: GetTags) -> Answer:
    """Return the tags of models, sorted. Raises InvalidField and BadValue."""
    return await _tags_in(context, caller, MODELS, request)


@endpoints.add("projects.get_project_tags")
async def get_project_tags(context: QueryContext, caller: Caller, request: GetTags) -> Answer:
    """Return the tags of projects and of those in them, sorted. Raises InvalidField and BadValue."""
    ids = await with_subprojects(context, caller, request.projects) if request.projects else []
    inside = OneOf("id", tuple(ids)) if ids else EVERYTHING
    return await _tags_of(context, caller, PROJECTS, request, inside)


async def _tags_in(context: QueryContext, caller: Caller, kind: Kind, request: GetTags) -> Answer:
    return await _tags_of(context, caller, kind, request, await in_projects(context, caller, request.projects))


async def _tags_of(context: QueryContext, caller: Caller, kind: Kind, request: GetTags, inside: Condition) -> Answer:
    names = NAMES if request.include_system else NAMES[:1]
    condition = every(inside, request.condition)
    return {name: await context.registry.distinct(kind, view_of(caller), name, condition) for name in names}


def _matching(name: str, values: Any) -> Condition:
    return matching(name, values if isinstance(values, list) else [values])
