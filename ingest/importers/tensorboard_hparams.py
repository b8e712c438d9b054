"""Hyper-parameters as TensorBoard's hparams plugin keeps them, by the field numbers of its plugin_data.proto.

| message | fields read |
|---|---|
| HParamsPluginData | 2 experiment, 3 session_start_info, 4 session_end_info |
| SessionStartInfo | 1 hparams (map of google.protobuf.Value), 4 group_name, 5 start_time_secs |
| SessionEndInfo | 1 status, 2 end_time_secs |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.importers.protobuf import data, double, fields, number, text
from ingest.importers.records import Details, Skipped, Status

EXPERIMENT, START, END = 2, 3, 4
STATUS: dict[int, Status] = {1: "completed", 2: "failed", 3: "in_progress"}


def hparams_details(tag: str, content: bytes) -> Iterator[Details | Skipped]:
    """Yield what a summary of the plugin says of its run: the values of parameters, or how it ended."""
    for name, value in fields(content):
        if name == START:
            yield _start(data(value))
        elif name == END:
            yield _end(data(value))
        elif name == EXPERIMENT:
            yield Skipped("hparams experiment description")  # the domain of each parameter, for all runs


def _start(message: bytes) -> Details:
    config: dict[str, Any] = {}
    tags, started = [], None
    for name, value in fields(message):
        if name == 1:
            entry = dict(fields(data(value)))
            config[text(entry.get(1, b""))] = _json_value(data(entry.get(2, b"")))
        elif name == 4 and value:
            tags.append(text(value))
        elif name == 5:
            started = round(double(value) * 1000) or None
    return Details(config=config, tags=tags, started=started)


def _end(message: bytes) -> Details:
    parts = dict(fields(message))
    ended = round(double(parts[2]) * 1000) if 2 in parts else None
    return Details(status=STATUS.get(number(parts.get(1, 0)), "completed"), ended=ended or None)


def _json_value(message: bytes) -> Any:
    """Return a google.protobuf.Value: 2 number, 3 text, 4 boolean, 6 list; null for anything else."""
    for name, value in fields(message):
        if name == 2:
            found = double(value)
            return int(found) if found.is_integer() and abs(found) < 2**53 else found
        if name == 3:
            return text(value)
        if name == 4:
            return bool(value)
        if name == 6:
            return [_json_value(data(item)) for _, item in fields(data(value))]
    return None
