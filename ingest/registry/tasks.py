"""Endpoints that make and edit tasks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from ingest.gateway import Gateway
from ingest.registry.documents import change, create_document, given, new_document, own_document, updated
from ingest.registry.old_forms import present_form
from ingest.registry.references import check_references
from ingest.registry.status import CREATED
from schema.api.requests import AnyFields, Boolean, Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import BadDocument, NotSupported, NotUnique, TaskStateConflict
from schema.registry import PROJECTS, TASKS, Document, iso_now, split

MIN_NAME_LENGTH = 3
MERGED = ("execution", "script", "output", "models")  # objects of which an edit replaces only the fields it names
TaskType = Literal[
    "dataset_import", "annotation", "annotation_manual", "training", "testing", "inference", "data_processing",
    "application", "monitor", "controller", "report", "optimizer", "service", "qc", "custom",
]  # fmt: skip
UPDATED = ("name", "tags", "system_tags", "comment", "project", "created", "status_message")
STRIPPED = ("binary", "repository", "tag", "branch", "version_num", "entry_point", "working_dir")  # of scripts
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
    """The execution of a task, and its artifacts."""

    artifacts: list[dict[str, Any]] | None = None


class InputOrOutput(AnyFields):
    """A model that a task uses or makes."""

    name: str | None = None
    model: str | None = None


class TaskFields(AnyFields):
    """A task's document, or a part of it. These fields are checked, all others kept as they are."""

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

    def document(self, caller: Caller, previous: Document | None = None) -> Document:
        """Return the fields as a document has them. ``previous``: the task that they change.

        Raises BadDocument if the name is too short, and what ``present_form`` raises.
        """
        if self.name is not None and len(self.name.strip()) < MIN_NAME_LENGTH:
            raise BadDocument(f"A task's name has at least {MIN_NAME_LENGTH} characters")
        fields = given(self.model_dump(exclude_unset=True), "task", "output_dest", "requested_id")
        if self.output_dest is not None:
            fields["output"] = (fields.get("output") or {}) | {"destination": self.output_dest.strip()}
        fields = present_form(caller, TASKS, fields, previous)
        for items in (fields.get("models") or {}).values():
            for item in items or ():
                item["updated"] = iso_now()
        if (artifacts := (fields.get("execution") or {}).get("artifacts")) is not None:
            fields["execution"]["artifacts"] = distinct_artifacts(artifacts)
        if self.script:
            fields["script"] = {name: _stripped(name, value) for name, value in self.script.items()}
        return fields


class CreateTask(TaskFields):
    """A new task's document. ``requested_id``: the id that it is to have (API contract 6.8)."""

    name: str
    type: TaskType
    requested_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None


class EditTask(TaskFields):
    """New values for some fields of a task."""

    task: str
    force: Boolean = False


class OneTask(Request):
    """One task."""

    task: str


def distinct_artifacts(artifacts: Iterable[Document]) -> list[Document]:
    """Return artifacts with their mode, of each key and mode the last."""
    with_mode = [{"mode": "output"} | artifact for artifact in artifacts]
    return [*{(artifact.get("key"), artifact["mode"]): artifact for artifact in with_mode}.values()]


def _stripped(name: str, value: Any) -> Any:
    return value.strip() if name in STRIPPED and isinstance(value, str) else value


def updatable(caller: Caller, request: EditTask) -> Document:
    """Return those of the fields that say where a task belongs. Raises what ``TaskFields.document`` raises."""
    return {name: value for name, value in request.document(caller).items() if name in UPDATED}


@endpoints.add("tasks.create")
async def create(gateway: Gateway, caller: Caller, request: CreateTask) -> Answer:
    """Create a task in status ``created``. Raises BadDocument, InvalidProject and InvalidTask (the parent).

    With an id that the caller's user has given to a task before, nothing is created: many processes of one run, or one
    that lost the answer, may all ask. Raises NotUnique for an id that is somebody else's.
    """
    if request.requested_id and await _is_created(gateway, caller, request.requested_id):
        return {"id": request.requested_id}
    fields = request.document(caller)
    await check_references(gateway, caller, fields)
    document = new_document(caller, NEW_TASK | fields)
    document["id"] = request.requested_id or document["id"]
    try:
        await create_document(gateway, caller, TASKS, document)
    except NotUnique:  # another process has asked for it meanwhile
        if not (request.requested_id and await _is_created(gateway, caller, request.requested_id)):
            raise
    gateway.last_update_recorder.touch(PROJECTS, [request.project] if request.project else [], caller.user)
    return {"id": document["id"]}


async def _is_created(gateway: Gateway, caller: Caller, task_id: str) -> bool:
    """Tell whether the caller's user has a task of this id. Raises NotUnique if it is another one's."""
    task = await gateway.registry.get(TASKS, task_id)
    if task and (task["company"], task["user"]) != (caller.company, caller.user):
        raise NotUnique(f"The id {task_id} is taken")
    return task is not None


@endpoints.add("tasks.validate")
async def validate(gateway: Gateway, caller: Caller, request: CreateTask) -> Answer:
    """Return nothing, if ``create`` would take these fields."""
    fields = request.document(caller)
    await check_references(gateway, caller, fields)
    split(TASKS, new_document(caller, NEW_TASK | fields))
    return {}


@endpoints.add("tasks.edit")
async def edit(gateway: Gateway, caller: Caller, request: EditTask) -> Answer:
    """Change a task that has not started, or any with ``force``.

    Raises TaskStateConflict and what ``create`` raises.
    """
    fields = request.document(caller)
    await check_references(gateway, caller, fields)

    def merge(task: Document) -> Document:
        if task["status"] != CREATED and not request.force:
            raise TaskStateConflict(f"Invalid task status: expected={CREATED}, status={task['status']}")
        new = request.document(caller, task)
        both = {name: (task.get(name) or {}) | new[name] for name in MERGED if isinstance(new.get(name), dict)}
        return task | new | both

    await change(gateway, caller, TASKS, request.task, merge)
    return updated(fields)


@endpoints.add("tasks.update")
async def update(gateway: Gateway, caller: Caller, request: EditTask) -> Answer:
    """Change, in any status, fields that say where a task belongs.

    Raises what ``create`` raises.
    """
    fields = updatable(caller, request)
    await check_references(gateway, caller, fields)
    await change(gateway, caller, TASKS, request.task, lambda task: task | fields)
    return updated(fields)


@endpoints.add("tasks.ping")
async def ping(gateway: Gateway, caller: Caller, request: OneTask) -> Answer:
    """Record that the task's process lives. Raises InvalidTask."""
    await own_document(gateway, caller, TASKS, request.task)
    gateway.last_update_recorder.touch(TASKS, [request.task], caller.user)
    return {}


@endpoints.add("tasks.enqueue")
@endpoints.add("tasks.enqueue_many")
@endpoints.add("tasks.dequeue")
@endpoints.add("tasks.dequeue_many")
async def queue(gateway: Gateway, caller: Caller, request: AnyFields) -> Answer:
    """Refuse: there are no queues. Raises NotSupported."""
    raise NotSupported(AGENTS)
