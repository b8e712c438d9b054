"""The endpoint of credentials for storage elsewhere: Eventide removes no files from clouds, and so keeps none."""

from __future__ import annotations

from query.context import QueryContext
from schema.api.requests import Nothing
from schema.api.wire import Answer, Caller, Endpoints, Tier

endpoints = Endpoints(Tier.QUERY)


@endpoints.add("storage.get_settings")
async def get_settings(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return empty lists: the web application's form reads them without a check."""
    return {"settings": {"aws": {"buckets": []}, "google": {"buckets": []}, "azure": {"containers": []}}}
