"""The write path's endpoint table."""

from __future__ import annotations

from ingest import gateway
from ingest.adapters.mlflow import experiments as mlflow_experiments
from ingest.adapters.mlflow import metrics as mlflow_metrics
from ingest.adapters.mlflow import models as mlflow_models
from ingest.adapters.mlflow import runs as mlflow_runs
from ingest.adapters.trackio import logs as trackio_logs
from ingest.adapters.wandb import operations as wandb_operations
from ingest.adapters.wandb import stream as wandb_stream
from ingest.registry import (
    administration,
    belonging,
    cloning,
    credentials,
    model_removal,
    models,
    pipelines,
    project_members,
    project_merge,
    project_removal,
    projects,
    publishing,
    quotas,
    removal,
    reports,
    task_batch,
    task_parts,
    task_status,
    tasks,
    users,
)
from schema.api.wire import Endpoints, Tier

endpoints = Endpoints(Tier.GATEWAY).merge(
    administration.endpoints,
    belonging.endpoints,
    cloning.endpoints,
    credentials.endpoints,
    gateway.endpoints,
    mlflow_experiments.endpoints,
    mlflow_metrics.endpoints,
    mlflow_models.endpoints,
    mlflow_runs.endpoints,
    model_removal.endpoints,
    models.endpoints,
    pipelines.endpoints,
    project_members.endpoints,
    project_merge.endpoints,
    project_removal.endpoints,
    projects.endpoints,
    publishing.endpoints,
    quotas.endpoints,
    removal.endpoints,
    reports.endpoints,
    task_batch.endpoints,
    task_parts.endpoints,
    task_status.endpoints,
    tasks.endpoints,
    trackio_logs.endpoints,
    users.endpoints,
    wandb_operations.endpoints,
    wandb_stream.endpoints,
)
