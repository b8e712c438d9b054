"""The read path's endpoint table: every family that is bound to a QueryContext."""

from __future__ import annotations

from query import events, metrics, reports, scalars, snapshot_scroll, storage_usage, vectors
from query.adapters import trackio
from query.adapters.mlflow import experiments as mlflow_experiments
from query.adapters.mlflow import models as mlflow_models
from query.adapters.mlflow import runs as mlflow_runs
from query.curves import bands, histograms, latest
from query.logs import arrivals, download, log_scroll, task_log
from query.media import debug_images, plots, samples
from query.registry import (
    agents,
    audit,
    cloud_storage,
    column_values,
    csv_download,
    models,
    organization,
    project_members,
    projects,
    tags,
    tasks,
    users,
)
from query.task_table import table
from schema.api.wire import Endpoints, Tier

endpoints = Endpoints(Tier.QUERY).merge(
    agents.endpoints,
    arrivals.endpoints,
    audit.endpoints,
    bands.endpoints,
    cloud_storage.endpoints,
    column_values.endpoints,
    csv_download.endpoints,
    debug_images.endpoints,
    download.endpoints,
    events.endpoints,
    histograms.endpoints,
    latest.endpoints,
    metrics.endpoints,
    mlflow_experiments.endpoints,
    mlflow_models.endpoints,
    mlflow_runs.endpoints,
    models.endpoints,
    organization.endpoints,
    plots.endpoints,
    project_members.endpoints,
    projects.endpoints,
    reports.endpoints,
    samples.endpoints,
    scalars.endpoints,
    log_scroll.endpoints,
    snapshot_scroll.endpoints,
    storage_usage.endpoints,
    table.endpoints,
    tags.endpoints,
    task_log.endpoints,
    tasks.endpoints,
    trackio.endpoints,
    users.endpoints,
    vectors.endpoints,
)
