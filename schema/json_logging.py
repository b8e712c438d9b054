"""Logging: one JSON object a line on stderr, with the id of the request that it is about."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from schema.outage_filter import OutageFilter
from schema.redaction import without_secrets

AUDIT = "eventide.audit"
HTTP_SERVER = "aiohttp.server"
PARSER_ERRORS = "aiohttp.http_exceptions"  # their texts quote the request, credentials and all

request_id: ContextVar[str] = ContextVar("request_id", default="")
# Info lines that tell an operator nothing: one each time that the lag is measured, every 5 s; one for each plugin.
CHATTY = ("aiokafka.consumer.subscription_state", "alembic.runtime.plugins")


@contextmanager
def about_request(identifier: str) -> Iterator[None]:
    """Have log lines inside bear the id of a request; of none if it is empty."""
    token = request_id.set(identifier)
    try:
        yield
    finally:
        request_id.reset(token)


def configure_logging(level: str) -> None:
    """Send everything at or above ``level`` to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLogFormatter())
    handler.addFilter(OutageFilter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(AUDIT).setLevel(logging.INFO)  # whatever the level of others
    logging.getLogger(HTTP_SERVER).addFilter(_shorten_parser_errors)


def _shorten_parser_errors(record: logging.LogRecord) -> bool:
    """Keep of a request's error its kind alone: what the client sent is no error of ours, and may be a secret."""
    kind = record.exc_info[0] if record.exc_info else None
    if kind is not None and kind.__module__ == PARSER_ERRORS:
        record.msg = f"{record.getMessage()}: {kind.__name__}"
        record.args, record.exc_info, record.exc_text = None, None, None
        record.levelno, record.levelname = logging.INFO, "INFO"
        return logging.getLogger(HTTP_SERVER).isEnabledFor(logging.INFO)
    return True


class JsonLogFormatter(logging.Formatter):
    """A formatter of one JSON object a line, with the request's id."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        line |= getattr(record, "fields", {})
        if call_id := request_id.get():
            line["request_id"] = call_id
        if withheld := getattr(record, "withheld", 0):
            line["withheld"] = withheld
        if record.exc_info:
            line["traceback"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)
