"""Configurations of other trackers -> hyper-parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from schema.adapters.nested_values import flattened

SECTION = "General"


def hyper_parameters(config: Mapping[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
    """Return a configuration as a task has it: ``{section: {name: {section, name, value}}}``."""
    parameters = {}
    for name, value in flattened(config):
        parameters[name] = {"section": SECTION, "name": name, "value": as_text(value)}
    return {SECTION: parameters} if parameters else {}


def as_text(value: Any) -> str:
    """Return a value as text: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
