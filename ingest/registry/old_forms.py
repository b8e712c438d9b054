"""Fields of documents in the form of older API versions -> as documents have them today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schema.api.wire import Caller
from schema.errors import BadValue, InvalidField
from schema.registry import TASKS, Document, Kind, iso_now
from schema.registry.old_forms import ARGS, LEGACY, MODEL_LISTS, SYSTEM_TAGS, TF_DEFINE, partition_tags

OPERATOR = "__$"  # with which no tag may begin, as it would be an operator in filters
INPUT_MODEL, OUTPUT_MODEL = "Input Model", "Output Model"
MODEL_PLACES = {"input": ("execution", INPUT_MODEL), "output": ("output", OUTPUT_MODEL)}


def present_form(caller: Caller, kind: Kind, fields: Document, previous: Mapping[str, Any] | None = None) -> Document:
    """Return fields that a client sent as documents have them. ``previous``: the document that they change.

    Raises BadValue for tags that look like operators, and InvalidField for parameters or an output that are no object.
    """
    check_tags((*(fields.get("tags") or ()), *(fields.get("system_tags") or ())))
    fields = fields | _split_tags(caller, kind, fields)
    if kind is TASKS:
        fields |= _parameters(fields, previous or {}) | _descriptions(fields, previous or {})
        fields |= _without_parameters(fields)
        if caller.version < MODEL_LISTS:
            fields |= _models(fields) | _container(fields)
    return fields


def check_tags(tags: Iterable[str]) -> None:
    """Raise BadValue for tags that filters would take for operators."""
    if wrong := [tag for tag in tags if tag.startswith(OPERATOR)]:
        raise BadValue(f"{wrong[0]} is an operator of filters, and no tag")


def _split_tags(caller: Caller, kind: Kind, fields: Document) -> Document:
    if caller.version >= SYSTEM_TAGS or fields.get("tags") is None or fields.get("system_tags"):
        return {}
    tags, system_tags = partition_tags(kind, fields["tags"])
    return {"tags": tags, "system_tags": system_tags}


def _parameters(fields: Document, previous: Mapping[str, Any]) -> Document:
    """Return ``hyperparams`` with what came as ``execution.parameters``, in place of what came so before."""
    given = _old_object(fields, "parameters")
    if given is None:
        return {}
    own = fields.get("hyperparams") or _without_legacy_sections(previous.get("hyperparams") or {})
    sections = {name: dict(items) for name, items in own.items()}
    for full_name, value in given.items():
        section, name = _section_and_name(full_name)
        item = {"section": section, "name": name, "value": str(value), "type": LEGACY}
        sections.setdefault(section, {})[name] = item
    return {"hyperparams": sections}


def _descriptions(fields: Document, previous: Mapping[str, Any]) -> Document:
    """Return ``configuration`` with what came as ``execution.model_desc``, in place of what came so before."""
    given = _old_object(fields, "model_desc")
    if given is None:
        return {}
    own = fields.get("configuration") or _without_legacy(previous.get("configuration") or {})
    new = {name: {"name": name, "value": str(value), "type": LEGACY} for name, value in given.items()}
    return {"configuration": {**own, **new}}


def _old_object(fields: Document, name: str) -> Mapping[str, Any] | None:
    value = (fields.get("execution") or {}).get(name)
    if value is not None and not isinstance(value, Mapping):
        raise InvalidField(f"execution.{name}: an object is expected")
    return value


def _section_and_name(full_name: str) -> tuple[str, str]:
    section, _, name = full_name.partition("/")
    if section != TF_DEFINE:
        return ARGS, full_name
    if not name:
        raise InvalidField("execution.parameters: a name is expected after TF_DEFINE/")
    return section, name


def _without_legacy_sections(sections: Mapping[str, Any]) -> Document:
    kept = {name: _without_legacy(items) for name, items in sections.items()}
    return {name: items for name, items in kept.items() if items}


def _without_legacy(items: Mapping[str, Any]) -> Document:
    return {name: item for name, item in items.items() if item.get("type") != LEGACY}


def _without_parameters(fields: Document) -> Document:
    execution = fields.get("execution")
    if not execution:
        return {}
    return {"execution": {n: value for n, value in execution.items() if n not in ("parameters", "model_desc")}}


def _models(fields: Document) -> Document:
    """Return ``models`` with what came as ``execution.model`` and ``output.model``, and these without."""
    found: Document = {}
    models = dict(fields.get("models") or {})
    for kind, (place, name) in MODEL_PLACES.items():
        given = fields.get(place) or {}
        if not isinstance(given, Mapping):
            raise InvalidField(f"{place}: an object is expected")
        if (model := given.get("model")) is not None:
            models[kind] = [{"name": name, "model": model, "updated": iso_now()}] if model else []
            found[place] = {n: value for n, value in given.items() if n != "model"}
    return found | {"models": models} if found else {}


def _container(fields: Document) -> Document:
    execution = fields.get("execution") or {}
    command = execution.get("docker_cmd")
    if not isinstance(command, str):
        return {}
    image, _, arguments = command.partition(" ")
    container = {**(fields.get("container") or {}), "image": image, "arguments": arguments}
    return {"container": container, "execution": {n: value for n, value in execution.items() if n != "docker_cmd"}}
