"""Docstrings as readers of the API see them: in CommonMark for OpenAPI, in HTML for ``/docs``.

The only markup in this code's docstrings is reStructuredText's literal (two backticks); blank lines part paragraphs.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from html import escape
from typing import Any

LITERAL = re.compile(r"``(.+?)``", re.DOTALL)
CODE = re.compile(r"`([^`]+)`")


def paragraphs(documented: Callable[..., Any]) -> list[str]:
    """Return the paragraphs of a function's docstring in CommonMark, each on one line."""
    return [" ".join(part.split()) for part in commonmark(inspect.getdoc(documented) or "").split("\n\n")]


def commonmark(text: str) -> str:
    """Return text with its literals between single backticks."""
    return LITERAL.sub(r"`\1`", text)


def to_html(text: str) -> str:
    """Return a paragraph of ``commonmark`` with its code in elements, and all else escaped."""
    return CODE.sub(r"<code>\1</code>", escape(text))


def with_commonmark(schema: Any) -> Any:
    """Return a JSON schema with all descriptions, which come from docstrings, in CommonMark."""
    if isinstance(schema, list):
        return [with_commonmark(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: commonmark(part) if name == "description" and isinstance(part, str) else with_commonmark(part)
        for name, part in schema.items()
    }
