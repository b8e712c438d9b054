"""The endpoints ``get_all`` and ``get_all_ex`` of tasks, models and projects: filter, sort, page, select fields.

Most is one statement on the registry. Filters and orders on statistics, which only the store knows, are applied to the
documents that pass the other filters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from query.cache import statistics
from query.context import QueryContext
from query.registry.conform import conform
from query.registry.documents import ANY, Tree, expand, leave_out, select
from query.registry.filters import Vocabulary, between
from query.registry.paths import excluded_paths, shown_paths, sort_order
from query.registry.statistics_order import ids_by_statistics, is_statistic
from schema.api.requests import AnyFields, Boolean, Integer, Texts
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller
from schema.errors import InvalidField
from schema.registry import (
    EVERYTHING,
    PROJECTS,
    Between,
    Condition,
    Document,
    Kind,
    Not,
    OneOf,
    Order,
    PageBounds,
    begins_with,
    every,
    some,
)
from schema.registry.old_forms import SYSTEM_TAGS, partition_tags

DEFAULT_PAGE_SIZE = 500
MAX_PAGE, MAX_PAGE_SIZE = 10**12, 10_000
MAX_ORDERS, MAX_ORDER_CHARACTERS = 20, 500
MAX_FIELDS = 1000
PageSize = Annotated[Integer, Field(ge=1, le=MAX_PAGE_SIZE)]
HIDDEN = Not(OneOf("system_tags", ("hidden",)))
COUNTS = frozenset(("count", "mean_value"))


class GetAll(AnyFields):
    """A listing; all other fields are filters (see ``filters``)."""

    id: Texts = []
    page: Annotated[Integer, Field(ge=0, le=MAX_PAGE)] | None = None
    page_size: PageSize | None = None
    size: PageSize | None = None
    scroll_id: str | None = None
    refresh_scroll: Boolean = False
    order_by: Annotated[Texts, Field(max_length=MAX_ORDERS)] = []
    only_fields: Annotated[Texts, Field(max_length=MAX_FIELDS)] = []
    projection: Annotated[Texts, Field(max_length=MAX_FIELDS)] = []
    search_hidden: Boolean = False
    include_subprojects: Boolean = False
    allow_public: Boolean = True

    @property
    def filters(self) -> dict[str, Any]:
        """The fields that say which documents to list."""
        return {"id": self.id} | (self.model_extra or {})


@dataclass(frozen=True)
class Listing:
    """A request for documents of one kind. ``more``: a condition besides its filters."""

    vocabulary: Vocabulary
    request: GetAll
    more: Condition | None = None

    @property
    def by_statistics(self) -> dict[str, Between]:
        """The filters on statistics."""
        filters = self.request.filters
        return {name: between(name, value) for name, value in filters.items() if is_statistic(name) and value}

    @property
    def order(self) -> list[Order]:
        """The order, as far as it is known. Raises InvalidField for a path that no document has."""
        if any(len(path) > MAX_ORDER_CHARACTERS for path in self.request.order_by):
            raise InvalidField(f"order_by: a path has at most {MAX_ORDER_CHARACTERS} characters")
        orders = [sort_order(self.vocabulary.kind, path) for path in self.request.order_by]
        return [by for by in orders if self.vocabulary.knows(by.field) or is_statistic(by.field)]

    @property
    def fields(self) -> list[str]:
        """Paths of the fields to show; none: all."""
        return shown_paths(self.vocabulary.kind, self._projection)

    @property
    def tree(self) -> Tree:
        """The fields to show."""
        return Tree.of(self.fields)

    @property
    def excluded(self) -> Tree:
        """The fields to leave out."""
        return Tree.of(excluded_paths(self.vocabulary.kind, self._projection))

    @property
    def _projection(self) -> list[str]:
        return self.request.projection or self.request.only_fields


@dataclass(frozen=True)
class Window:
    """The rows of the whole that are returned."""

    offset: int
    limit: int


async def list_documents(context: QueryContext, caller: Caller, listing: Listing, join: bool) -> Answer:
    """Return ``{"<kind>s": documents}`` and, for a scroll, ``scroll_id``. ``join``: references become objects.

    Raises InvalidField, BadValue and InvalidRegex.
    """
    window = await _window(context, caller, listing.request)
    documents = await _find(context, caller, listing, window)
    scroll_id = await _remember(context, caller, listing.request, window.offset + len(documents))
    kind, tree = listing.vocabulary.kind, listing.tree
    shown = await expand(context, caller, kind, documents, tree) if join else select(documents, tree)
    if excluded := listing.excluded:
        shown = [leave_out(document, excluded) for document in shown]
    conform(caller, kind, shown)
    return {f"{kind.name}s": shown} | ({"scroll_id": scroll_id} if scroll_id else {})


async def _window(context: QueryContext, caller: Caller, request: GetAll) -> Window:
    """Return the page, or the next part of a scroll; on refresh, all parts that came before."""
    if request.size is None:
        size = request.page_size or DEFAULT_PAGE_SIZE
        return Window((request.page or 0) * size, size)
    position = await _position(context, caller, request)
    if position is None:
        return Window(0, request.size)
    if request.refresh_scroll:
        return Window(0, max(position, request.size))
    return Window(position, request.size)


async def _position(context: QueryContext, caller: Caller, request: GetAll) -> int | None:
    """Return how far the scroll of a request has come; None if it begins, or is unknown and begins anew."""
    return await context.registry.scroll(caller.company, request.scroll_id) if request.scroll_id else None


async def _remember(context: QueryContext, caller: Caller, request: GetAll, position: int) -> str | None:
    """Return the id of the scroll that a request continues or begins, now at ``position``.

    An unknown scroll gets a new id: by that the web application, left open for long, knows to begin anew as well.
    """
    if request.size is None:
        return None
    if not request.scroll_id or await _position(context, caller, request) is None:
        return await context.registry.start_scroll(caller.company, position)
    await context.registry.move_scroll(request.scroll_id, position)
    return request.scroll_id


async def _find(context: QueryContext, caller: Caller, listing: Listing, window: Window) -> list[Document]:
    """Return the documents of a window, with statistics."""
    kind, condition = listing.vocabulary.kind, await condition_of(context, caller, listing)
    fields = _top_level(listing.tree)
    if not listing.by_statistics and not any(is_statistic(by.field) for by in listing.order):
        page = PageBounds(listing.order, window.offset, window.limit, fields)
        found = await context.registry.find(kind, view_of(caller), condition, page)
    else:
        ids = await ids_by_statistics(context, caller, kind, condition, listing.order, listing.by_statistics)
        wanted = ids[window.offset : window.offset + window.limit]
        page = PageBounds((), 0, None, fields)
        by_id = {
            d["id"]: d for d in await context.registry.find(kind, view_of(caller), OneOf("id", tuple(wanted)), page)
        }
        found = [by_id[key] for key in wanted if key in by_id]
    found = [with_artifacts(with_duration(document)) for document in found]
    return await with_statistics(context, found, statistics_of(listing.fields))


def with_duration(document: Document) -> Document:
    """Return a running task with the seconds that it has been active; others as they are."""
    if document.get("status") != "in_progress" or not document.get("started") or "last_update" not in document:
        return document
    started, last = (datetime.fromisoformat(document[name]) for name in ("started", "last_update"))
    return document | {"active_duration": max(0, int((last - started).total_seconds()))}


def with_artifacts(document: Document) -> Document:
    """Return a task with its artifacts by key and mode.

    Without any the list is empty, but there: web applications count on it.
    """
    execution = document.get("execution")
    if not isinstance(execution, dict):
        return document
    artifacts = sorted(execution.get("artifacts") or (), key=lambda a: (str(a.get("key")), str(a.get("mode"))))
    return document | {"execution": execution | {"artifacts": artifacts}}


async def with_statistics(
    context: QueryContext, documents: Sequence[Document], wanted: frozenset[str]
) -> list[Document]:
    """Return the documents with their statistics.

    ``company`` and ``company_origin`` must be among their fields if any are wanted.
    """
    if not wanted:
        return list(documents)
    found = await context.caches.statistics.of({d["id"]: storage_company(d) for d in documents}, wanted)
    return [_with_later_iteration(document, document | found[document["id"]]) for document in documents]


def _with_later_iteration(document: Document, shown: Document) -> Document:
    """Return ``shown`` with the iteration that was noted with a model, if events tell of none so late."""
    noted = document.get(statistics.LAST_ITERATION)
    if noted is None or statistics.LAST_ITERATION not in shown:
        return shown
    return shown | {statistics.LAST_ITERATION: max(noted, shown[statistics.LAST_ITERATION])}


def storage_company(document: Document) -> str:
    """Return the company under which the events of a task or model are stored."""
    return str(document["company"] or document.get("company_origin") or "")


def statistics_of(only_fields: Sequence[str]) -> frozenset[str]:
    """Return the statistics that ``only_fields`` names; without such fields, all but counts."""
    if not only_fields or ANY in only_fields:
        return frozenset((statistics.LAST_ITERATION, statistics.LAST_METRICS))
    wanted = {field.split(".")[0] for field in only_fields} & statistics.FIELDS
    if any(_asks_for_counts(field.split(".")) for field in only_fields):
        wanted.add(statistics.COUNTS)
    return frozenset(wanted)


def _asks_for_counts(path: list[str]) -> bool:
    return path[0] == statistics.LAST_METRICS and (len(path) < 4 or path[3] in COUNTS)


def _top_level(tree: Tree) -> frozenset[str] | None:
    """Return what to read of a document to show what the tree names."""
    if not tree or ANY in tree:
        return None
    needed = {"company", "company_origin"} | (tree.keys() - (statistics.FIELDS - {statistics.LAST_ITERATION}))
    return frozenset(needed | ({"status", "started", "last_update"} if "active_duration" in needed else set()))


async def condition_of(context: QueryContext, caller: Caller, listing: Listing) -> Condition:
    """Return the condition of the documents that a listing's filters, but for those on statistics, let through."""
    request, filters = listing.request, listing.request.filters
    if caller.version < SYSTEM_TAGS:
        filters |= _split_tags(listing.vocabulary.kind, filters)
    projects = filters.get("project")
    if request.include_subprojects and isinstance(projects, list) and projects:
        filters["project"] = await with_subprojects(context, caller, projects)
    conditions = [listing.vocabulary.condition(filters), of_company(caller, request.allow_public)]
    if listing.vocabulary.has_hidden and not request.search_hidden and not request.id:
        conditions.append(HIDDEN)
    return every(*conditions, *([listing.more] if listing.more else []))


def _split_tags(kind: Kind, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return filters on tags of the old form as filters on tags and on system tags."""
    tags = filters.get("tags")
    if not isinstance(tags, list) or filters.get("system_tags"):
        return {}
    own, system = partition_tags(kind, [tag for tag in tags if isinstance(tag, str)])
    return {"tags": own, "system_tags": system}


def of_company(caller: Caller, allow_public: bool) -> Condition:
    """Return the condition of documents of the caller's company, or of public ones too."""
    return EVERYTHING if allow_public else OneOf("company", (caller.company,))


async def in_projects(
    context: QueryContext, caller: Caller, projects: Sequence[str], include_subprojects: bool = True
) -> Condition:
    """Return the condition of documents in these projects; all documents if there are none."""
    if not projects:
        return EVERYTHING
    return OneOf(
        "project", tuple(await with_subprojects(context, caller, projects) if include_subprojects else projects)
    )


async def with_subprojects(context: QueryContext, caller: Caller, projects: Sequence[Any]) -> list[Any]:
    """Return projects (operators among them stay) and all that lie under them."""
    texts = {project for project in projects if isinstance(project, str)}
    named = await context.registry.get_many(PROJECTS, texts)
    if not named:
        return list(projects)
    below = some(*(begins_with("name", f"{project['name']}/") for project in named))
    found = await context.registry.find_ids(PROJECTS, view_of(caller), below)
    return [*projects, *(key for key in found if key not in texts)]
