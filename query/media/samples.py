"""Samples: one debug image, or the plots of a metric, at one iteration (API contract 3.5 to 3.8).

The state of a window walk is in its scroll id: the range of valid iterations of each variant (images) or metric (plots)
that can be walked to, and where the walk stands. Its size is that of their names, compressed; beyond
``cursor.MAX_CHARACTERS`` the request is refused with InvalidField: walk through a single metric then.

Two statements: the ranges (at the start and on refresh), and the sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from query.context import QueryContext
from query.media.walk_cursors import WalkCursor, advance, resume, resume_known
from query.sql.statements import Event, Int64, document_columns, documents, entity_parameters, fill
from schema.api.requests import Boolean, Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidScroll
from schema.events.rows import Row
from schema.events.tables import DEBUG_IMAGE, PLOT, TABLES
from schema.registry import Entity
from schema.store.tombstone_filters import DELETED_SEQ_SQL, NOT_DELETED_SQL, OF_ENTITY_SQL

# A url seen again was overwritten: an image is valid from the smallest of its urls' newest iterations.
IMAGE_RANGES_SQL = f"""
SELECT metric, variant, min(newest) AS low, max(newest) AS high FROM
(
    SELECT metric, variant, url, max(iter) AS newest FROM debug_images FINAL
    PREWHERE {OF_ENTITY_SQL} AND has_iter AND $of_metric WHERE {NOT_DELETED_SQL} AND url IS NOT NULL
    GROUP BY metric, variant, url
)
GROUP BY metric, variant ORDER BY metric, variant
"""
PLOT_RANGES_SQL = f"""
SELECT metric, '' AS variant, min(min_iter) AS low, max(max_iter) AS high FROM metric_index
WHERE {OF_ENTITY_SQL} AND event_type = '{PLOT}' AND since = {DELETED_SEQ_SQL} AND min_iter <= max_iter AND $of_metric
GROUP BY metric ORDER BY metric
"""
SAMPLE_SQL = f"""
SELECT $columns FROM $table FINAL PREWHERE {OF_ENTITY_SQL} AND has_iter AND ($place) IN
(
    SELECT $place FROM $table FINAL
    INNER JOIN
    (
        SELECT r.1 AS metric, r.2 AS $range_variant, r.3 AS low
        FROM (SELECT arrayJoin({{ranges:Array(Tuple(String, String, Int64))}}) AS r)
    ) AS ranges USING ($name)
    WHERE {OF_ENTITY_SQL} AND {NOT_DELETED_SQL} AND has_iter AND $condition AND $within AND $step
    ORDER BY $order LIMIT 1
)
WHERE {NOT_DELETED_SQL} AND $condition ORDER BY $best
"""

SampleName = tuple[str, ...]  # (metric, variant) of an image; (metric,) of plots
Place = tuple[Any, ...]  # the iteration, then the name
endpoints = Endpoints(Tier.QUERY)


@dataclass(frozen=True)
class Kind:
    """A kind of samples: how those of one event type are found. ``name``: the columns that identify a sample."""

    event_type: str
    scroll: str
    name: tuple[str, ...]
    ranges: str
    condition: str  # SQL: an event that counts
    within: str  # SQL: an event at a valid iteration
    best: str  # SQL: order of the events of a place, and how many


IMAGE = Kind(
    DEBUG_IMAGE,
    "debug_image_sample",
    ("metric", "variant"),
    IMAGE_RANGES_SQL,
    "url IS NOT NULL",
    "iter >= low",
    "url DESC, seq LIMIT 1",
)
PLOTS = Kind(PLOT, "plot_sample", ("metric",), PLOT_RANGES_SQL, "1", "1", "variant, seq LIMIT 100")


class GetSample(Request):
    """The newest sample of a metric, or the newest up to ``iteration``."""

    task: str
    metric: str
    iteration: Int64 | None = None
    refresh: Boolean = False
    scroll_id: str = ""
    navigate_current_metric: Boolean = True
    model_events: Boolean = False


class GetPlotSample(GetSample):
    """The plots of a metric."""

    @property
    def name(self) -> SampleName:
        """The name to look for: the metric."""
        return (self.metric,)


class GetDebugImageSample(GetSample):
    """The image of a metric and variant."""

    variant: str

    @property
    def name(self) -> SampleName:
        """The name to look for: metric and variant."""
        return (self.metric, self.variant)


class NextSample(Request):
    """The sample before or after the current one. ``next_iteration``: at another iteration in any case."""

    task: str
    scroll_id: str = ""
    navigate_earlier: Boolean = True
    next_iteration: Boolean = False
    model_events: Boolean = False


@dataclass
class SampleKind:
    """A walk through samples of a task.

    ``ranges``: (lowest, highest) valid iteration by name. ``metric``: the only one walked through, or None. ``place``:
    of the current sample; None if none was found yet, from which no step leads anywhere.
    """

    task: str
    metric: str | None
    ranges: dict[SampleName, tuple[int, int]]
    place: Place | None = None
    cursor: WalkCursor | None = None


@endpoints.add("events.get_debug_image_sample", "2.12")
async def get_debug_image_sample(context: QueryContext, caller: Caller, request: GetDebugImageSample) -> Answer:
    """Return ``{scroll_id, event, min_iteration, max_iteration}``; nulls where there is none.

    An unknown scroll id starts over; one of another task or metric raises InvalidScroll.
    """
    return _one(await _get(context, caller, request, request.name, IMAGE))


@endpoints.add("events.next_debug_image_sample", "2.12")
async def next_debug_image_sample(context: QueryContext, caller: Caller, request: NextSample) -> Answer:
    """Return the neighbouring image; nulls and the same scroll id at the end.

    Raises InvalidScroll.
    """
    return _one(await _next(context, caller, request, IMAGE))


@endpoints.add("events.get_plot_sample")
async def get_plot_sample(context: QueryContext, caller: Caller, request: GetPlotSample) -> Answer:
    """Return ``{scroll_id, events, min_iteration, max_iteration}``: up to 100 plots of the metric, by variant.

    An unknown scroll id starts over; one of another task or metric raises InvalidScroll.
    """
    return await _get(context, caller, request, request.name, PLOTS)


@endpoints.add("events.next_plot_sample")
async def next_plot_sample(context: QueryContext, caller: Caller, request: NextSample) -> Answer:
    """Return the neighbouring plots; no events and the same scroll id at the end.

    Raises InvalidScroll.
    """
    return await _next(context, caller, request, PLOTS)


def _one(answer: dict[str, Any]) -> Answer:
    events: list[Event] = answer.pop("events")
    return answer | {"event": events[0] if events else None}


async def _get(
    context: QueryContext, caller: Caller, request: GetSample, name: SampleName, kind: Kind
) -> dict[str, Any]:
    entity = await context.entity(caller, request.task, request.model_events)
    metric = request.metric if request.navigate_current_metric else None
    cursor = await resume_known(context, caller, kind.scroll, request.scroll_id)
    walk = _walk_of(cursor) if cursor else None
    if walk and (walk.task, walk.metric) != (request.task, metric):
        raise InvalidScroll("The scroll id belongs to another task or metric")
    if walk is None:
        walk = SampleKind(request.task, metric, await _ranges(context, entity, metric, kind))
    elif request.refresh:
        walk.ranges = await _ranges(context, entity, metric, kind)
    rows: list[Row] = []
    if name in walk.ranges:
        step = "1" if request.iteration is None else "iter <= {iteration:Int64}"
        target, parameters = {name: walk.ranges[name]}, {"iteration": request.iteration}
        rows = await _sample(context, entity, kind, target, step, parameters, is_earlier=True)
    return await _answer(context, caller, walk, rows, kind, name)


async def _next(context: QueryContext, caller: Caller, request: NextSample, kind: Kind) -> dict[str, Any]:
    entity = await context.entity(caller, request.task, request.model_events)
    walk = _walk_of(await resume(context, caller, kind.scroll, request.scroll_id))
    if walk.task != request.task:
        raise InvalidScroll("The scroll id belongs to another task")
    rows: list[Row] = []
    if walk.place is not None:
        step, parameters = _step(walk.place, request, kind)
        rows = await _sample(context, entity, kind, walk.ranges, step, parameters, request.navigate_earlier)
    if not rows:
        return {"scroll_id": request.scroll_id, "events": [], "min_iteration": None, "max_iteration": None}
    return await _answer(context, caller, walk, rows, kind, tuple(rows[0][column] for column in kind.name))


def _step(place: Place, request: NextSample, kind: Kind) -> tuple[str, dict[str, Any]]:
    """Return the condition of a step and its parameters."""
    sign = "<" if request.navigate_earlier else ">"
    parameters = dict(zip(("place_iter", "place_metric", "place_variant"), place, strict=False))
    if request.next_iteration:
        return f"iter {sign} {{place_iter:Int64}}", parameters
    values = ", ".join(("{place_iter:Int64}", *(f"{{place_{column}:String}}" for column in kind.name)))
    return f"(iter, {', '.join(kind.name)}) {sign} ({values})", parameters


async def _ranges(
    context: QueryContext, entity: Entity, metric: str | None, kind: Kind
) -> dict[SampleName, tuple[int, int]]:
    """Read the ranges of one metric, or of all."""
    sql = fill(kind.ranges, {"$of_metric": "1" if metric is None else "metric = {metric:String}"})
    rows = await context.caches.responses.rows(
        sql, entity_parameters(entity) | {"metric": metric}, [entity], kind.event_type
    )
    return {tuple(row[column] for column in kind.name): (row["low"], row["high"]) for row in rows}


async def _sample(
    context: QueryContext,
    entity: Entity,
    kind: Kind,
    ranges: dict[SampleName, tuple[int, int]],
    step: str,
    parameters: dict[str, Any],
    is_earlier: bool,
) -> list[Row]:
    """Read the events at the first place in the direction, among those in ``ranges``, that meets ``step``."""
    place = ("iter", *kind.name)
    texts = {
        "$columns": document_columns(kind.event_type),
        "$table": TABLES[kind.event_type].name,
        "$place": ", ".join(place),
        "$name": ", ".join(kind.name),
        "$range_variant": "variant" if "variant" in kind.name else "no_variant",
        "$condition": kind.condition,
        "$within": kind.within,
        "$step": step,
        "$order": ", ".join(f"{column} {'DESC' if is_earlier else 'ASC'}" for column in place),
        "$best": kind.best,
    }
    known = [(name[0], name[-1], low) for name, (low, _) in ranges.items()]
    parameters = entity_parameters(entity) | parameters | {"ranges": known}
    return await context.caches.responses.rows(fill(SAMPLE_SQL, texts), parameters, [entity], kind.event_type)


async def _answer(
    context: QueryContext, caller: Caller, walk: SampleKind, rows: list[Row], kind: Kind, name: SampleName
) -> dict[str, Any]:
    """Return the sample, with the walk moved to it."""
    if rows:
        walk.place = (rows[0]["iter"], *name)
    low, high = walk.ranges.get(name, (None, None))
    return {
        "scroll_id": await advance(context, caller, kind.scroll, _state(walk), walk.cursor),
        "events": documents(rows, kind.event_type),
        "min_iteration": low,
        "max_iteration": high,
    }


def _walk_of(cursor: WalkCursor) -> SampleKind:
    """Return the walk that a cursor holds."""
    task, metric, ranges, place = cursor.state
    found = {tuple(name): (low, high) for name, low, high in ranges}
    return SampleKind(task, metric, found, place and tuple(place), cursor)


def _state(walk: SampleKind) -> tuple[Any, ...]:
    ranges = [(name, low, high) for name, (low, high) in walk.ranges.items()]
    return walk.task, walk.metric, ranges, walk.place
