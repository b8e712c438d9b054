"""Logged models of MLflow 3, which are models of the registry: searched."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from query.adapters.mlflow.experiments import project_ids
from query.adapters.mlflow.filters import Fields, Selection, parse_filter, parse_order
from query.context import QueryContext
from schema.adapters.mlflow_documents import MODEL, TAGS, model_of
from schema.adapters.requests import TextRequest
from schema.api.requests import Integer, Texts
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidField
from schema.registry import MODELS, Document, Not, OneOf, Order, PageBounds, every

NAME = "mlflow.logged_models_search"
MAX_SEARCHED = 10_000
LOGGED = Not(OneOf(f"{MODEL}.status", (None,)))  # others were not made by MLflow

endpoints = Endpoints(Tier.QUERY)


class SearchLoggedModels(TextRequest):
    """A page of the logged models of some experiments. ``order_by``: ``{field_name, ascending}``."""

    experiment_ids: Texts = []
    filter: str = ""
    max_results: Annotated[Integer, Field(ge=1)] = 100
    order_by: list[dict[str, Any]] = []
    page_token: str = ""


@endpoints.add(NAME)
async def search(context: QueryContext, caller: Caller, request: SearchLoggedModels) -> Answer:
    """Return ``{"models", "next_page_token"}``, by default the newest first. Raises InvalidField."""
    clauses = parse_filter(request.filter)
    orders = parse_order([_order(order) for order in request.order_by])
    projects = await project_ids(context, caller, request.experiment_ids)
    start = context.cursors.read(request.page_token, NAME, caller, projects, None) if request.page_token else 0
    condition = every(OneOf("project", tuple(projects)), LOGGED)
    page = PageBounds([Order("created", descending=True), Order("id")], 0, MAX_SEARCHED + 1)
    found = await context.registry.find(MODELS, view_of(caller), condition, page) if projects else []
    if len(found) > MAX_SEARCHED:
        raise InvalidField(f"At most {MAX_SEARCHED} models are searched")
    chosen = await Selection(clauses, orders, _fields).selected(found)
    end = start + request.max_results
    token = {"next_page_token": context.cursors.make(NAME, caller, projects, end)} if end < len(chosen) else {}
    return {"models": [model_of(model) for model in chosen[start:end]]} | token


def _order(order: dict[str, Any]) -> str:
    return f"{order.get('field_name', '')} {'ASC' if order.get('ascending', True) else 'DESC'}"


def _fields(model: Document) -> Fields:
    attributes = model_of(model)["info"]
    times = {"creation_timestamp": attributes["creation_timestamp_ms"]}
    own: Document = model.get(MODEL) or {}
    return {"attributes": attributes | times, "params": own.get("params") or {}, "tags": model.get(TAGS) or {}}
