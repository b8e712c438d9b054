"""The endpoint that copies tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.gateway import Gateway
from ingest.registry.documents import create_document, new_document, own_document
from ingest.registry.foreign import DELETED, without_foreign
from ingest.registry.old_forms import INPUT_MODEL, present_form
from ingest.registry.projects import project_of_name
from ingest.registry.references import check_references
from ingest.registry.tasks import NEW_TASK, Configuration, Execution, HyperParams, InputOrOutput, distinct_artifacts
from schema.api.requests import Boolean, Request
from schema.api.visibility import may_see
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidField
from schema.registry import TASKS, Document, iso_now, owner_of

KEPT = ("type", "script", "comment", "tags", "project", "hyperparams", "configuration", "container")
DROPPED_SYSTEM_TAGS = frozenset(("archived", "development"))

endpoints = Endpoints(Tier.GATEWAY)


class CloneTask(Request):
    """A task to copy, and what is to be different in the copy.

    ``execution_overrides``: also in the form of older versions. ``validate_references``: the models that the task uses
    must still be there.
    """

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
    validate_references: Boolean = False

    def changes(self) -> Document:
        """Return the fields that differ; those in ``execution`` are to be merged."""
        new = {
            "name": self.new_task_name,
            "comment": self.new_task_comment,
            "tags": self.new_task_tags,
            "system_tags": self.new_task_system_tags,
            "parent": self.new_task_parent,
            "project": self.new_task_project,
            "hyperparams": self.new_task_hyperparams,
            "configuration": self.new_task_configuration,
            "container": self.new_task_container,
        }
        fields: Document = {name: value for name, value in new.items() if value}
        if execution := self.execution_overrides.model_dump(exclude_unset=True):
            fields["execution"] = execution
        if models := self._input_models(execution.pop("model", None)):
            fields["models"] = {"input": models, "output": []}
        return fields

    def _input_models(self, overriding: Any) -> list[Document]:
        items = [item.model_dump(exclude_unset=True) for item in self.new_task_input_models or ()]
        if not items and overriding:
            items = [{"name": INPUT_MODEL, "model": overriding}]
        return [item | {"updated": iso_now()} for item in items]


@endpoints.add("tasks.clone")
async def clone(gateway: Gateway, caller: Caller, request: CloneTask) -> Answer:
    """Copy a task into status ``created``, without what it made: ``{"id"}``.

    Raises what ``tasks.create`` raises.
    """
    source = await gateway.registry.get(TASKS, request.task)
    if source is None or not may_see(caller, owner_of(TASKS, source)):
        source = await own_document(gateway, caller, TASKS, request.task)
    changes = present_form(caller, TASKS, request.changes(), source)
    answer: dict[str, Any] = {}
    if request.new_project_name and not request.new_task_project:
        changes["project"] = await project_of_name(gateway, caller, request.new_project_name)
        answer["new_project"] = {"id": changes["project"], "name": request.new_project_name}
    fields = _copy(source, changes)
    checked = fields if request.validate_references else {"project": fields.get("project")} | changes
    await check_references(gateway, caller, checked)
    if not source["company"]:  # public, maybe of another company, which keeps the rest to itself
        fields = await without_foreign(gateway, caller, fields, parent=source["id"])
    document = new_document(caller, NEW_TASK | fields)
    await create_document(gateway, caller, TASKS, document)
    return {"id": document["id"]} | answer


def _copy(source: Document, changes: Document) -> Document:
    """Return what a copy keeps of its source, with the changes."""
    parent = source.get("parent")
    fields = {name: source[name] for name in KEPT if name in source}
    fields |= {
        "name": source["name"],
        "parent": parent if parent and not parent.startswith(DELETED) else source["id"],
        "system_tags": [tag for tag in source.get("system_tags") or () if tag not in DROPPED_SYSTEM_TAGS],
        "models": {"input": (source.get("models") or {}).get("input") or [], "output": []},
        "output": {name: v for name, v in (source.get("output") or {}).items() if name == "destination"},
    }
    return {**fields, **changes, "execution": _execution(source, changes)}


def _execution(source: Document, changes: Mapping[str, Any]) -> Document:
    """Return how the copy runs: with the inputs of the source, or of the changes, and integers as labels."""
    execution: Document = {**(source.get("execution") or {}), **changes.get("execution", {})}
    execution.pop("queue", None)
    artifacts = distinct_artifacts(execution.get("artifacts") or ())
    execution["artifacts"] = [artifact for artifact in artifacts if artifact["mode"] != "output"]
    if labels := execution.get("model_labels"):
        execution["model_labels"] = {name: _label(name, value) for name, value in labels.items()}
    return execution


def _label(name: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise InvalidField(f"model_labels.{name}: an integer is expected") from error
