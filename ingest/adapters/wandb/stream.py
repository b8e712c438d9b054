"""W&B's stream of a run: history, system metrics, console and summary in pieces, and how the run ended."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from ingest import gateway as events
from ingest.adapters.trackio.values import Line, Place, Point
from ingest.adapters.wandb.runs import STATE, finish, keep_state, run_of
from ingest.adapters.wandb.values import console_event, history_events, parse, system_events, value_events
from ingest.gateway import Gateway
from ingest.registry.documents import own_document
from schema.adapters.requests import TextRequest
from schema.api.requests import JSON_LINES, EventBatch, Integer
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import BadValue
from schema.events.tables import LOG
from schema.fairness.computing import compute_if
from schema.registry import TASKS

HISTORY, SYSTEM, CONSOLE, SUMMARY = "wandb-history.jsonl", "wandb-events.jsonl", "output.log", "wandb-summary.json"
SINGLE_VALUE = -(2**31)  # the step of values that have none (API contract 2.2)
IN_THREAD_FROM_LINES = 20
LEVELS = {"INFO": "info", "WARN": "warning", "ERROR": "error"}
ENCODER = msgspec.json.Encoder()

endpoints = Endpoints(Tier.GATEWAY)


class Piece(TextRequest):
    """Lines of one file of a run; ``offset``: the number of the first."""

    offset: Integer = 0
    content: list[str] = []


class FileStream(TextRequest):
    """Pieces of a run's files. ``complete``: the run has ended, with ``exitcode``."""

    entity: str
    project: str
    run: str
    files: dict[str, Piece] = {}
    complete: bool = False
    exitcode: Integer | None = None


@endpoints.add("wandb.file_stream")
async def file_stream(gateway: Gateway, caller: Caller, request: FileStream) -> Answer:
    """Add pieces of a run's files; the same pieces again change nothing.

    Raises InvalidTask, InvalidField, what ``events.add_batch`` raises, and BadValue if something was refused.
    """
    task_id = run_of(request.entity, request.project, request.run).task_id(caller)
    task = await own_document(gateway, caller, TASKS, task_id)
    created_ms = round(datetime.fromisoformat(task["created"]).timestamp() * 1000)
    place = Place(task_id, 0, created_ms, caller.origin)  # of lines without a time, also if they come again
    count = sum(len(piece.content) for piece in request.files.values())
    lines, keys = await compute_if(count >= IN_THREAD_FROM_LINES, _read, request.files, place)
    await _add(gateway, caller, lines, _key_of(task_id, request.files))
    summary = _summary(request.files)
    if keys or summary is not None:
        await keep_state(gateway, caller, task_id, keys, summary)
    if request.complete:
        await _add_single_values(gateway, caller, place)
        await finish(gateway, caller, task_id, request.exitcode or 0)
    return {"exitcode": request.exitcode, "limits": {}}


async def add_alert(gateway: Gateway, caller: Caller, task_id: str, text: str, severity: str) -> None:
    """Add an alert as a line of the log. Raises InvalidTask, and what ``events.add_batch`` raises."""
    await own_document(gateway, caller, TASKS, task_id)
    level, now = LEVELS.get(severity, "info"), time.time_ns() // 1_000_000
    line = {"type": LOG, "task": task_id, "level": level, "msg": f"ALERT {text}", "timestamp": now}
    await _add(gateway, caller, [line], None)


def _read(files: Mapping[str, Piece], place: Place) -> tuple[list[Point | Line], set[str]]:
    """Return the events of pieces, and the keys of their history. Raises InvalidField."""
    keys: set[str] = set()
    found: list[Point | Line] = []
    for text in _content(files, HISTORY):
        row = parse(text)
        keys.update(key for key in row if not key.startswith("_"))
        found += history_events(row, place)
    for text in _content(files, SYSTEM):
        found += system_events(parse(text), place)
    found += (console_event(text, place) for text in _content(files, CONSOLE))
    return found, keys


def _summary(files: Mapping[str, Piece]) -> Mapping[str, Any] | None:
    content = _content(files, SUMMARY)
    return parse(content[-1]) if content else None


def _content(files: Mapping[str, Piece], name: str) -> Sequence[str]:
    return files[name].content if name in files else ()


def _key_of(task_id: str, files: Mapping[str, Piece]) -> str:
    """Return the key of pieces, by which lines of logs that come again are known: unlike points, they have no step."""
    text = ENCODER.encode([task_id, [(name, piece.offset, piece.content) for name, piece in sorted(files.items())]])
    return f"wandb {hashlib.blake2b(text, digest_size=16).hexdigest()}"


async def _add_single_values(gateway: Gateway, caller: Caller, place: Place) -> None:
    """Add what the summary has alone, without a history."""
    state = (await own_document(gateway, caller, TASKS, place.task)).get(STATE) or {}
    at, known = Place(place.task, SINGLE_VALUE, place.timestamp, place.origin), set(state.get("keys", ()))
    await _add(gateway, caller, list(_alone(state.get("summary") or {}, known, at)), None)


def _alone(summary: Mapping[str, Any], known: set[str], place: Place) -> Iterator[Point | Line]:
    for key, value in summary.items():
        if key not in known and not key.startswith("_"):
            yield from value_events(key, value, place)


async def _add(gateway: Gateway, caller: Caller, lines: Sequence[Point | Line], key: str | None) -> None:
    """Publish events. Raises what ``add_batch`` raises, and BadValue for refused ones."""
    if not lines:
        return
    body = await compute_if(len(lines) >= 1000, ENCODER.encode_lines, lines)
    once = caller.but(idempotency_key=key) if key else caller
    answer = await events.add_batch(gateway, once, EventBatch(body=body, media_type=JSON_LINES))
    if answer["errors"]:
        raise BadValue(f"{answer['errors']} of {len(lines)} values were refused: {', '.join(answer['errors_info'])}")
