"""The read path's endpoint table: every family."""

from __future__ import annotations

from query import (
    agents,
    cloud_storage,
    column_values,
    csv_download,
    debug_images,
    events,
    histograms,
    latest,
    logs,
    metrics,
    models,
    organization,
    plots,
    projects,
    reports,
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
    agents.endpoints,
    cloud_storage.endpoints,
    column_values.endpoints,
    csv_download.endpoints,
    debug_images.endpoints,
    events.endpoints,
    histograms.endpoints,
    latest.endpoints,
    logs.endpoints,
    metrics.endpoints,
    models.endpoints,
    organization.endpoints,
    plots.endpoints,
    projects.endpoints,
    reports.endpoints,
    samples.endpoints,
    scalars.endpoints,
    scrolls.endpoints,
    stream.endpoints,
    tasks.endpoints,
    users.endpoints,
    vectors.endpoints,
)
