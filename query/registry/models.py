"""Endpoints that read models."""

from __future__ import annotations

from query.cache import statistics
from query.context import QueryContext
from query.registry.conform import conform
from query.registry.filters import Vocabulary
from query.registry.listing import GetAll, Listing, in_projects, list_documents, with_statistics
from query.registry.tasks import OfProjects, TaskById
from schema.api.requests import Boolean, Request
from schema.api.visibility import may_see, view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidModel
from schema.registry import MODELS, OneOf, Order, PageBounds, owner_of

FILTERED = """
id name user company created last_update last_change last_changed_by project task parent framework uri ready comment
tags system_tags labels design metadata
"""
VOCABULARY = Vocabulary(
    MODELS,
    roots=frozenset(FILTERED.split()),
    patterns=frozenset(("name", "comment")),
    has_hidden=False,
)

endpoints = Endpoints(Tier.QUERY)


class ModelById(Request):
    """One model."""

    model: str


class GetModels(GetAll):
    """A listing of models. ``include_stats``: with the number of their labels."""

    include_stats: Boolean = False


@endpoints.add("models.get_by_id")
async def get_by_id(context: QueryContext, caller: Caller, request: ModelById) -> Answer:
    """Return ``{"model": document}`` with its statistics. Raises InvalidModel."""
    model = await context.registry.get(MODELS, request.model)
    if model is None or not may_see(caller, owner_of(MODELS, model)):
        raise InvalidModel(f"Invalid model id {request.model}")
    shown = await with_statistics(context, [model], statistics.ALL)
    conform(caller, MODELS, shown)
    return {"model": shown[0]}


@endpoints.add("models.get_by_task_id")
async def get_by_task_id(context: QueryContext, caller: Caller, request: TaskById) -> Answer:
    """Return ``{"model": document}``: the newest that a task made. Raises InvalidModel if it made none."""
    page = PageBounds([Order("created", descending=True)], limit=1)
    found = await context.registry.find(MODELS, view_of(caller), OneOf("task", (request.task,)), page)
    if not found:
        raise InvalidModel(f"Task {request.task} made no model")
    return {"model": (await with_statistics(context, found, statistics.ALL))[0]}


@endpoints.add("models.get_all")
async def get_all(context: QueryContext, caller: Caller, request: GetAll) -> Answer:
    """Return ``{"models": documents}``."""
    return await list_documents(context, caller, Listing(VOCABULARY, request), join=False)


@endpoints.add("models.get_all_ex")
async def get_all_ex(context: QueryContext, caller: Caller, request: GetModels) -> Answer:
    """Return ``{"models": documents}``, with references as objects."""
    answer = await list_documents(context, caller, Listing(VOCABULARY, request), join=True)
    if request.include_stats:
        whole = await context.registry.get_many(MODELS, [model["id"] for model in answer["models"]])
        counts = {model["id"]: len(model.get("labels") or {}) for model in whole}
        for model in answer["models"]:
            model["stats"] = {"labels_count": counts.get(model["id"], 0)}
    return answer


@endpoints.add("models.get_by_id_ex")
async def get_by_id_ex(context: QueryContext, caller: Caller, request: GetModels) -> Answer:
    """Return the models of some ids, with references as objects."""
    return await get_all_ex(context, caller, request)


@endpoints.add("models.get_frameworks")
async def get_frameworks(context: QueryContext, caller: Caller, request: OfProjects) -> Answer:
    """Return the frameworks of all models."""
    inside = await in_projects(context, caller, request.projects)
    return {"frameworks": await context.registry.distinct(MODELS, view_of(caller), "framework", inside)}
