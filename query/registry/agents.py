"""Endpoints of queues, workers and model endpoints. Eventide has none, and answers that."""

from __future__ import annotations

from query.context import QueryContext
from schema.api.requests import Nothing
from schema.api.wire import Answer, Caller, Endpoints, Tier

endpoints = Endpoints(Tier.QUERY)


@endpoints.add("queues.get_all")
@endpoints.add("queues.get_all_ex")
@endpoints.add("queues.get_queue_metrics")
async def get_queues(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return no queues, and no lengths or waiting times."""
    return {"queues": []}


@endpoints.add("workers.get_all")
@endpoints.add("workers.get_stats")
async def get_workers(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return no workers, and no loads."""
    return {"workers": []}


@endpoints.add("workers.get_activity_report")
async def get_activity_report(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return how many workers there were, and how many of them worked: two empty series."""
    return {"total": {"dates": [], "counts": []}, "active": {"dates": [], "counts": []}}


@endpoints.add("serving.get_endpoints")
async def get_model_endpoints(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return no model endpoints."""
    return {"endpoints": []}


@endpoints.add("serving.get_loading_instances")
async def get_loading_instances(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return no model endpoints that are being started."""
    return {"instances": []}
