"""A program's configuration as hyper-parameters of a task: a section ``General`` of texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SECTION = "General"


def hyper_parameters(config: Mapping[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
    """Return the documents of the parameters; those of nested mappings are named ``a/b``."""
    items = {name: _parameter(name, value) for name, value in _flat(config, "")}
    return {SECTION: items} if items else {}


def _flat(config: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{name}/")
        else:
            yield f"{above}{name}", value


def _parameter(name: str, value: Any) -> dict[str, str]:
    return {"section": SECTION, "name": name, "value": str(value), "type": type(value).__name__}
