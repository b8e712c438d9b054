"""What trackio's client sends in bulk: metrics, what the machine does, alerts; and that it has sent files."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from ingest import gateway as events
from ingest.adapters.trackio.runs import Run, ensure_task, run_of, set_config, started_at
from ingest.adapters.trackio.values import NOT_FINITE, Line, Place, Point, point, read_values, undefined
from ingest.gateway import Gateway
from schema.adapters.metric_keys import GPU, MONITOR_GPU, MONITOR_MACHINE
from schema.adapters.requests import NamedArguments
from schema.adapters.trackio import FILES, MEDIA
from schema.api.requests import JSON_LINES, EventBatch
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import BadValue, InvalidField
from schema.events.tables import LOG
from schema.fairness.computing import compute_if

MAX_LOGS = 100_000
IN_THREAD_FROM_LOGS = 100
LEVELS = {"info": "info", "warn": "warning", "error": "error"}
ENCODER = msgspec.json.Encoder()
Entry = dict[str, Any]

endpoints = Endpoints(Tier.GATEWAY)


class BulkLog(NamedArguments):
    """Entries of several runs."""

    max_items: ClassVar[int] = MAX_LOGS

    logs: list[Entry] = []


class BulkAlert(NamedArguments):
    """Alerts of several runs."""

    alerts: list[Entry] = []


class BulkUpload(NamedArguments):
    """Files that were sent before."""

    uploads: list[Entry] = []


@endpoints.add("trackio.bulk_log")
async def bulk_log(gateway: Gateway, caller: Caller, request: BulkLog) -> Answer:
    """Add metrics, images, tables and texts, of runs that are made if need be; the same entries again change nothing.

    Raises what ``events.add_batch`` raises, and BadValue if something was refused.
    """
    logs = request.logs
    tasks = await _tasks(gateway, caller, logs)
    for entry in logs:
        if isinstance(config := entry.get("config"), dict) and config:
            await set_config(gateway, caller, tasks[run_of(entry)], config)
    await _add(gateway, caller, await compute_if(len(logs) >= IN_THREAD_FROM_LOGS, _read, caller, logs, tasks))
    return {"data": None}


@endpoints.add("trackio.bulk_log_system")
async def bulk_log_system(gateway: Gateway, caller: Caller, request: BulkLog) -> Answer:
    """Add what the machine did, by the seconds since the run's start. Raises as ``bulk_log`` does."""
    logs = request.logs
    tasks = await _tasks(gateway, caller, logs)
    starts = {task: await started_at(gateway, task) for task in set(tasks.values())}
    found: list[Point] = []
    for entry in logs:
        task, moment = tasks[run_of(entry)], _moment(entry.get("timestamp"))
        place = Place(task, max(0, int(moment - starts[task])), int(moment * 1000))
        found += _system_points(_metrics_of(entry), place)
    await _add(gateway, caller, found)
    return {"data": None}


@endpoints.add("trackio.bulk_alert")
async def bulk_alert(gateway: Gateway, caller: Caller, request: BulkAlert) -> Answer:
    """Add alerts as lines of the log, each once however often it comes. Raises as ``bulk_log`` does."""
    tasks = await _tasks(gateway, caller, request.alerts)
    for alert in request.alerts:
        said = ": ".join(str(alert[name]) for name in ("title", "text") if alert.get(name))
        line = {"type": LOG, "task": tasks[run_of(alert)], "level": LEVELS.get(str(alert.get("level")), "warning")}
        timed = line | {"msg": f"ALERT {said}", "timestamp": int(_moment(alert.get("timestamp")) * 1000)}
        once = caller.but(idempotency_key=f"trackio {alert['alert_id']}") if alert.get("alert_id") else caller
        await _add(gateway, once, [timed])
    return {"data": None}


@endpoints.add("trackio.bulk_upload_media")
async def bulk_upload_media(gateway: Gateway, caller: Caller, request: BulkUpload) -> Answer:
    """Confirm files that were sent: they are where metrics name them already. Raises InvalidField for others."""
    for upload in request.uploads:
        file = upload.get("uploaded_file")
        path = file.get("path") if isinstance(file, dict) else None
        if not isinstance(path, str) or not path.startswith((f"{MEDIA}/", f"{FILES}/")):
            raise InvalidField("uploads: a file that was sent to /api/upload is expected")
    return {"data": None}


async def _tasks(gateway: Gateway, caller: Caller, entries: Iterable[Entry]) -> dict[Run, str]:
    """Return the tasks of the runs that entries name, which are made if there are none."""
    return {run: await ensure_task(gateway, caller, run) for run in {run_of(entry): None for entry in entries}}


def _read(caller: Caller, logs: Sequence[Entry], tasks: Mapping[Run, str]) -> list[Point | Line]:
    """Return the events of entries. Raises InvalidField."""
    found: list[Point | Line] = []
    now = time.time_ns() // 1_000_000
    for entry in logs:
        step = entry.get("step")
        if isinstance(step, bool) or not isinstance(step, int | None):
            raise InvalidField("logs: step is an integer")
        found += read_values(_metrics_of(entry), Place(tasks[run_of(entry)], step or 0, now, caller.origin))
    return found


def _system_points(metrics: Mapping[str, Any], place: Place) -> Iterable[Point]:
    for key, value in metrics.items():
        names = (MONITOR_GPU if key.startswith(GPU) else MONITOR_MACHINE, key)
        if isinstance(value, int | float):
            yield point(key, +value, place, names)  # of a boolean the number
        elif isinstance(value, str) and value in NOT_FINITE:
            yield undefined(key, value, place, names)


def _metrics_of(entry: Entry) -> Mapping[str, Any]:
    metrics = entry.get("metrics")
    if not isinstance(metrics, dict):
        raise InvalidField("logs: metrics is an object")
    return metrics


def _moment(text: Any) -> float:
    """Return a time in seconds since the epoch; now where there is none. Raises InvalidField."""
    if text is None:
        return time.time()
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidField("timestamp: an ISO time is expected") from error


async def _add(gateway: Gateway, caller: Caller, lines: Sequence[Point | Line]) -> None:
    """Publish events, readable once this returns. Raises what ``add_batch`` raises, and BadValue for refused ones."""
    if not lines:
        return
    body = await compute_if(len(lines) >= 1000, ENCODER.encode_lines, lines)
    waiting = caller if caller.ack or gateway.log.reads_wait else caller.but(ack="visible")
    answer = await events.add_batch(gateway, waiting, EventBatch(body=body, media_type=JSON_LINES))
    if answer["errors"]:
        raise BadValue(f"{answer['errors']} of {len(lines)} values were refused: {', '.join(answer['errors_info'])}")
