"""Vectors (specification section 3.17)."""

from __future__ import annotations

from query.reader import Reader
from query.rows import columns, documents, of_entity
from schema.living import ENTITY, LIVING
from schema.requests import Boolean, Request
from schema.tables import VECTOR
from schema.wire import Answer, Caller, Endpoints, Tier

MAX_VECTORS = 10_000
VECTORS_SQL = f"""
SELECT {columns(VECTOR)} FROM vectors FINAL
PREWHERE {ENTITY} AND has_iter AND metric = {{metric:String}} AND variant = {{variant:String}}
WHERE {LIVING} AND value != 'null'
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
async def vector_metrics_iter_histogram(reader: Reader, caller: Caller, request: VectorMetricsIterHistogram) -> Answer:
    """``{metric, variant, vectors: [...], iterations: [...]}``: the first 10 000 as they were sent, by iteration.

    Events without iteration or value are left out.
    """
    entity = await reader.entity(caller, request.task, request.model_events)
    names = {"metric": request.metric, "variant": request.variant}
    rows = await reader.memory.rows(VECTORS_SQL, of_entity(entity) | names, [entity], VECTOR)
    events = documents(rows, VECTOR)
    return {
        **names,
        "vectors": [event["value"] for event in events],
        "iterations": [event["iter"] for event in events],
    }
