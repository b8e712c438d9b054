"""Records of W&B, by the field numbers of its wandb_internal.proto.

| message | fields read |
|---|---|
| Record | 2 history, 3 summary, 4 output, 5 config, 7 stats, 8 artifact, 9 tbrecord, 10 alert, 12 metric, 13 output_raw, 17 run, 18 exit, 25 use_artifact, 26 environment |
| RunRecord | 1 run_id, 2 entity, 3 project, 4 config, 6 run_group, 7 job_type, 8 display_name, 9 notes, 10 tags, 12 sweep_id, 13 host, 17 start_time |
| HistoryRecord | 1 item, 2 step: 1 num |
| items of history, summary, config and stats | 1 key, 2 nested_key, 4 boolean, 5 integer, 6 number, 7 text, 8 json, 16 value_json |
| SummaryRecord, ConfigRecord | 1 update, 2 remove |
| StatsRecord | 2 timestamp, 3 item |
| OutputRecord, OutputRawRecord | 1 output_type, 2 timestamp, 3 line |
| AlertRecord | 1 title, 2 text, 3 level |
| RunExitRecord | 1 exit_code |
"""  # noqa: E501 - a row of a table

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ingest.importers.protobuf import Value, data, double, fields, number, signed, text

HISTORY, SUMMARY, OUTPUT, CONFIG, STATS, ARTIFACT, TB, ALERT = 2, 3, 4, 5, 7, 8, 9, 10
METRIC, OUTPUT_RAW, RUN, EXIT, USE_ARTIFACT, ENVIRONMENT = 12, 13, 17, 18, 25, 26


@dataclass(frozen=True)
class Item:
    """A key, as the path to a value, and the value."""

    path: tuple[str, ...]
    value: Any

    @property
    def key(self) -> str:
        """The path as one text."""
        return "/".join(self.path)


def kind_of(record: bytes) -> tuple[int, bytes]:
    """Return what a record is, and its message; 0 if it is nothing that is read. Raises MalformedMessage."""
    for name, value in fields(record):
        if 1 < name < 100 and name != 16 and isinstance(value, bytes):
            return name, value
    return 0, b""


def items(message: bytes, field: int) -> Iterator[Item]:
    """Yield the items in a field of a message. Raises MalformedMessage."""
    for name, value in fields(message):
        if name == field:
            yield _item(data(value))


def _item(message: bytes) -> Item:
    key, nested, found = "", [], None
    for name, value in fields(message):
        if name == 1:
            key = text(value)
        elif name == 2:
            nested.append(text(value))
        else:
            found = _value(name, value)
    return Item(tuple(nested) or (key,), found)


def _value(name: int, value: Value) -> Any:
    if name == 4:
        return bool(value)
    if name == 5:
        return signed(number(value))
    if name == 6:
        return double(value)
    if name == 7:
        return text(value)
    return json_value(text(value)) if name in (8, 16) else None


def json_value(document: str) -> Any:
    """Return a value of its JSON; a text that is none as it is."""
    try:
        return json.loads(document)
    except ValueError:
        return document


def texts(message: bytes) -> dict[int, list[str]]:
    """Return the texts of a message by field."""
    found: dict[int, list[str]] = {}
    for name, value in fields(message):
        if isinstance(value, bytes):
            found.setdefault(name, []).append(text(value))
    return found


def tree(found: Iterable[Item]) -> dict[str, Any]:
    """Return items as nested mappings; where a value and a mapping have one path, the later one stays."""
    root: dict[str, Any] = {}
    for item in found:
        place = root
        for name in item.path[:-1]:
            if not isinstance(place.get(name), dict):
                place[name] = {}
            place = place[name]
        place[item.path[-1]] = item.value
    return root


def step_of(message: bytes) -> int | None:
    """Return the step of a history record, if it says one."""
    for name, value in fields(message):
        if name == 2:
            return next((signed(number(num)) for inner, num in fields(data(value)) if inner == 1), 0)
    return None


def timestamp(message: bytes, field: int) -> int | None:
    """Return the ms since the epoch in a field (google.protobuf.Timestamp: 1 seconds, 2 nanos); None: it has none."""
    for name, value in fields(message):
        if name == field and isinstance(value, bytes):
            parts = dict(fields(value))
            return number(parts.get(1, 0)) * 1000 + number(parts.get(2, 0)) // 1_000_000
    return None
