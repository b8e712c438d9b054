"""References to other companies' documents: no stored document gets one, by whatever field and endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ingest.gateway import Gateway
from ingest.permission import INVALID
from schema.api.wire import Caller
from schema.registry import MODELS, PROJECTS, TASKS, Document, Kind

Reference = tuple[str, str]  # name of a kind, id

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
    named = {(target, document.get(field)) for field, target in FIELDS[kind.name].items()}
    if kind is TASKS:
        named |= {(MODELS.name, model) for model in _models_of(document)}
    return {(target, key) for target, key in named if isinstance(key, str) and key}


async def check(gateway: Gateway, caller: Caller, references: Iterable[Reference]) -> None:
    """Raise InvalidTask, InvalidModel or InvalidProject for references to another company's documents.

    Documents that do not exist are nobody's; public ones are everybody's.
    """
    for name, key in sorted(await foreign(gateway, caller, references)):
        raise INVALID[name](f"Invalid {name} id {key}")


async def foreign(gateway: Gateway, caller: Caller, references: Iterable[Reference]) -> set[Reference]:
    """Return the references to documents of other companies."""
    wanted: dict[str, set[str]] = {}
    for name, key in references:
        wanted.setdefault(name, set()).add(key)
    found: set[Reference] = set()
    for name, keys in wanted.items():
        documents = await gateway.registry.get_many(KINDS[name], keys)
        found |= {(name, document["id"]) for document in documents if document["company"] not in (caller.company, "")}
    return found


async def without_foreign(gateway: Gateway, caller: Caller, fields: Document, *, parent: str) -> Document:
    """Return the fields of a task without another company's models and parent, in whose place ``parent`` is."""
    others = await foreign(gateway, caller, references_of(TASKS, fields))
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
