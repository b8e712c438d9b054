"""The request that calls of other SDKs have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import model_validator

from schema.api.requests import Request


class TextRequest(Request):
    """Parameters whose texts in a query string stay what they are."""

    keeps_texts: ClassVar[bool] = True


class NamedArguments(Request):
    """Parameters that are the named arguments of a call: ``{"args": [], "kwargs": {…}}``."""

    @model_validator(mode="before")
    @classmethod
    def _arguments(cls, values: Any) -> Any:
        named = values.get("kwargs") if isinstance(values, dict) else None
        return named if isinstance(named, dict) else values
