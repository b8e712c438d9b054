"""Values that tables are filtered by: hyper parameters of tasks, metadata of models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from query.context import QueryContext
from query.registry.documents import at
from query.registry.filters import pattern
from query.registry.listing import in_projects
from schema.api.requests import Boolean, Integer, Request, Texts
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.fairness.computing import compute
from schema.registry import MODELS, TASKS, Document, Kind, OneOf, Order, PageBounds, matching, unescaped

MAX_DOCUMENTS = 2000  # that are looked through

endpoints = Endpoints(Tier.QUERY)


class OfProject(Request):
    """A page of what there is in a project; null means all projects."""

    project: str | None = None
    include_subprojects: Boolean = True
    page: Integer = 0
    page_size: Integer = 500


class Values(Request):
    """A page of values; ``projects``: none means all. Without a page size all of them."""

    projects: Texts = []
    allow_public: Boolean = True
    include_subprojects: Boolean = True
    page: Integer = 0
    page_size: Integer | None = None

    def shown(self, values: Iterable[str]) -> Answer:
        """Return the page, sorted, each value once."""
        ordered = sorted(set(values))
        start = self.page * (self.page_size or 0)
        return {"total": len(ordered), "values": ordered[start : start + (self.page_size or len(ordered))]}


class GetHyperparamValues(Values):
    """Values of a hyper parameter. ``pattern``: a regular expression that is found in them, in any case."""

    section: str
    name: str
    pattern: str = ""


class GetModelMetadataValues(Values):
    """Values of a key of models' metadata."""

    key: str


@endpoints.add("projects.get_hyper_parameters")
async def get_hyper_parameters(context: QueryContext, caller: Caller, request: OfProject) -> Answer:
    """Return a page of the sections and names of hyper parameters, each once, sorted.

    They are those of the tasks that changed last.
    """
    names = {
        (section, name)
        for task in await _inside(context, caller, TASKS, "hyperparams", request)
        for section, parameters in (task.get("hyperparams") or {}).items()
        for name in parameters
    }
    shown, counts = _page(sorted(names), request)
    return {"parameters": [{"section": section, "name": name} for section, name in shown]} | counts


@endpoints.add("projects.get_hyperparam_values")
async def get_hyperparam_values(context: QueryContext, caller: Caller, request: GetHyperparamValues) -> Answer:
    """Return ``{"total", "values"}`` of a hyper parameter in the tasks that changed last.

    Raises InvalidRegex.
    """
    wanted = pattern("pattern", request.pattern)
    path = [unescaped(request.section), unescaped(request.name), "value"]
    values = await _values(context, caller, TASKS, ("hyperparams", path), request)
    return request.shown(await compute(matching, f"(?i){wanted.pattern}", values))


@endpoints.add("projects.get_model_metadata_keys")
async def get_model_metadata_keys(context: QueryContext, caller: Caller, request: OfProject) -> Answer:
    """Return a page of the keys of metadata, each once, sorted.

    They are those of the models that changed last.
    """
    models = await _inside(context, caller, MODELS, "metadata", request)
    keys, counts = _page(sorted({key for model in models for key in model.get("metadata") or {}}), request)
    return {"keys": keys} | counts


@endpoints.add("projects.get_model_metadata_values")
async def get_model_metadata_values(context: QueryContext, caller: Caller, request: GetModelMetadataValues) -> Answer:
    """Return ``{"total", "values"}`` of a key in the models that changed last."""
    return request.shown(await _values(context, caller, MODELS, ("metadata", [request.key, "value"]), request))


def _page(found: Sequence[Any], request: OfProject) -> tuple[Sequence[Any], Document]:
    """Return one page, and the counts that go with it."""
    start = request.page * request.page_size
    shown = found[start : start + request.page_size]
    return shown, {"total": len(found), "remaining": max(0, len(found) - start - len(shown))}


async def _inside(context: QueryContext, caller: Caller, kind: Kind, field: str, request: OfProject) -> list[Document]:
    projects = [request.project] if request.project else []
    return await _documents(context, caller, kind, field, projects, request.include_subprojects)


async def _values(
    context: QueryContext, caller: Caller, kind: Kind, place: tuple[str, Sequence[str]], request: Values
) -> Iterator[str]:
    """Read values. ``place``: a top-level field, and the path in it."""
    field, path = place
    found = await _documents(context, caller, kind, field, request.projects, request.include_subprojects)
    own = (document for document in found if request.allow_public or document["company"] == caller.company)
    values = (at(document.get(field), path) for document in own)
    return (str(value) for value in values if value not in (None, ""))


async def _documents(
    context: QueryContext, caller: Caller, kind: Kind, field: str, projects: Sequence[str], include_subprojects: bool
) -> list[Document]:
    inside = await in_projects(context, caller, projects, include_subprojects)
    if not projects and not include_subprojects:
        inside = OneOf("project", (None,))
    order = [Order("last_update", descending=True)]
    page = PageBounds(order, limit=MAX_DOCUMENTS, fields=frozenset((field, "company")))
    return await context.registry.find(kind, view_of(caller), inside, page)
