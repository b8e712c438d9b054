"""The endpoint ``download_task_log``: a console log as a file (API contract 3.12)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from string import Formatter
from typing import Any

from query.columns.formats import JSON, Format
from query.context import QueryContext
from query.logs.log_columns import log_stream
from query.logs.snapshot import next_page, take_snapshot
from schema.api.requests import Request
from schema.api.wire import Caller, Endpoints, Stream, Tier
from schema.errors import BadValue, MissingField
from schema.json_encoding import to_json
from schema.registry import Entity

DOWNLOAD_PAGE = 10_000
PLACEHOLDERS = frozenset(("asctime", "timestamp", "level", "worker", "msg"))
WIDE = re.compile(r"\d{4}")

endpoints = Endpoints(Tier.QUERY)


class DownloadTaskLog(Request):
    """A task whose log is downloaded, and the format of its lines; or as columns (``format``)."""

    task: str
    format: Format = JSON
    line_type: str = "json"
    line_format: str = "{asctime} {worker} {level} {msg}"


@endpoints.add("events.download_task_log")
async def download_task_log(context: QueryContext, caller: Caller, request: DownloadTaskLog) -> Stream:
    """Stream the whole log, oldest first: a JSON object or a formatted text a line.

    Raises MissingField and BadValue for the format.
    """
    task = await context.entity(caller, request.task)
    if request.format != JSON:
        return log_stream(context, task, request.format)
    is_json = request.line_type.lower() == "json"
    if not is_json:
        check_line_format(request.line_format)
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Disposition": f"attachment; filename=task_{task.id}.log",
        "Cache-Control": "no-store, max-age=0",
    }
    return Stream(_download(context, task, None if is_json else request.line_format), headers)


async def _download(context: QueryContext, task: Entity, line_format: str | None) -> AsyncIterator[bytes]:
    """Read the log page by page, so that memory does not grow with it."""
    page, snapshot = await next_page(context, task, await take_snapshot(context, task, DOWNLOAD_PAGE), "asc")
    while page:
        events = page.documents()
        if line_format is None:
            yield b"".join(_json_line(event) for event in events)
        else:
            yield "".join(_text_line(event, line_format) for event in events).encode()
        page, snapshot = await next_page(context, task, snapshot, "asc")


def _json_line(event: dict[str, Any]) -> bytes:
    event["asctime"] = event.pop("timestamp")
    del event["type"], event["task"]
    return to_json(event) + b"\n"


def _text_line(event: dict[str, Any], line_format: str) -> str:
    values = {name: event.get(name) for name in PLACEHOLDERS} | {"asctime": event["timestamp"]}
    values = {name: "" if value is None else value for name, value in values.items()}
    try:
        return line_format.rstrip("\n").format(**values) + "\n"
    except (ValueError, TypeError):  # the format of a number, and the line has a text or nothing there
        return AsFarAsPossible().vformat(line_format.rstrip("\n"), (), values) + "\n"


class AsFarAsPossible(Formatter):
    """A formatter that writes a value as it is where its format does not fit."""

    def format_field(self, value: Any, format_spec: str) -> str:
        try:
            return str(super().format_field(value, format_spec))
        except (ValueError, TypeError):
            return str(value)


def check_line_format(line_format: str) -> None:
    """Check a line format.

    Raises MissingField if it is empty, and BadValue if it is malformed or names anything but a field.
    """
    if not line_format:
        raise MissingField("line_format is empty")
    try:
        parts = list(Formatter().parse(line_format))
    except ValueError as error:
        raise BadValue(f"Invalid line_format: {error}") from error
    if any(WIDE.search(spec or "") for _, _, spec, _ in parts):
        raise BadValue("Invalid line_format: a width beyond 999")
    unknown = [
        name for _, name, spec, _ in parts if name is not None and (name not in PLACEHOLDERS or "{" in (spec or ""))
    ]
    if unknown:
        raise BadValue(f"Invalid line_format: unknown {', '.join(unknown)}")
    try:
        line_format.format(asctime=0, timestamp=0, level="", worker="", msg="")
    except (ValueError, TypeError) as error:
        raise BadValue(f"Invalid line_format: {error}") from error
