"""Endpoints about all of a company: tags and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from query.context import QueryContext
from query.registry.filters import Vocabulary
from query.registry.listing import HIDDEN, of_company
from query.registry.models import VOCABULARY as MODEL_VOCABULARY
from query.registry.project_choice import made_in
from query.registry.project_contents import count
from query.registry.projects import VOCABULARY as PROJECT_VOCABULARY
from query.registry.tasks import VOCABULARY as TASK_VOCABULARY
from schema.api.requests import Boolean, Integer, Nothing, Request, Texts
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.registry import EVERYTHING, PROJECTS, Condition, OneOf, every

endpoints = Endpoints(Tier.QUERY)


@dataclass(frozen=True)
class Countable:
    """Something to count.

    ``more``: a condition besides the filters. ``may_hide``: hidden ones count only on demand.
    """

    vocabulary: Vocabulary
    more: Condition = EVERYTHING
    may_hide: bool = False


def _of_type(task_type: str) -> Countable:
    return Countable(TASK_VOCABULARY, OneOf("type", (task_type,)))


COUNTABLE = {
    "projects": Countable(PROJECT_VOCABULARY, may_hide=True),
    "tasks": Countable(TASK_VOCABULARY, may_hide=True),
    "models": Countable(MODEL_VOCABULARY),
    "pipelines": Countable(PROJECT_VOCABULARY),
    "pipeline_runs": _of_type("controller"),
    "datasets": Countable(PROJECT_VOCABULARY),
    "dataset_versions": _of_type("data_processing"),
    "reports": _of_type("report"),
}


class GetEntitiesCount(Request):
    """Filters by kind of what to count.

    ``limit``: no need to count any further. ``active_users``: only what these made.
    """

    projects: dict[str, Any] | None = None
    tasks: dict[str, Any] | None = None
    models: dict[str, Any] | None = None
    pipelines: dict[str, Any] | None = None
    pipeline_runs: dict[str, Any] | None = None
    datasets: dict[str, Any] | None = None
    dataset_versions: dict[str, Any] | None = None
    reports: dict[str, Any] | None = None
    active_users: Texts = []
    search_hidden: Boolean = False
    allow_public: Boolean = True
    limit: Integer = 0


@endpoints.add("organization.get_user_companies")
async def get_user_companies(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return the caller's company with its people, by name."""
    users = await context.registry.users_of(caller.company)
    owners = [{"id": user.id, "name": user.name, "avatar": None} for user in users]
    company = {"id": caller.company, "name": caller.company_name, "allocated": len(owners), "owners": owners}
    return {"companies": [company]}


@endpoints.add("organization.get_entities_count")
async def get_entities_count(context: QueryContext, caller: Caller, request: GetEntitiesCount) -> Answer:
    """Count each kind; 0 of those that were not asked for.

    Raises InvalidField, BadValue and InvalidRegex.
    """
    counts = {name: await _count(context, caller, name, request) for name in COUNTABLE}
    return {name: min(found, request.limit or found) for name, found in counts.items()}


async def _count(context: QueryContext, caller: Caller, name: str, request: GetEntitiesCount) -> int:
    filters: dict[str, Any] | None = getattr(request, name)
    if filters is None:
        return 0
    countable = COUNTABLE[name]
    conditions = [countable.vocabulary.condition(filters), countable.more, of_company(caller, request.allow_public)]
    if countable.may_hide and not (request.search_hidden or filters.get("search_hidden")):
        conditions.append(HIDDEN)
    if request.active_users:
        made = OneOf("user", tuple(request.active_users))
        is_project = countable.vocabulary.kind is PROJECTS
        vocabulary = PROJECT_VOCABULARY
        conditions.append(await made_in(context, caller, request.active_users, vocabulary) if is_project else made)
    return await count(context, caller, countable.vocabulary.kind, every(*conditions))
