"""What all stores of MLflow have in common: statuses, tags, artifacts.

Source: the tables and files that MLflow 3.17 and 2.x write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np

from ingest.importers.records import Artifact, Details, Doubles, Integers, Points, Skipped, Status
from schema.adapters.metric_keys import names_of_path

STATUS: dict[str, Status] = {
    "FINISHED": "completed",
    "FAILED": "failed",
    "KILLED": "stopped",
    "RUNNING": "in_progress",
    "SCHEDULED": "in_progress",
}
# By number, as the file store writes it (RunStatus of MLflow's service.proto).
STATUS_NUMBERS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
OWN_TAG = "mlflow."  # tags that MLflow sets itself
RUN_NAME, NOTE = "mlflow.runName", "mlflow.note.content"
EARLIER = "earlier value of the same key and step"


def details(
    params: Mapping[str, str], tags: Mapping[str, str], status: str, started: int | None, ended: int | None
) -> Details:
    """Return what is said of a run: own tags are ``name:value``, those of MLflow a configuration."""
    own = [f"{name}:{value}" if value else name for name, value in tags.items() if not name.startswith(OWN_TAG)]
    system = {name: value for name, value in tags.items() if name.startswith(OWN_TAG) and name not in (RUN_NAME, NOTE)}
    return Details(
        config=dict(params),
        tags=own,
        comment=tags.get(NOTE) or "",
        status=STATUS.get(status, "completed"),
        started=started or None,
        ended=ended or None,
        fields=system,
    )


def latest(key: str, steps: Integers, values: Doubles, times: Integers) -> Iterator[Points | Skipped]:
    """Yield the points of a key by step: of several of one step that of the latest time, of those the greatest value.

    That is the order in which MLflow itself tells the latest value.
    """
    order = np.lexsort((values, times, steps))
    steps, values, times = steps[order], values[order], times[order]
    is_last = np.append(steps[1:] != steps[:-1], True) if len(steps) else np.zeros(0, np.bool_)
    if earlier := int(np.count_nonzero(~is_last)):
        yield Skipped(EARLIER, earlier)
    metric, variant = names_of_path(key)
    if len(steps):
        yield Points(metric, variant, steps[is_last], values[is_last], times[is_last])


def artifacts(uri: str, near: Path) -> Iterator[Artifact | Skipped]:
    """Yield the files of a run that are on this machine. ``near``: the folder where its path may have been moved to."""
    folder = artifact_folder(uri, near)
    if folder is None:
        return
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield Artifact(path.relative_to(folder).as_posix(), path)


def artifact_folder(uri: str, near: Path) -> Path | None:
    """Return the folder of a run's artifacts, if it is here: where it was, or its last parts beside the store."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        return None
    path = Path(unquote(parts.path))
    moved = (near.joinpath(*path.parts[-count:]) for count in (4, 3, 2))
    return next((folder for folder in (path, *moved) if folder.is_dir()), None)
