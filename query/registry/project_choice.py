"""The projects that a listing is about, besides its filters: by where they lie, and by what lies in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from query.context import QueryContext
from query.registry.filters import Vocabulary
from query.registry.listing import GetAll, with_subprojects
from schema.api.requests import Boolean, Texts
from schema.api.visibility import view_of
from schema.api.wire import Caller
from schema.errors import InvalidField
from schema.registry import EVERYTHING, MODELS, PROJECTS, TASKS, Condition, Kind, OneOf, PageBounds, every
from schema.registry.project_kinds import IS_DATASET, IS_PIPELINE, IS_REPORT

CHILDREN: dict[str, tuple[Kind, Condition]] = {
    "pipeline": (PROJECTS, IS_PIPELINE),
    "dataset": (PROJECTS, IS_DATASET),
    "report": (TASKS, IS_REPORT),
}
ANY_CHILD = ((TASKS, EVERYTHING), (MODELS, EVERYTHING), (PROJECTS, EVERYTHING))


class GetProjects(GetAll):
    """A listing of projects.

    ``shallow_search``: only those directly in ``parent``, or in none; else those at any depth in it.
    """

    shallow_search: Boolean = False

    @property
    def filters(self) -> dict[str, Any]:
        """The filters, with the place of a project only if it must lie there directly."""
        filters = super().filters
        return filters if self.shallow_search else {name: filters[name] for name in filters if name != "parent"}

    @property
    def parents(self) -> list[str]:
        """The projects in which to look. Raises InvalidField."""
        parents = (self.model_extra or {}).get("parent") or []
        if not isinstance(parents, str | list):
            raise InvalidField("parent: a list of ids is expected")
        return [parents] if isinstance(parents, str) else [parent for parent in parents if isinstance(parent, str)]


class GetProjectsEx(GetProjects):
    """A listing of projects with what is in them.

    ``active_users``: only what these made. ``children_type``: only projects with pipelines, datasets or reports at any
    depth, with one of ``children_tags`` or as ``children_tags_filter`` says.
    """

    null_means_all: ClassVar[frozenset[str]] = frozenset(("stats_for_state",))

    include_stats: Boolean = False
    include_dataset_stats: Boolean = False
    stats_for_state: Literal["active", "archived"] | None = "active"
    stats_with_children: Boolean = True
    include_stats_filter: dict[str, Any] = {}
    check_own_contents: Boolean = False
    active_users: Texts = []
    children_type: str | None = None
    children_tags: Texts = []
    children_tags_filter: dict[str, Any] = {}

    @property
    def made(self) -> Condition:
        """The condition that one of ``active_users`` made something."""
        return OneOf("user", tuple(self.active_users)) if self.active_users else EVERYTHING


async def choice(context: QueryContext, caller: Caller, request: GetProjects, vocabulary: Vocabulary) -> Condition:
    """Return the condition on a project besides the filters. Raises InvalidField."""
    place = await _place(context, caller, request)
    if not isinstance(request, GetProjectsEx) or not (request.active_users or request.children_type):
        return place
    return every(place, OneOf("id", tuple(await _holding(context, caller, request, vocabulary))))


async def _place(context: QueryContext, caller: Caller, request: GetProjects) -> Condition:
    if request.shallow_search:
        return EVERYTHING if request.parents else OneOf("parent", (None,))
    if not request.parents:
        return EVERYTHING
    parents = request.parents
    below = await with_subprojects(context, caller, parents)
    return OneOf("id", tuple(set(below).difference(parents)))


async def made_in(context: QueryContext, caller: Caller, users: Sequence[str], vocabulary: Vocabulary) -> Condition:
    """Return the condition that one of some users made a project, or something at any depth in it."""
    request = GetProjectsEx(active_users=list(users))
    return OneOf("id", tuple(await _holding(context, caller, request, vocabulary)))


async def _holding(context: QueryContext, caller: Caller, request: GetProjectsEx, vocabulary: Vocabulary) -> set[str]:
    """Return the projects with such children, and all in which they lie."""
    tags = vocabulary.condition({"tags": request.children_tags, "filters": _tags_filter(request)})
    found: set[str] = set()
    for kind, condition in _children(request.children_type):
        field = "id" if kind is PROJECTS else "project"
        holds = every(condition, request.made, tags)
        found.update(await context.registry.distinct(kind, view_of(caller), field, holds))
    return found | await _around(context, caller, sorted(found))


def _children(children_type: str | None) -> Sequence[tuple[Kind, Condition]]:
    if children_type is None:
        return ANY_CHILD
    if children_type not in CHILDREN:
        raise InvalidField(f"children_type: one of {', '.join(CHILDREN)} is expected")
    return (CHILDREN[children_type],)


def _tags_filter(request: GetProjectsEx) -> dict[str, Any]:
    return {"tags": request.children_tags_filter} if request.children_tags_filter else {}


async def _around(context: QueryContext, caller: Caller, ids: Sequence[str]) -> set[str]:
    """Return the projects in which projects lie."""
    page = PageBounds(fields=frozenset(("name",)))
    inner = await context.registry.find(PROJECTS, view_of(caller), OneOf("id", tuple(ids)), page) if ids else []
    names = {name for project in inner for name in _names_around(project["name"])}
    if not names:
        return set()
    return set(await context.registry.find_ids(PROJECTS, view_of(caller), OneOf("name", tuple(sorted(names)))))


def _names_around(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
