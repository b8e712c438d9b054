"""The request that calls of other SDKs have in common."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import msgspec
from pydantic import model_validator

from schema.api.requests import Request
from schema.errors import InvalidField

Item = TypeVar("Item", bound=msgspec.Struct)


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


def items_of(given: list[Any], kind: type[Item], name: str) -> list[Item]:
    """Return the items of a list as structs; numbers may be texts. Raises InvalidField, which names the list."""
    try:
        return msgspec.convert(given, list[kind], strict=False)  # type: ignore[valid-type]
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        raise InvalidField(f"{name}: {error}") from error
