"""References of tasks: projects, parents and models, which the caller must be able to see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.gateway import Gateway
from ingest.registry.documents import check_visible
from ingest.registry.foreign import DELETED
from schema.api.wire import Caller
from schema.registry import MODELS, PROJECTS, TASKS


async def check_references(gateway: Gateway, caller: Caller, fields: Mapping[str, Any]) -> None:
    """Raise InvalidProject, InvalidTask or InvalidModel for what a task names and the caller cannot see."""
    if fields.get("project"):
        await check_visible(gateway, caller, PROJECTS, [fields["project"]])
    if fields.get("parent") and not fields["parent"].startswith(DELETED):
        await check_visible(gateway, caller, TASKS, [fields["parent"]])
    if models := input_models(fields):
        await check_visible(gateway, caller, MODELS, models)


def input_models(fields: Mapping[str, Any]) -> list[str]:
    """Return the ids of the models that a task uses."""
    items = (fields.get("models") or {}).get("input") or ()
    return [item["model"] for item in items if isinstance(item.get("model"), str) and item["model"]]
