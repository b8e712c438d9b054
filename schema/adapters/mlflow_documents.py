"""MLflow's experiments, runs and logged models <-> projects, tasks and models of the registry.

What MLflow has and Eventide has no field for is kept in fields that begin with ``mlflow_``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from schema.errors import InvalidField
from schema.registry import Document

DEFAULT_ID, DEFAULT_NAME = "0", "Default"  # of the experiment that runs are in if none is chosen
TAGS, ARTIFACTS, INPUTS, OUTPUTS = "mlflow_tags", "mlflow_artifact_location", "mlflow_inputs", "mlflow_outputs"
MODEL = "mlflow_model"
OWN_TAGS = "mlflow."  # begins the names of tags that MLflow itself sets
RUN_NAME, NOTE, PARENT = "mlflow.runName", "mlflow.note.content", "mlflow.parentRunId"
SECTION = "General"
ARCHIVED = "archived"
ACTIVE, DELETED = "active", "deleted"
ARTIFACT_ROOT = "mlflow-artifacts:"
STATUSES = {"RUNNING": "in_progress", "SCHEDULED": "created", "FINISHED": "completed", "FAILED": "failed"}
STATUSES |= {"KILLED": "stopped"}
SHOWN = {status: name for name, status in STATUSES.items()} | {
    "queued": "SCHEDULED",
    "closed": "FINISHED",
    "publishing": "FINISHED",
    "published": "FINISHED",
}
MAX_MS = 253_402_300_799_000  # of the year 9999


def iso_of_ms(milliseconds: int) -> str:
    """Return milliseconds since the epoch as documents write times. Raises InvalidField."""
    if not 0 <= milliseconds <= MAX_MS:
        raise InvalidField("A time is in milliseconds since the epoch, up to the year 9999")
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="microseconds")


def ms_of(moment: str | None) -> int | None:
    """Return a time of a document in milliseconds since the epoch; None stays None."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000) if moment else None


def experiment_of(project: Document) -> Document:
    """Return a project as an experiment."""
    return {
        "experiment_id": project["id"],
        "name": project["name"],
        "artifact_location": artifact_location(project),
        "lifecycle_stage": lifecycle(project),
        "creation_time": ms_of(project.get("created")),
        "last_update_time": ms_of(project.get("last_update")),
        "tags": pairs(project.get(TAGS) or {}),
    }


def run_info(task: Document) -> Document:
    """Return what MLflow calls the information of a run."""
    ended = task.get("completed") if task["status"] != STATUSES["RUNNING"] else None
    info = {
        "run_id": task["id"],
        "run_uuid": task["id"],
        "run_name": task["name"],
        "experiment_id": task.get("project") or DEFAULT_ID,
        "user_id": (task.get(TAGS) or {}).get("mlflow.user") or task.get("user") or "",
        "status": SHOWN[task["status"]],
        "start_time": ms_of(task.get("started") or task["created"]),
        "artifact_uri": task.get(ARTIFACTS) or run_artifacts({"id": task.get("project") or DEFAULT_ID}, task["id"]),
        "lifecycle_stage": lifecycle(task),
    }
    return info | ({"end_time": ms_of(ended)} if ended else {})


def params_of(task: Document) -> dict[str, str]:
    """Return the hyper-parameters of a task; those of other sections than ``General`` behind the section's name."""
    found: dict[str, str] = {}
    for section, parameters in (task.get("hyperparams") or {}).items():
        for name, parameter in parameters.items():
            found[name if section == SECTION else f"{section}/{name}"] = str(parameter.get("value") or "")
    return found


def tags_of(task: Document) -> dict[str, str]:
    """Return the tags of a task: MLflow's with their values, and others, which have none."""
    own: dict[str, str] = task.get(TAGS) or {}
    written = set(written_tags(own))
    others = {tag: "" for tag in task.get("tags") or () if tag not in written}
    note = {NOTE: task["comment"]} if task.get("comment") else {}
    return others | own | note | {RUN_NAME: task["name"]}


def written_tags(tags: Mapping[str, str]) -> list[str]:
    """Return tags as a task has them: ``name=value``, without those that MLflow sets itself."""
    return [f"{key}={value}" if value else key for key, value in tags.items() if not key.startswith(OWN_TAGS)]


def with_tags(document: Document, changes: Mapping[str, str | None]) -> Document:
    """Return a document with some tags set, or, where there is None, removed."""
    old: dict[str, str] = document.get(TAGS) or {}
    new = {key: value for key, value in {**old, **changes}.items() if value is not None}
    gone = {*written_tags(old), *(key for key, value in changes.items() if value is None)}
    kept = [tag for tag in document.get("tags") or () if tag not in gone]
    changed = document | {TAGS: new, "tags": [*kept, *(tag for tag in written_tags(new) if tag not in kept)]}
    if NOTE in changes:
        changed["comment"] = changes[NOTE] or ""
    return changed


def model_of(model: Document) -> Document:
    """Return a model of the registry as a logged model."""
    own: Document = model.get(MODEL) or {}
    info = {
        "model_id": model["id"],
        "experiment_id": model.get("project") or DEFAULT_ID,
        "name": model["name"],
        "creation_timestamp_ms": ms_of(model["created"]),
        "last_updated_timestamp_ms": ms_of(model["last_update"]),
        "artifact_uri": model.get("uri") or "",
        "status": own.get("status") or "LOGGED_MODEL_READY",
        "model_type": own.get("type") or "",
        "source_run_id": model.get("task") or "",
        "tags": pairs(model.get(TAGS) or {}),
    }
    return {"info": info, "data": {"params": pairs(own.get("params") or {}), "metrics": []}}


def lifecycle(document: Document) -> str:
    """Return whether a document is in use or, archived, counts as deleted."""
    return DELETED if ARCHIVED in (document.get("system_tags") or ()) else ACTIVE


def artifact_location(project: Document) -> str:
    """Return where an experiment's artifacts are: where its maker wanted them, or here."""
    return str(project.get(ARTIFACTS) or f"{ARTIFACT_ROOT}/{project['id']}")


def run_artifacts(project: Document, run_id: str) -> str:
    """Return where a run's artifacts are."""
    return f"{artifact_location(project)}/{run_id}/artifacts"


def pairs(values: Mapping[str, str]) -> list[Document]:
    """Return names and values as MLflow lists them."""
    return [{"key": key, "value": value} for key, value in values.items()]
