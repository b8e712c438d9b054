"""Scopes of access keys: what a key is good for, below what its user may do.

A key of scope ``full`` may call everything that its user may. One of scope ``read`` reads, and is for dashboards. One
of scope ``write`` reports experiments, and is for SDKs: it calls what an SDK calls between ``Task.init`` and the end of
a run, and of tasks and models it sees and changes only those that its user made. Tokens have the scope of the key that
opened their session.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

Scope = Literal["full", "write", "read"]
FULL: Scope = "full"
WRITE: Scope = "write"
READ: Scope = "read"
SCOPES: tuple[Scope, ...] = (FULL, WRITE, READ)

Scopes = frozenset[str]  # any text: a scope that only a newer version knows is good for nothing here
ALL: Scopes = frozenset(SCOPES)
FULL_ONLY: Scopes = frozenset((FULL,))
READS: Scopes = frozenset((FULL, READ))
WRITES: Scopes = frozenset((FULL, WRITE))

# What ClearML SDKs 1.14 to 2.1 call from Task.init to the end of a run, artifacts and models of their own included.
REPORTING = frozenset(
    (
        "events.add",
        "events.add_batch",
        # What MLflow calls from set_experiment to end_run.
        "mlflow.experiments_create",
        "mlflow.experiments_get",
        "mlflow.experiments_get_by_name",
        "mlflow.experiments_set_experiment_tag",
        "mlflow.logged_models_create",
        "mlflow.logged_models_finalize",
        "mlflow.logged_models_get",
        "mlflow.logged_models_log_params",
        "mlflow.logged_models_search",
        "mlflow.logged_models_set_tags",
        "mlflow.runs_create",
        "mlflow.runs_delete_tag",
        "mlflow.runs_get",
        "mlflow.runs_log_batch",
        "mlflow.runs_log_inputs",
        "mlflow.runs_log_metric",
        "mlflow.runs_log_model",
        "mlflow.runs_log_parameter",
        "mlflow.runs_outputs",
        "mlflow.runs_set_tag",
        "mlflow.runs_update",
        "models.add_or_update_metadata",
        "models.create",
        "models.edit",
        "models.get_all",
        "models.get_by_id",
        "models.set_ready",
        "models.update",
        "models.update_for_task",
        "projects.create",
        "projects.get_all",
        "projects.get_by_id",
        "tasks.add_or_update_artifacts",
        "tasks.add_or_update_model",
        "tasks.close",
        "tasks.completed",
        "tasks.create",
        "tasks.delete_artifacts",
        "tasks.delete_configuration",
        "tasks.delete_hyper_params",
        "tasks.edit",
        "tasks.edit_configuration",
        "tasks.edit_hyper_params",
        "tasks.failed",
        "tasks.get_all",
        "tasks.get_by_id",
        "tasks.get_configurations",
        "tasks.get_hyper_params",
        "tasks.ping",
        "tasks.publish",
        "tasks.reset",
        "tasks.set_requirements",
        "tasks.started",
        "tasks.stop",
        "tasks.stopped",
        "tasks.update",
        "tasks.validate",
        "trackio.bulk_alert",
        "trackio.bulk_log",
        "trackio.bulk_log_system",
        "trackio.bulk_upload_media",
        "trackio.get_run_summary",
        "trackio.get_runs_for_project",
        "trackio.version",
        "wandb.file_stream",
        "wandb.graphql",
    )
)
LOGGING_IN = frozenset(("auth.login", "login.logout", "login.supported_modes"))
ABOUT_ACCESS = ("audit.", "auth.")  # whose calls read, too, but nothing of experiments


@cache
def scopes_of(endpoint: str, is_change: bool) -> Scopes:
    """Return the scopes that may call an endpoint; a new one that changes something is for ``full`` alone."""
    if endpoint in LOGGING_IN:
        return ALL
    if is_change or endpoint.startswith(ABOUT_ACCESS):
        return WRITES if endpoint in REPORTING else FULL_ONLY
    return ALL if endpoint in REPORTING else READS
