"""The read path's endpoint table: every family."""

from __future__ import annotations

from query import (
    debug_images,
    events,
    histograms,
    latest,
    logs,
    metrics,
    models,
    plots,
    projects,
    samples,
    scalars,
    scrolls,
    stream,
    tasks,
    users,
    vectors,
)
from schema.wire import Endpoints, Tier

endpoints = Endpoints(Tier.QUERY).merge(
    debug_images.endpoints,
    events.endpoints,
    histograms.endpoints,
    latest.endpoints,
    logs.endpoints,
    metrics.endpoints,
    models.endpoints,
    plots.endpoints,
    projects.endpoints,
    samples.endpoints,
    scalars.endpoints,
    scrolls.endpoints,
    stream.endpoints,
    tasks.endpoints,
    users.endpoints,
    vectors.endpoints,
)
