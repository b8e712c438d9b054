"""Endpoints of reports: Eventide stores none."""

from __future__ import annotations

from query.context import QueryContext
from schema.api.requests import Nothing
from schema.api.wire import Answer, Caller, Endpoints, Tier

endpoints = Endpoints(Tier.QUERY)


@endpoints.add("reports.get_all_ex")
async def get_all_ex(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return no reports."""
    return {"tasks": []}


@endpoints.add("reports.get_tags")
async def get_tags(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return no tags."""
    return {"tags": []}
