"""Tables as CSV: the rows of a ``get_all_ex``, with the columns that are named, as a file.

``prepare`` returns an id that holds the request; a browser then follows a link with it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

from query.context import QueryContext
from query.registry.documents import at
from query.registry.filters import Vocabulary
from query.registry.listing import GetAll, Listing, list_documents
from query.registry.models import VOCABULARY as MODEL_VOCABULARY
from query.registry.tasks import VOCABULARY as TASK_VOCABULARY
from schema.api.requests import Request
from schema.api.wire import Answer, Caller, Endpoints, Stream, Tier
from schema.errors import InvalidField
from schema.registry import names_of

MAX_ROWS = 1000  # ``max_download_items``, which users.get_current_user tells the web application
MAX_ID_CHARACTERS = 7000  # in a URL, for which proxies have 8 KiB
ROWS_PER_PAGE = 500
NAME = "organization.download_for_get_all"
PAGING = ("page", "page_size", "size", "scroll_id", "refresh_scroll")
FORMULA = re.compile(r"[=+\-@\t\r]")  # by which spreadsheets recognize a formula
NUMBER = re.compile(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", re.I)
BYTE_ORDER_MARK = "\ufeff"  # by which spreadsheets know UTF-8
VOCABULARIES: dict[str, Vocabulary] = {"task": TASK_VOCABULARY, "model": MODEL_VOCABULARY}

Rows = Sequence[Mapping[str, Any]]

endpoints = Endpoints(Tier.QUERY)


class Value(Request):
    """A text that a cell shows in place of a value."""

    key: Any = None
    value: Any = None


class Column(Request):
    """A column of the table; ``name``: its heading."""

    field: str
    name: str | None = None
    values: list[Value] = []

    def cell(self, document: Mapping[str, Any]) -> str:
        """Return the text of a row's cell."""
        value = at(document, names_of(self.field))
        found = _text(value.get("id") if isinstance(value, Mapping) else value)
        shown = next((_text(one.value) for one in self.values if _text(one.key) == found), found)
        return _plain(shown)


class Prepare(GetAll):
    """A listing and its columns."""

    entity_type: Literal["task", "model"]
    field_mappings: list[Column] = []


class Download(Request):
    """The id that ``prepare`` returned."""

    prepare_id: str


@endpoints.add("organization.prepare_download_for_get_all")
async def prepare(context: QueryContext, caller: Caller, request: Prepare) -> Answer:
    """Return ``{"prepare_id"}`` for a download.

    Raises InvalidField for what cannot be listed, and if the request does not fit an id.
    """
    await _page(context, caller, request, 0, 1)
    prepare_id = context.cursors.make(NAME, caller, [], request.model_dump(mode="json", exclude_none=True))
    if len(prepare_id) > MAX_ID_CHARACTERS:
        raise InvalidField("Too much to remember in an address: select fewer rows or columns")
    return {"prepare_id": prepare_id}


@endpoints.add(NAME)
async def download(context: QueryContext, caller: Caller, request: Download) -> Stream:
    """Stream the file. Raises InvalidScroll for an id that is not ``prepare``'s, or too old."""
    state = context.cursors.read(request.prepare_id, NAME, caller, [])
    prepared = Prepare.model_validate(state)
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f"attachment; filename={prepared.entity_type}s.csv",
        "Cache-Control": "no-store, max-age=0",
    }
    return Stream(_lines(context, caller, prepared), headers)


async def _lines(context: QueryContext, caller: Caller, request: Prepare) -> AsyncIterator[bytes]:
    columns = request.field_mappings
    yield (BYTE_ORDER_MARK + _line([_plain(column.name or column.field) for column in columns])).encode()
    for number in range(MAX_ROWS // ROWS_PER_PAGE):
        rows = await _page(context, caller, request, number, ROWS_PER_PAGE)
        yield "".join(_line([column.cell(row) for column in columns]) for row in rows).encode()
        if len(rows) < ROWS_PER_PAGE:
            break


async def _page(
    context: QueryContext, caller: Caller, request: Prepare, number: int, size: int
) -> Sequence[Mapping[str, Any]]:
    fields = [column.field for column in request.field_mappings]
    unpaged = dict.fromkeys(PAGING)
    page = request.model_copy(
        update=unpaged | {"page": number, "page_size": size, "only_fields": fields, "projection": []}
    )
    vocabulary = VOCABULARIES[request.entity_type]
    answer = await list_documents(context, caller, Listing(vocabulary, page), join=True)
    rows: Rows = answer[f"{vocabulary.kind.name}s"]
    return rows


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(_text(member) for member in value)
    return "" if value is None else str(value)


def _plain(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
