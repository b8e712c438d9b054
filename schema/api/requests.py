"""Request bodies -> parameters (API contract 1.4), and the lenient types of fields (API contract 1.5)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from schema.api.json_limits import check_json_limits, check_values
from schema.errors import InvalidField, MalformedRequest

Parameters = dict[str, Any]
JSON_LINES = "application/json-lines"
ARROW_STREAM = "application/vnd.apache.arrow.stream"
MAX_VALUES = 500_000  # of a JSON document: to read as many holds up every thread for 0.3 s
MAX_ITEMS = 10_000  # of a list in a call
MAX_CHANGED = 1000  # of a list of documents each of which a call changes: 90 s were taken by 100 000
MAX_KEY_PARTS = 100  # of a key in a query string or form
MAX_TOLD_ERRORS, MAX_COUNTED_ERRORS = 10, 1000
MAX_DIGITS = 400  # of a number in a query string or form; what is longer is a text
TRUE, FALSE = frozenset(("true", "1")), frozenset(("false", "0", ""))


def _integer(value: Any) -> Any:
    """Convert a value to an integer: floats truncate toward zero, booleans are 0 and 1, numeric strings parse."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        value = float(value) if "." in value or "e" in value.lower() else int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a finite number is expected")
        return int(value)
    return value


def _boolean(value: Any) -> Any:
    """Convert by truth, and the words true and false by what they mean (API contract 5, row 27)."""
    if isinstance(value, str):
        if value.lower() not in TRUE | FALSE:
            raise ValueError("true or false is expected")
        return value.lower() in TRUE
    return bool(value)


def _texts(value: Any) -> Any:
    """Accept one id in place of a list of ids, as the web application sends it."""
    return [value] if isinstance(value, str) else value


Integer = Annotated[int, BeforeValidator(_integer)]
Boolean = Annotated[bool, BeforeValidator(_boolean)]
Texts = Annotated[list[str], BeforeValidator(_texts)]


class Request(BaseModel):
    """Parameters of one call.

    Null means absent, and false for booleans; unknown fields are ignored; strings must be strings. ``max_items``: of a
    list among the parameters; a request whose list names documents to change says MAX_CHANGED.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)
    max_items: ClassVar[int] = MAX_ITEMS
    null_means_all: ClassVar[frozenset[str]] = frozenset()  # fields of which null is not the default
    takes_body: ClassVar[bool] = False  # a field ``body`` gets the JSON as it came, which the handler decodes
    keeps_texts: ClassVar[bool] = False  # of a query string or form, whose keys have no levels then

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value is not None or cls._keeps_null(name)}

    @classmethod
    def _keeps_null(cls, name: str) -> bool:
        is_boolean = name in cls.model_fields and cls.model_fields[name].annotation is bool
        return is_boolean or name in cls.null_means_all

    @classmethod
    def read(cls, parameters: Parameters) -> Self:
        """Validate parameters. Raises InvalidField."""
        try:
            return cls.model_validate(parameters)
        except ValidationError as error:
            raise InvalidField(describe(error)) from error


class Nothing(Request):
    """A call without parameters."""


class AnyFields(Request):
    """A request whose fields are a document of the client's."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class EventBatch(Request):
    """Events: json lines or Arrow columns as bytes of ``media_type``, or one event as parameters.

    ``line``: what one line holds, as OpenAPI names it.
    """

    line: ClassVar[str] = "Event"

    body: bytes = b""
    media_type: str = JSON_LINES
    event: Parameters | None = None


def describe(error: ValidationError) -> str:
    """Describe a validation error in one line, of many errors the first few. For people: clients key on the codes."""
    if error.error_count() > MAX_COUNTED_ERRORS:
        return f"{error.error_count()} values are not valid"
    found = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, e['loc'])) or 'request'}: {e['msg']}" for e in found[:MAX_TOLD_ERRORS]]
    return "; ".join(told + [f"and {len(found) - len(told)} more"] * (len(found) > len(told)))


def parse_json(body: bytes, max_values: int = MAX_VALUES) -> Parameters:
    """Parse a JSON document into parameters; NaN and Infinity are accepted.

    Raises MalformedRequest for text that is not JSON or has more than ``max_values`` values, and InvalidField for a
    document that is not an object; empty documents of any type count as ``{}``.
    """
    if not body:
        return {}
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        check_values(text, max_values)
        document = json.loads(text)
        check_json_limits(text, document)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest(f"Invalid JSON: {error}") from error
    if document and not isinstance(document, dict):
        raise InvalidField("A JSON object is expected")
    return document or {}


def check_items(parameters: Parameters, limit: int) -> None:
    """Raise InvalidField if a list among the parameters, or in an object among them, has more than ``limit`` items."""
    for name, value in parameters.items():
        lists = value.values() if isinstance(value, dict) else (value,)
        if any(isinstance(items, list) and len(items) > limit for items in lists):
            raise InvalidField(f"{name}: at most {limit} items are taken at once")


def merge_pairs(parameters: Parameters, pairs: Iterable[tuple[str, str]]) -> Parameters:
    """Merge the pairs of a query string or form over parameters.

    Dots in a key nest; a key that repeats or ends in ``[]`` is a list; values that look like numbers or booleans become
    such. Raises InvalidField for a key of more than ``MAX_KEY_PARTS`` parts.
    """
    grouped: dict[str, list[str]] = {}
    for key, value in pairs:
        grouped.setdefault(key, []).append(value)
    for key, values in grouped.items():
        converted = [_convert(value) for value in values]
        _set(
            parameters,
            key.rstrip("[]").split("."),
            converted if len(values) > 1 or key.endswith("[]") else converted[0],
        )
    return parameters


def merge_texts(parameters: Parameters, pairs: Iterable[tuple[str, str]]) -> Parameters:
    """Merge pairs over parameters as they are: values stay texts, and of a key that repeats there is a list."""
    grouped: dict[str, list[str]] = {}
    for key, value in pairs:
        grouped.setdefault(key, []).append(value)
    return parameters | {key: values if len(values) > 1 else values[0] for key, values in grouped.items()}


def _set(parameters: Parameters, path: list[str], value: Any) -> None:
    if len(path) > MAX_KEY_PARTS:
        raise InvalidField(f"A key has at most {MAX_KEY_PARTS} parts")
    for name in path[:-1]:
        inner = parameters.get(name)
        if not isinstance(inner, dict):
            inner = parameters[name] = {}
        parameters = inner
    parameters[path[-1]] = value


def _convert(text: str) -> Any:
    """Convert digits with at most one dot to a number, and true and false in three spellings to a boolean."""
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    digits = text.replace(".", "", 1)
    if digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS:
        return float(text) if "." in text else int(text)
    return text


def media_type(header: str | None) -> str:
    """Return a Content-Type without its parameters, in lower case."""
    return (header or "").partition(";")[0].strip().lower()


def first_of(headers: Mapping[str, str], *names: str) -> str | None:
    """Return the first of these headers that is present: the Clearml spelling comes before the Trains one."""
    return next((headers[name] for name in names if name in headers), None)
