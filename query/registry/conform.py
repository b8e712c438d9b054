"""Documents in the form that a caller's version of the API expects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from schema.api.wire import Caller
from schema.registry import TASKS, Document, Kind
from schema.registry.old_forms import LEGACY, MODEL_LISTS, SECTIONS, SYSTEM_TAGS, TF_DEFINE

TAGS = ("tags", "system_tags")


def conform(caller: Caller, kind: Kind, documents: Iterable[Document]) -> None:
    """Change documents in place: tags sorted, and what older versions look for added where they look for it."""
    for document in documents:
        if caller.version < SYSTEM_TAGS and document.get("system_tags"):
            document["tags"] = [*{*(document.get("tags") or ()), *document["system_tags"]}]
        for name in TAGS:
            if isinstance(document.get(name), list):
                document[name] = sorted(document[name])
        if kind is TASKS and caller.version < MODEL_LISTS:
            _add_models(document)
            _add_docker_command(document)
        if kind is TASKS and caller.version < SECTIONS:
            _add_parameters(document)


def _add_models(task: Document) -> None:
    models = task.get("models") or {}
    for name, place, which in (("input", "execution", 0), ("output", "output", -1)):
        if items := models.get(name):
            _put(task, place, "model", items[which].get("model"))


def _add_docker_command(task: Document) -> None:
    container = task.get("container") or {}
    if container.get("image"):
        parts = [container["image"], container.get("arguments")]
        _put(task, "execution", "docker_cmd", " ".join(part for part in parts if part))


def _add_parameters(task: Document) -> None:
    sections: Mapping[str, Any] = task.get("hyperparams") or {}
    items = [item for section in sections.values() for item in _legacy(section)]
    if items:
        _put(task, "execution", "parameters", {_full_name(item): item.get("value") for item in items})
    if descriptions := [*_legacy(task.get("configuration"))]:
        _put(task, "execution", "model_desc", {item.get("name"): item.get("value") for item in descriptions})


def _legacy(items: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the parameters that came in the old form."""
    for item in items.values() if isinstance(items, Mapping) else ():
        if isinstance(item, Mapping) and item.get("type") == LEGACY:
            yield item


def _full_name(item: Mapping[str, Any]) -> Any:
    return f"{TF_DEFINE}/{item.get('name')}" if item.get("section") == TF_DEFINE else item.get("name")


def _put(task: Document, place: str, name: str, value: Any) -> None:
    task[place] = {**(task.get(place) or {}), name: value}
