"""Tasks of runs: found again by the key that an earlier import gave them, or made."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.importing.api import Api, Refused
from deploy.importing.finished import STATE, Finished
from ingest.importers.names import hyper_parameters
from ingest.importers.records import Details, Run

IMPORTED = "imported"  # a system tag
KEY, FORMAT, ID = "import_key", "import_format", "import_id"  # fields of ``runtime``
PAGE_TASKS = 500
MIN_NAME_LENGTH = 3
ENDPOINTS = {"completed": "tasks.completed", "failed": "tasks.failed", "stopped": "tasks.stopped"}


@dataclass(frozen=True)
class FoundTask:
    """The task of a run. ``is_new``: it was made now. ``runtime``: a field of the task. ``comment``: of a new one."""

    id: str
    is_new: bool
    status: str
    runtime: Mapping[str, Any]
    comment: str = ""


@dataclass(frozen=True)
class Naming:
    """What projects and tasks are called: ``{project}``, ``{name}`` and ``{id}`` stand for those of the source."""

    project: str = "{project}"
    name: str = "{name}"

    def project_of(self, run: Run) -> str:
        """Return the name of a run's project."""
        return _filled(self.project, run).strip("/ ") or "imported"

    def name_of(self, run: Run) -> str:
        """Return the name of a run's task."""
        name = _filled(self.name, run).strip()
        return name if len(name) >= MIN_NAME_LENGTH else f"run {name or run.id}"


def run_key(source_format: str, run: Run) -> str:
    """Return what identifies a run among all that were ever imported into a project."""
    return hashlib.sha256(f"{source_format}\0{run.project}\0{run.id}".encode()).hexdigest()[:32]


class TaskDirectory:
    """The tasks of earlier imports, by project and key."""

    def __init__(self, api: Api, naming: Naming) -> None:
        self._api = api
        self._naming = naming
        self._projects: dict[str, str] = {}
        self._tasks: dict[str, dict[str, FoundTask]] = {}
        self._lock = threading.Lock()

    def find_or_create(self, source_format: str, run: Run) -> FoundTask:
        """Return the task of a run, made if there is none."""
        name, key = self._naming.project_of(run), run_key(source_format, run)
        with self._lock:
            project = self._projects.get(name) or self._projects.setdefault(name, self._project(name))
            if project not in self._tasks:
                self._tasks[project] = self._imported(project)
            if found := self._tasks[project].get(key):
                return found
        document = self._document(source_format, run, project, key)
        made = self._api.call("tasks.create", **document)
        known = {"runtime": document["runtime"], "comment": document["comment"]}
        return FoundTask(str(made["id"]), is_new=True, status="created", **known)

    def _project(self, name: str) -> str:
        """Return the id of a project, made if there is none."""
        for _ in range(2):  # the second time another process has made it in between
            found = self._api.call("projects.get_all", name=f"^{re.escape(name)}$", only_fields=["id"])
            if projects := found["projects"]:
                return str(projects[0]["id"])
            try:
                return str(self._api.call("projects.create", name=name, description="")["id"])
            except Refused as error:
                refused = error
        raise refused

    def _imported(self, project: str) -> dict[str, FoundTask]:
        tasks: dict[str, FoundTask] = {}
        page = 0
        while True:
            fields = ["id", "status", "runtime"]
            asked = {"project": [project], "system_tags": [IMPORTED], "only_fields": fields, "order_by": ["id"]}
            found = self._api.call("tasks.get_all", page=page, page_size=PAGE_TASKS, search_hidden=True, **asked)[
                "tasks"
            ]
            for task in found:
                runtime = task.get("runtime") or {}
                if key := runtime.get(KEY):
                    tasks[key] = FoundTask(task["id"], is_new=False, status=task.get("status", ""), runtime=runtime)
            if len(found) < PAGE_TASKS:
                return tasks
            page += 1

    def _document(self, source_format: str, run: Run, project: str, key: str) -> dict[str, Any]:
        origin = f"imported from {source_format}, run {run.id}" + (f" of {run.project}" if run.project else "")
        return {
            "requested_id": hashlib.sha256(f"{project}\0{key}".encode()).hexdigest()[:32],
            "name": self._naming.name_of(run),
            "type": "training",
            "project": project,
            "system_tags": [IMPORTED],
            "comment": origin,
            "runtime": {KEY: key, FORMAT: source_format, ID: run.id},
        }


def finish(
    api: Api, task: FoundTask, details: Details, artifacts: Sequence[Mapping[str, Any]], finished: Finished | None
) -> None:
    """Bring what is said of a run into its task: parameters, tags, times, artifacts and status.

    ``finished``: what the next import is to know; None: it is to read all again.
    """
    if details.status == "in_progress":
        if task.status == "created":
            api.call("tasks.started", task=task.id, force=True)
    elif task.status != details.status:
        reason = details.status_reason
        api.call(ENDPOINTS[details.status], task=task.id, force=True, status_reason=reason)
    fields = _fields(task, details)
    if artifacts:
        execution = dict(fields.get("execution") or {})
        fields["execution"] = execution | {"artifacts": [*_kept_artifacts(api, task), *artifacts]}
    fields["runtime"] = {**task.runtime, STATE: finished.text() if finished else ""}
    api.call("tasks.edit", task=task.id, force=True, **fields)


def _kept_artifacts(api: Api, task: FoundTask) -> list[Mapping[str, Any]]:
    """Return the artifacts that the task has; of two of one key the later one stays."""
    if task.is_new:
        return []
    found = api.call("tasks.get_by_id", task=task.id, only_fields=["execution.artifacts"])["task"]
    return list((found.get("execution") or {}).get("artifacts") or ())


def _fields(task: FoundTask, details: Details) -> dict[str, Any]:
    fields: dict[str, Any] = dict(details.document)
    if parameters := hyper_parameters(details.config):
        fields["hyperparams"] = dict(fields.get("hyperparams") or {}) | parameters
    for name, moment in (("started", details.started), ("completed", details.ended)):
        if moment is not None:
            fields[name] = datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")
    if details.fields:
        configuration = {"name": "source", "type": "json", "value": _lines(details.fields)}
        fields["configuration"] = dict(fields.get("configuration") or {}) | {"source": configuration}
    if task.is_new and details.comment:
        fields["comment"] = f"{details.comment}\n\n{task.comment}"
    if task.is_new and details.tags:
        fields["tags"] = list(dict.fromkeys(details.tags))
    return fields


def _lines(fields: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in fields.items())


def _filled(template: str, run: Run) -> str:
    for name, value in (("{project}", run.project), ("{name}", run.name), ("{id}", run.id)):
        template = template.replace(name, value)
    return template
