"""Debug images by iteration: ``debug_images`` in its three implementations (API contract 3.3)."""

from __future__ import annotations

from query.context import QueryContext
from query.media.window_walk import IMAGES, Navigate, walk
from query.pagination.paging import MAX_PAGE
from query.snapshot_scroll import Scrolled, ScrollPage, Selection, scroll
from query.sql.statements import Iterations, documents
from schema.api.requests import Boolean
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.events.tables import DEBUG_IMAGE

PAGE_EVENTS = 500

endpoints = Endpoints(Tier.QUERY)


class DebugImagesV1(Scrolled):
    """A page of a task's images, newest first."""

    task: str
    iters: Iterations = 1


class DebugImagesV18(DebugImagesV1):
    """The images at an entity's newest iterations."""

    model_events: Boolean = False


@endpoints.add("events.debug_images", "1.0")
async def debug_images_v1(context: QueryContext, caller: Caller, request: DebugImagesV1) -> Answer:
    """Return ``{task, images, returned, total, scroll_id}``.

    Of each page of 10 000 images the newest ``iters`` of each metric and variant are returned.
    """
    task = await context.entity(caller, request.task)
    page = await scroll(context, caller, "debug_images 1.0", [task], request, _each_newest)
    return _listed(request.task, page, page.scroll_id)


def _each_newest(request: DebugImagesV1) -> Selection:
    return Selection(DEBUG_IMAGE, MAX_PAGE, parameters={"iters": request.iters}, kept_of="concat(metric, variant)")


@endpoints.add("events.debug_images", "1.8")
async def debug_images_v18(context: QueryContext, caller: Caller, request: DebugImagesV18) -> Answer:
    """Return all images at the ``iters`` newest iterations, in pages of 500."""
    entity = await context.entity(caller, request.task, request.model_events)
    page = await scroll(context, caller, "debug_images 1.8", [entity], request, _last_iterations)
    return _listed(request.task, page, page.scroll_id if page.total else None)


def _last_iterations(request: DebugImagesV18) -> Selection:
    return Selection(DEBUG_IMAGE, PAGE_EVENTS, "has_iter", {"iters": request.iters}, newest_of="task")


@endpoints.add("events.debug_images", "2.7")
async def debug_images(context: QueryContext, caller: Caller, request: Navigate) -> Answer:
    """Return ``{metrics: [{task, iterations: [{iter, events}]}], scroll_id}``: the next iterations in either direction.

    Images whose file a later one has overwritten are left out.
    """
    return await walk(context, caller, request, IMAGES)


def _listed(task: str, page: ScrollPage, scroll_id: str | None) -> Answer:
    images = documents(page.rows, DEBUG_IMAGE)
    return {"task": task, "images": images, "returned": len(images), "total": page.total, "scroll_id": scroll_id}
