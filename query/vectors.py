"""The endpoint of vectors (API contract 3.17)."""

from __future__ import annotations

from query.context import QueryContext
from query.sql.statements import document_columns, documents, entity_parameters
from schema.api.requests import Boolean, Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.events.tables import VECTOR
from schema.store.tombstone_filters import NOT_DELETED_SQL, OF_ENTITY_SQL

MAX_VECTORS = 10_000
VECTORS_SQL = f"""
SELECT {document_columns(VECTOR)} FROM vectors FINAL
PREWHERE {OF_ENTITY_SQL} AND has_iter AND metric = {{metric:String}} AND variant = {{variant:String}}
WHERE {NOT_DELETED_SQL} AND value != 'null'
ORDER BY iter, seq LIMIT {MAX_VECTORS}
"""

endpoints = Endpoints(Tier.QUERY)


class VectorMetricsIterHistogram(Request):
    """The vectors of one metric and variant."""

    task: str
    metric: str
    variant: str
    model_events: Boolean = False


@endpoints.add("events.vector_metrics_iter_histogram")
async def vector_metrics_iter_histogram(
    context: QueryContext, caller: Caller, request: VectorMetricsIterHistogram
) -> Answer:
    """Return ``{metric, variant, vectors: [...], iterations: [...]}``: the first 10 000 as sent, by iteration.

    Events without iteration or value are left out.
    """
    entity = await context.entity(caller, request.task, request.model_events)
    names = {"metric": request.metric, "variant": request.variant}
    rows = await context.caches.responses.rows(VECTORS_SQL, entity_parameters(entity) | names, [entity], VECTOR)
    events = documents(rows, VECTOR)
    return {
        **names,
        "vectors": [event["value"] for event in events],
        "iterations": [event["iter"] for event in events],
    }
