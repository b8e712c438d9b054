"""Calls that make and edit tasks."""

from __future__ import annotations

from typing import Any, Literal

from ingest.gateway import Gateway
from ingest.registry.documents import (
    change,
    check_visible,
    given,
    new_document,
    own_document,
    updated,
)
from ingest.registry.projects import project_of_name
from ingest.registry.status import CREATED
from schema.api.requests import AnyFields, Boolean, Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import BadDocument, NotSupported, TaskStateConflict
from schema.registry import MODELS, PROJECTS, TASKS, Document, split

MIN_NAME_LENGTH = 3
MERGED = ("execution", "script", "output", "models")  # objects of which an edit replaces only the fields it names
TaskType = Literal[
    "dataset_import", "annotation", "annotation_manual", "training", "testing", "inference", "data_processing",
    "application", "monitor", "controller", "report", "optimizer", "service", "qc", "custom",
]  # fmt: skip
UPDATED = ("name", "tags", "system_tags", "comment", "project", "created")
DROPPED_BY_CLONE = frozenset(("archived", "development", "hidden"))
NEW_TASK: Document = {
    "comment": "",
    "tags": [],
    "system_tags": [],
    "hyperparams": {},
    "configuration": {},
    "runtime": {},
    "container": {},
    "execution": {},
    "script": {},
    "output": {},
    "models": {"input": [], "output": []},
    "status": CREATED,
    "status_reason": "",
    "status_message": "",
}
AGENTS = "Eventide runs no agents: tasks cannot be queued"

endpoints = Endpoints(Tier.GATEWAY)


HyperParams = dict[str, dict[str, dict[str, Any]]]  # section, name: item
Configuration = dict[str, dict[str, Any]]  # name: item


class Execution(AnyFields):
    """How a task runs, and its artifacts."""

    artifacts: list[dict[str, Any]] | None = None


class InputOrOutput(AnyFields):
    """A model that a task uses or makes."""

    name: str | None = None
    model: str | None = None


class TaskFields(AnyFields):
    """A task's document, or a part of it. The fields that are named here are checked, all others kept as they are."""

    name: str | None = None
    type: TaskType | None = None
    project: str | None = None
    parent: str | None = None
    comment: str | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    execution: Execution | None = None
    script: dict[str, Any] | None = None
    hyperparams: HyperParams | None = None
    configuration: Configuration | None = None
    models: dict[str, list[InputOrOutput] | None] | None = None
    container: dict[str, Any] | None = None
    runtime: dict[str, Any] | None = None
    output_dest: str | None = None

    def document(self) -> Document:
        """The fields as a document has them. Raises BadDocument if the name is too short."""
        if self.name is not None and len(self.name.strip()) < MIN_NAME_LENGTH:
            raise BadDocument(f"A task's name has at least {MIN_NAME_LENGTH} characters")
        fields = given(self.model_dump(exclude_unset=True), "task", "output_dest")
        if self.output_dest is not None:
            fields["output"] = (fields.get("output") or {}) | {"destination": self.output_dest.strip()}
        if self.execution and self.execution.artifacts is not None:
            fields["execution"]["artifacts"] = [{"mode": "output"} | artifact for artifact in self.execution.artifacts]
        return fields


class CreateTask(TaskFields):
    """A new task's document."""

    name: str
    type: TaskType


class EditTask(TaskFields):
    """New values for some fields of a task."""

    task: str
    force: Boolean = False


class CloneTask(Request):
    """A task to copy, and what is to be different in the copy."""

    task: str
    new_task_name: str | None = None
    new_task_comment: str | None = None
    new_task_tags: list[str] | None = None
    new_task_system_tags: list[str] | None = None
    new_task_parent: str | None = None
    new_task_project: str | None = None
    new_project_name: str | None = None
    new_task_hyperparams: HyperParams | None = None
    new_task_configuration: Configuration | None = None
    new_task_container: dict[str, Any] | None = None
    new_task_input_models: list[InputOrOutput] | None = None
    execution_overrides: Execution = Execution()


class OneTask(Request):
    """One task."""

    task: str


@endpoints.add("tasks.create")
async def create(gateway: Gateway, caller: Caller, request: CreateTask) -> Answer:
    """A task in status ``created``. Raises BadDocument, InvalidProject and InvalidTask (the parent)."""
    fields = request.document()
    await _check_references(gateway, caller, fields)
    document = new_document(caller, NEW_TASK | fields)
    await gateway.registry.create(TASKS, document)
    gateway.last_update_recorder.touch(PROJECTS, [request.project] if request.project else [], caller.user)
    return {"id": document["id"]}


@endpoints.add("tasks.validate")
async def validate(gateway: Gateway, caller: Caller, request: CreateTask) -> Answer:
    """Nothing, if ``create`` would take these fields."""
    fields = request.document()
    await _check_references(gateway, caller, fields)
    split(TASKS, new_document(caller, NEW_TASK | fields))
    return {}


@endpoints.add("tasks.edit")
async def edit(gateway: Gateway, caller: Caller, request: EditTask) -> Answer:
    """Until a task starts, or ``force``. Raises TaskStateConflict and what ``create`` raises."""
    fields = request.document()
    await _check_references(gateway, caller, fields)

    def merge(task: Document) -> Document:
        if task["status"] != CREATED and not request.force:
            raise TaskStateConflict(f"Invalid task status: expected={CREATED}, status={task['status']}")
        both = {name: (task.get(name) or {}) | fields[name] for name in MERGED if isinstance(fields.get(name), dict)}
        return task | fields | both

    await change(gateway, caller, TASKS, request.task, merge)
    return updated(fields)


@endpoints.add("tasks.update")
async def update(gateway: Gateway, caller: Caller, request: EditTask) -> Answer:
    """In any status, but only what says where a task belongs. Raises what ``create`` raises."""
    fields = {name: value for name, value in request.document().items() if name in UPDATED}
    await _check_references(gateway, caller, fields)
    await change(gateway, caller, TASKS, request.task, lambda task: task | fields)
    return updated(fields)


@endpoints.add("tasks.clone")
async def clone(gateway: Gateway, caller: Caller, request: CloneTask) -> Answer:
    """``{"id"}`` of a copy in status ``created``, without what the task made. Raises what ``create`` raises."""
    source = await gateway.registry.get(TASKS, request.task)
    if source is None or source["company"] not in (caller.company, ""):
        source = await own_document(gateway, caller, TASKS, request.task)
    answer: dict[str, Any] = {}
    fields = _copy(source, request)
    if request.new_project_name:
        fields["project"] = await project_of_name(gateway, caller, request.new_project_name)
        answer["new_project"] = {"id": fields["project"], "name": request.new_project_name}
    await _check_references(gateway, caller, {name: value for name, value in fields.items() if name in ("project",)})
    document = new_document(caller, NEW_TASK | fields)
    await gateway.registry.create(TASKS, document)
    return {"id": document["id"]} | answer


@endpoints.add("tasks.ping")
async def ping(gateway: Gateway, caller: Caller, request: OneTask) -> Answer:
    """The task's process lives. Raises InvalidTask."""
    await own_document(gateway, caller, TASKS, request.task)
    gateway.last_update_recorder.touch(TASKS, [request.task], caller.user)
    return {}


@endpoints.add("tasks.enqueue")
@endpoints.add("tasks.enqueue_many")
@endpoints.add("tasks.dequeue")
@endpoints.add("tasks.dequeue_many")
async def queue(gateway: Gateway, caller: Caller, request: AnyFields) -> Answer:
    """Raises NotSupported."""
    raise NotSupported(AGENTS)


async def _check_references(gateway: Gateway, caller: Caller, fields: Document) -> None:
    """Raises InvalidProject, InvalidTask and InvalidModel for what a document names and the caller cannot see."""
    if fields.get("project"):
        await check_visible(gateway, caller, PROJECTS, [fields["project"]])
    if fields.get("parent"):
        await check_visible(gateway, caller, TASKS, [fields["parent"]])
    models = [item.get("model") for item in (fields.get("models") or {}).get("input") or ()]
    if any(models):
        await check_visible(gateway, caller, MODELS, [model for model in models if isinstance(model, str) and model])


def _copy(source: Document, request: CloneTask) -> Document:
    """What a copy keeps of its source, and what the request says instead."""
    kept = ("type", "script", "comment", "tags", "parent", "project", "hyperparams", "configuration", "container")
    fields = {name: source[name] for name in kept if name in source}
    execution = {name: value for name, value in (source.get("execution") or {}).items() if name != "queue"}
    inputs = [artifact for artifact in execution.get("artifacts") or () if artifact.get("mode") == "input"]
    asked = request.model_dump(exclude_unset=True)
    models = asked.get("new_task_input_models")
    new = {
        "name": request.new_task_name or source["name"],
        "comment": request.new_task_comment,
        "tags": request.new_task_tags,
        "parent": request.new_task_parent,
        "project": request.new_task_project,
        "hyperparams": request.new_task_hyperparams,
        "configuration": request.new_task_configuration,
        "container": request.new_task_container,
        "system_tags": request.new_task_system_tags,
    }
    fields |= {
        "system_tags": [tag for tag in source.get("system_tags") or () if tag not in DROPPED_BY_CLONE],
        "execution": execution | {"artifacts": inputs} | asked.get("execution_overrides", {}),
        "models": {
            "input": (source.get("models") or {}).get("input") or [] if models is None else models,
            "output": [],
        },
        "output": {name: v for name, v in (source.get("output") or {}).items() if name == "destination"},
    }
    return fields | {name: value for name, value in new.items() if value is not None}
