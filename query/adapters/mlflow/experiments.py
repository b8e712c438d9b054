"""Experiments of MLflow, which are projects: read and searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from query.adapters.mlflow.filters import Fields, Selection, parse_filter, parse_order
from query.context import QueryContext
from schema.adapters.mlflow_documents import (
    ARCHIVED,
    ARTIFACTS,
    DEFAULT_ID,
    DEFAULT_NAME,
    TAGS,
    experiment_of,
    lifecycle,
)
from schema.adapters.requests import TextRequest
from schema.api.requests import Integer, Texts
from schema.api.visibility import may_see, view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidField, InvalidProject
from schema.registry import PROJECTS, Condition, Document, Not, OneOf, Order, PageBounds, every, owner_of

NAME = "mlflow.experiments_search"
DEFAULT_RESULTS, MAX_RESULTS = 1000, 50_000
MAX_SEARCHED = 50_000  # projects
FIELDS = frozenset(("name", "company", "created", "last_update", "system_tags", "tags", TAGS, ARTIFACTS))
ViewType = Literal["ACTIVE_ONLY", "DELETED_ONLY", "ALL"]
LIFECYCLES: dict[str, tuple[Condition, ...]] = {
    "ACTIVE_ONLY": (Not(OneOf("system_tags", (ARCHIVED,))),),
    "DELETED_ONLY": (OneOf("system_tags", (ARCHIVED,)),),
    "ALL": (),
}
HIDDEN = Not(OneOf("system_tags", ("hidden",)))  # of pipelines, datasets and reports

endpoints = Endpoints(Tier.QUERY)


class GetExperiment(TextRequest):
    """One experiment."""

    experiment_id: str


class GetExperimentByName(TextRequest):
    """The experiment of a name."""

    experiment_name: str


class SearchExperiments(TextRequest):
    """A page of experiments."""

    filter: str = ""
    order_by: Annotated[Texts, Field(max_length=20)] = []
    max_results: Annotated[Integer, Field(ge=1, le=MAX_RESULTS)] = DEFAULT_RESULTS
    page_token: str = ""
    view_type: ViewType = "ACTIVE_ONLY"


@endpoints.add("mlflow.experiments_get")
async def get(context: QueryContext, caller: Caller, request: GetExperiment) -> Answer:
    """Return ``{"experiment"}``; the default one is there before anything is in it. Raises InvalidProject."""
    if request.experiment_id == DEFAULT_ID:
        found = await named(context, caller, DEFAULT_NAME)
        return {"experiment": experiment_of(found or {"id": DEFAULT_ID, "name": DEFAULT_NAME})}
    found = await context.registry.get(PROJECTS, request.experiment_id)
    if found is None or not may_see(caller, owner_of(PROJECTS, found)):
        raise InvalidProject(f"No Experiment with id={request.experiment_id} exists")
    return {"experiment": experiment_of(found)}


@endpoints.add("mlflow.experiments_get_by_name")
async def get_by_name(context: QueryContext, caller: Caller, request: GetExperimentByName) -> Answer:
    """Return ``{"experiment"}``. Raises InvalidProject."""
    if (found := await named(context, caller, request.experiment_name)) is None:
        raise InvalidProject(f"Could not find experiment with name '{request.experiment_name}'")
    return {"experiment": experiment_of(found)}


@endpoints.add("mlflow.experiments_search")
async def search(context: QueryContext, caller: Caller, request: SearchExperiments) -> Answer:
    """Return ``{"experiments", "next_page_token"}``, by default those first that changed last. Raises InvalidField."""
    clauses, orders = parse_filter(request.filter), parse_order(request.order_by)
    condition = every(HIDDEN, *LIFECYCLES[request.view_type])
    page = PageBounds([Order("last_update", descending=True), Order("id")], 0, MAX_SEARCHED + 1, FIELDS)
    found = await context.registry.find(PROJECTS, view_of(caller), condition, page)
    if len(found) > MAX_SEARCHED:
        raise InvalidField(f"At most {MAX_SEARCHED} experiments are searched")
    chosen = await Selection(clauses, orders, _fields).selected(found)
    start = context.cursors.read(request.page_token, NAME, caller, [], None) if request.page_token else 0
    shown, end = chosen[start : start + request.max_results], start + request.max_results
    answer = {"experiments": [experiment_of(project) for project in shown]}
    return answer | ({"next_page_token": context.cursors.make(NAME, caller, [], end)} if end < len(chosen) else {})


async def named(context: QueryContext, caller: Caller, name: str) -> Document | None:
    """Return the project of a name that the caller sees, rather their company's than a public one; None: none."""
    path = "/".join(part.strip() for part in name.split("/") if part.strip())
    found = await context.registry.find(PROJECTS, view_of(caller), OneOf("name", (path,)))
    return next((project for project in found if project["company"]), found[0] if found else None)


async def project_ids(context: QueryContext, caller: Caller, ids: Sequence[str]) -> list[str]:
    """Return the ids of experiments as projects have them; the default one may not be there yet."""
    if DEFAULT_ID not in ids:
        return list(ids)
    default = await named(context, caller, DEFAULT_NAME)
    return [key for key in ids if key != DEFAULT_ID] + ([default["id"]] if default else [])


def _fields(project: Document) -> Fields:
    experiment = experiment_of(project)
    return {"attributes": experiment | {"lifecycle_stage": lifecycle(project)}, "tags": project.get(TAGS) or {}}
