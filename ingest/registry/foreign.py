"""References between documents: no stored document gets a bad one, by whatever field and endpoint.

Bad are references to a document that the caller does not see, by a field that names one document also to none, to a
project where they only read, and a parent that descends from the document itself. Only models in a task's lists need
not exist: SDKs name some before they are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ingest.gateway import Gateway
from ingest.permission import INVALID
from schema.api.visibility import view_of
from schema.api.wire import Caller
from schema.errors import BadDocument, NoWritePermission
from schema.registry import MODELS, PROJECTS, TASKS, Document, Kind, Owner, View, owner_of

DELETED = "__DELETED__"  # before the id of a document that is gone, where others name it
MAX_GENERATIONS = 100  # of ancestors that are looked at for a document itself; nothing follows parents further


class Reference(NamedTuple):
    """A document by the name of its kind and its id. ``must_exist``: whether there has to be one."""

    kind: str
    key: str
    must_exist: bool = True


KINDS = {kind.name: kind for kind in (TASKS, MODELS, PROJECTS)}
FIELDS = {
    TASKS.name: {"project": PROJECTS.name, "parent": TASKS.name},
    MODELS.name: {"project": PROJECTS.name, "parent": MODELS.name, "task": TASKS.name},
    PROJECTS.name: {"parent": PROJECTS.name},
}


class UncheckedReferences(Exception):
    """A change of a document gives it references that were not looked at."""

    def __init__(self, references: set[Reference]) -> None:
        super().__init__()
        self.references = references


def references_of(kind: Kind, document: Mapping[str, Any]) -> set[Reference]:
    """Return what a document names: documents by their fields, and the models that a task uses and makes."""
    fields = ((target, document.get(field)) for field, target in FIELDS[kind.name].items())
    named = {Reference(target, key) for target, key in fields if isinstance(key, str) and key}
    models = _models_of(document) if kind is TASKS else ()
    return named | {Reference(MODELS.name, model, must_exist=False) for model in models if model}


async def check(gateway: Gateway, caller: Caller, references: Iterable[Reference]) -> None:
    """Raise InvalidTask, InvalidModel or InvalidProject for references to what the caller cannot see.

    Public documents are everybody's. Of those that do not exist only the ones that must are refused, and none whose id
    says that it was deleted. Raises NoWritePermission for a project where the caller only reads.
    """
    wanted = set(references)
    owners, view = await _owners(gateway, wanted), _view(caller)
    for reference in sorted(wanted):
        owner = owners.get((reference.kind, reference.key))
        is_missing = owner is None and reference.must_exist and not reference.key.startswith(DELETED)
        if is_missing or (owner and not view.shows(owner)):
            raise INVALID[reference.kind](f"Invalid {reference.kind} id {reference.key}")
        if owner and owner.is_project and not caller.projects.may_write(reference.key):
            raise NoWritePermission(f"The role in project {reference.key} does not allow this")


async def check_ancestry(gateway: Gateway, kind: Kind, document_id: str, parent: str | None) -> None:
    """Raise BadDocument if a document that is to get a parent is that itself, or an ancestor of it."""
    for _ in range(MAX_GENERATIONS):
        if parent == document_id:
            raise BadDocument(f"parent: {kind.name} {document_id} cannot descend from itself")
        found = await gateway.registry.get(kind, parent) if parent else None
        if found is None:
            return
        parent = found.get("parent")


async def _owners(gateway: Gateway, references: Iterable[Reference]) -> dict[tuple[str, str], Owner]:
    """Return the owners of the documents that exist, by kind and id."""
    wanted: dict[str, set[str]] = {}
    for reference in references:
        wanted.setdefault(reference.kind, set()).add(reference.key)
    return {
        (name, document["id"]): owner_of(KINDS[name], document)
        for name, keys in wanted.items()
        for document in await gateway.registry.get_many(KINDS[name], keys)
    }


def _view(caller: Caller) -> View:
    """Return what a caller may refer to: with a key that only reports also what others made."""
    return replace(view_of(caller), made_by=None)


async def without_foreign(gateway: Gateway, caller: Caller, fields: Document, *, parent: str) -> Document:
    """Return the fields of a task without models and a parent that the caller does not see, but ``parent``."""
    owners, view = await _owners(gateway, references_of(TASKS, fields)), _view(caller)
    others = {named for named, owner in owners.items() if not view.shows(owner)}
    models = {
        way: [item for item in items or () if (MODELS.name, item.get("model")) not in others]
        for way, items in (fields.get("models") or {}).items()
    }
    own_parent = parent if (TASKS.name, fields.get("parent")) in others else fields.get("parent")
    return fields | {"models": models, "parent": own_parent}


def _models_of(task: Mapping[str, Any]) -> Iterator[Any]:
    models = task.get("models")
    for items in models.values() if isinstance(models, dict) else ():
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and isinstance(item.get("model"), str):
                yield item["model"]
