"""Walks iteration by iteration through images or plots: ``debug_images`` and ``plots`` (API contract 3.3.3).

The state of a window walk is in its scroll id: for each task the metrics and variants found at the start, of images
with the iteration up to which their files are overwritten, and the window of iterations shown last. Its size is that of
the names, compressed; beyond ``cursor.MAX_CHARACTERS`` the request is refused with InvalidField.

Two statements: what there is (at the start and on refresh), and the events of the next iterations of all tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any

from pydantic import Field

from query.context import QueryContext
from query.media.walk_cursors import advance, resume_known
from query.sql.statements import Int64, Iterations, document_columns, documents, entities_parameters, fill
from schema.api.requests import Boolean, Request
from schema.api.wire import Answer, Caller
from schema.errors import InvalidScroll
from schema.events.rows import Row
from schema.events.tables import DEBUG_IMAGE, INT64_MAX, INT64_MIN, PLOT, TABLES
from schema.registry import Entity
from schema.store.tombstone_filters import DELETED_SEQS_SQL, NOT_DELETED_MANY_SQL, OF_ENTITIES_SQL

SCROLL = "iterations"

WANTED = """(task IN {whole_tasks:Array(String)} OR (task, metric) IN {whole_metrics:Array(Tuple(String, String))}
    OR (task, metric, variant) IN {variants:Array(Tuple(String, String, String))})"""
# Of each variant the url seen last: where it was seen before, its file was overwritten, and those of older urls were.
IMAGES_KNOWN_SQL = f"""
SELECT task, metric, variant, argMin(places, (places[1], url)) AS ring,
    if(length(ring) = 2, bitNot(ring[2]), NULL) AS last_invalid
FROM
(
    SELECT task, metric, variant, url, groupArraySorted(2)(bitNot(iter)) AS places
    FROM
    (
        SELECT DISTINCT task, metric, variant, url, iter FROM debug_images FINAL
        PREWHERE {OF_ENTITIES_SQL} AND has_iter AND {WANTED} WHERE {NOT_DELETED_MANY_SQL} AND url IS NOT NULL
    )
    GROUP BY task, metric, variant, url
)
GROUP BY task, metric, variant ORDER BY task, metric, variant
"""
PLOTS_KNOWN_SQL = f"""
SELECT DISTINCT task, metric, variant, NULL AS last_invalid FROM metric_index
WHERE {OF_ENTITIES_SQL} AND event_type = '{PLOT}' AND since = {DELETED_SEQS_SQL}[task]
    AND min_iter <= max_iter AND {WANTED}
ORDER BY task, metric, variant
"""
# Which events: those of the first iterations beyond the window that have a valid one, and of each variant the best.
CHOSEN_SQL = f"""
SELECT task, seq FROM
(
    SELECT task, metric, variant, iter, seq, $best AS best
    FROM $table FINAL
    INNER JOIN
    (
        SELECT w.1 AS task, w.2 AS is_later, w.3 AS edge
        FROM (SELECT arrayJoin({{windows:Array(Tuple(String, Bool, Nullable(Int64)))}}) AS w)
    ) AS windows USING (task)
    ANY LEFT JOIN
    (
        SELECT k.1 AS task, k.2 AS metric, k.3 AS variant, k.4 AS valid_from, true AS is_known
        FROM (SELECT arrayJoin({{known:Array(Tuple(String, String, String, Int64))}}) AS k)
    ) AS known USING (task, metric, variant)
    WHERE {OF_ENTITIES_SQL} AND {NOT_DELETED_MANY_SQL} AND has_iter AND $condition
        AND (task, metric) IN {{metrics:Array(Tuple(String, String))}}
        AND if(is_known, iter >= valid_from, {{unknown_too:Bool}})
        AND (edge IS NULL OR if(is_later, iter > edge, iter < edge))
    QUALIFY dense_rank() OVER (PARTITION BY task ORDER BY if(is_later, iter, bitNot(iter))) <= {{iters:UInt32}}
)
ORDER BY best DESC, seq LIMIT 1 BY task, iter, metric, variant
"""
EVENTS_SQL = f"""
SELECT $columns FROM $table FINAL PREWHERE {OF_ENTITIES_SQL} AND (task, seq) IN ({CHOSEN_SQL})
WHERE {NOT_DELETED_MANY_SQL}
ORDER BY task, iter DESC, metric, variant
"""

Wanted = Mapping[str, Mapping[str, Sequence[str]]]  # task -> metric -> variants (none: all); no metrics: all
Metrics = dict[str, dict[str, int | None]]  # metric -> variant -> last invalid iteration


@dataclass(frozen=True)
class WalkKind:
    """A kind of walks: over events of one type. ``best``: SQL, greatest for the event that stands for its variant."""

    event_type: str
    known: str
    condition: str
    best: str


IMAGES = WalkKind(DEBUG_IMAGE, IMAGES_KNOWN_SQL, "url IS NOT NULL", "url")
PLOTS = WalkKind(PLOT, PLOTS_KNOWN_SQL, "1", f"if(timestamp = {INT64_MAX}, {INT64_MIN}, timestamp)")


class Target(Request):
    """A metric of a task and some of its variants (none: all); without a metric, all of the task."""

    task: str
    metric: str | None = None
    variants: list[str] = []


class Navigate(Request):
    """The next ``iters`` iterations of some metrics.

    Eventide's own: ``iteration``, where a walk begins that is not under way, itself included; without, at the newest.
    """

    metrics: Annotated[list[Target], Field(min_length=1)]
    iters: Iterations = 1
    navigate_earlier: Boolean = True
    iteration: Int64 | None = None
    refresh: Boolean = False
    scroll_id: str = ""
    model_events: Boolean = False


@dataclass
class TaskWindow:
    """One task of a walk. ``window``: the smallest and greatest iteration shown last."""

    metrics: Metrics
    window: Sequence[int] | None = None


State = dict[str, TaskWindow]


async def walk(context: QueryContext, caller: Caller, request: Navigate, walk: WalkKind) -> Answer:
    """Return ``{metrics: [{task, iterations: [{iter, events}]}], scroll_id}``; iterations always descend.

    An unknown scroll id starts over. Raises InvalidScroll if the scroll has a task that is not asked for.
    """
    wanted = _wanted(request.metrics)
    entities = await context.entities(caller, list(wanted), request.model_events)
    cursor = await resume_known(context, caller, SCROLL, request.scroll_id)
    state = {task: TaskWindow(*window) for task, window in cursor.state.items()} if cursor else {}
    if state and not state.keys() <= wanted.keys():
        raise InvalidScroll("The scroll id belongs to other tasks")
    if not state or request.refresh:
        known = await _look(context, entities, wanted, walk)
        state = _refreshed(state, known, wanted) if state else {task: TaskWindow(known[task]) for task in wanted}
    entities = [entity for entity in entities if entity.id in state]
    bounds = _bounds(state, wanted, request) | {"iters": request.iters}
    pages = await _turn(context, entities, walk, bounds)
    for task, iterations in pages.items():
        state[task].window = (iterations[-1]["iter"], iterations[0]["iter"])
    metrics = [{"task": task, "iterations": pages.get(task, [])} for task in state]
    windows = {task: (window.metrics, window.window) for task, window in state.items()}
    return {"metrics": metrics, "scroll_id": await advance(context, caller, SCROLL, windows, cursor)}


def _wanted(targets: Iterable[Target]) -> Wanted:
    """Return the targets by task and metric.

    The last entry of a metric counts, and one without a metric means all of its task.
    """
    wanted: dict[str, dict[str | None, list[str]]] = {}
    for target in targets:
        wanted.setdefault(target.task, {})[target.metric] = target.variants
    return {
        task: {} if None in metrics else {name: variants for name, variants in metrics.items() if name is not None}
        for task, metrics in wanted.items()
    }


async def _look(
    context: QueryContext, entities: Sequence[Entity], wanted: Wanted, walk: WalkKind
) -> dict[str, Metrics]:
    """Read what there is of what is wanted, by task."""
    pairs = [(task, metric, variants) for task, metrics in wanted.items() for metric, variants in metrics.items()]
    parameters = entities_parameters(entities) | {
        "whole_tasks": [task for task, metrics in wanted.items() if not metrics],
        "whole_metrics": [(task, metric) for task, metric, variants in pairs if not variants],
        "variants": [(task, metric, variant) for task, metric, variants in pairs for variant in variants],
    }
    known: dict[str, Metrics] = {task: {} for task in wanted}
    for row in await context.caches.responses.rows(walk.known, parameters, entities, walk.event_type):
        known[row["task"]].setdefault(row["metric"], {})[row["variant"]] = row["last_invalid"]
    return known


def _refreshed(state: State, known: Mapping[str, Metrics], wanted: Wanted) -> State:
    """Return the metrics asked for as they are now, the others as they were, and the windows unset."""
    return {
        task: TaskWindow(
            {name: variants for name, variants in stand.metrics.items() if wanted[task] and name not in wanted[task]}
            | known[task]
        )
        for task, stand in state.items()
    }


async def _turn(
    context: QueryContext, entities: Sequence[Entity], walk: WalkKind, bounds: dict[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Read the next iterations of each task that has any: ``{iter, events}``, descending."""
    if not bounds["known"]:
        return {}
    texts = {"$condition": walk.condition, "$best": walk.best, "$table": TABLES[walk.event_type].name}
    sql = fill(EVENTS_SQL, texts | {"$columns": document_columns(walk.event_type)})
    rows = await context.caches.responses.rows(sql, entities_parameters(entities) | bounds, entities, walk.event_type)
    return {task: _iterations(of_task, walk) for task, of_task in groupby(rows, itemgetter("task"))}


def _bounds(state: State, wanted: Wanted, request: Navigate) -> dict[str, Any]:
    """Return the parameters that say which events can be next."""
    known = [
        (task, metric, variant, INT64_MIN if last_invalid is None else last_invalid + 1)
        for task, stand in state.items()
        for metric, variants in stand.metrics.items()
        for variant, last_invalid in variants.items()
    ]
    return {
        "known": known,
        "metrics": sorted({(task, metric) for task, metric, *_ in known}),
        "windows": [(task, *_edge(stand.window, request)) for task, stand in state.items()],
        "unknown_too": not any(variants for metrics in wanted.values() for variants in metrics.values()),
    }


def _edge(window: Sequence[int] | None, request: Navigate) -> tuple[bool, int | None]:
    """Return whether to go later, and beyond which iteration; without a window, from the newest iteration down."""
    if window is None:
        return _start(request)
    return (False, window[0]) if request.navigate_earlier else (True, window[1])


def _start(request: Navigate) -> tuple[bool, int | None]:
    """Return the direction and edge of a walk that begins."""
    if request.iteration is None:
        return False, None
    if request.navigate_earlier:
        return False, None if request.iteration == INT64_MAX else request.iteration + 1
    return (True, None) if request.iteration == INT64_MIN else (True, request.iteration - 1)


def _iterations(rows: Iterable[Row], walk: WalkKind) -> list[dict[str, Any]]:
    groups = ((iteration, list(group)) for iteration, group in groupby(rows, itemgetter("iter")))
    return [{"iter": iteration, "events": documents(group, walk.event_type)} for iteration, group in groups]
