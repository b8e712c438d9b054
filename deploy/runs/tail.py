"""The command ``eventide tail``: the log and the scalars of a task as they come, until it ends or Ctrl-C."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any

from deploy.client_connection import client_configuration
from deploy.runs.commands import reader
from deploy.runs.reader import RunReader
from deploy.runs.text import number
from eventide_client.api import Api, Refused, Unavailable
from eventide_client.backoff import Backoff
from schema.settings import Settings

POLL_SECONDS = 1.0
LIVE = frozenset(("created", "queued", "in_progress"))
INTERRUPTED = 130  # the exit code of what Ctrl-C ends
PAGE = 5000

Line = dict[str, Any]


class PointStream(threading.Thread):
    """Reads a task's stream of new points on a connection of its own, which is opened again where it ended."""

    def __init__(self, api: Api, task: str) -> None:
        super().__init__(daemon=True)
        self.points: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self.is_ready = threading.Event()
        self._api, self._task = api, task
        self._last_event_id = ""

    def run(self) -> None:
        """Read for as long as the process lives; what came while the server was away is sent by the next stream."""
        backoff = Backoff()
        while True:
            try:
                with self._api.stream("events.stream", last_event_id=self._last_event_id, task=self._task) as response:
                    backoff = Backoff()
                    self._read(response)
            except (Unavailable, OSError, HTTPException):
                time.sleep(backoff.pause(None))
            except Refused:  # it was deleted, which the other connection tells
                return
            self._api.close()

    def _read(self, response: Any) -> None:
        event = ""
        for raw in response:
            name, _, value = raw.decode().rstrip("\n").partition(": ")
            if name == "id":
                self._last_event_id = value
            elif name == "event":
                event = value
                if value == "ready":
                    self.is_ready.set()
            elif name == "data" and event == "points":
                for line in points_of(json.loads(value)):
                    self.points.put(line)
            elif name == "data" and event == "reset":
                self.points.put({"type": "reset"})


def points_of(message: Line) -> Iterator[Line]:
    """Yield the points of a message of the stream, by step; of a bucket (docs/api-contract.md 6.6) its newest value."""
    found = [
        {"type": "scalar", "iter": x, "metric": metric, "variant": variant, "value": value, "timestamp": at}
        for metric, variants in message["metrics"].items()
        for variant, curve in variants.items()
        for x, at, value in zip(curve["x"], curve["t"], curve["y_last"], strict=True)
    ]
    yield from sorted(found, key=lambda line: line["iter"])


class Tail:
    """What is new of one task. ``lines``: of the log that are told at first."""

    def __init__(self, runs: RunReader, stream: PointStream, task: str, lines: int) -> None:
        self._runs, self._stream, self._task, self._lines = runs, stream, task, lines

    def lines(self) -> Iterator[Line]:
        """Yield log lines and points as they come, and at last the status with which the task ended."""
        position = self._new_log("")["position"]
        self._stream.start()
        self._stream.is_ready.wait(10 * POLL_SECONDS)
        if self._lines:
            yield from map(_log_line, self._runs.log(self._task, self._lines)["lines"])
        while True:
            status = self._status()  # before what is new is asked for, so that nothing from before the end is missed
            found = self._new_log(position)
            position = found["position"]
            yield from map(_log_line, found["events"])
            yield from self._points(POLL_SECONDS)
            if status not in LIVE and not found["events"]:
                yield {"type": "status", "status": status}
                return

    def _points(self, seconds: float) -> Iterator[Line]:
        """Yield points for as long as that; a pause between two polls."""
        until = time.monotonic() + seconds
        with suppress(queue.Empty):
            while (left := until - time.monotonic()) > 0:
                yield self._stream.points.get(timeout=left)

    def _status(self) -> str:
        return str(self._runs.api.call("tasks.get_by_id", task=self._task, only_fields=["status"])["task"]["status"])

    def _new_log(self, after: str) -> Line:
        asked = {"after": after} if after else {}
        return self._runs.api.call("events.get_new_task_log", task=self._task, batch_size=PAGE, **asked)


def _log_line(line: Line) -> Line:
    return {"type": "log", "timestamp": line.get("timestamp"), "level": line.get("level"), "msg": line.get("msg")}


def tail_run(settings: Settings, task: str, lines: int, as_json: bool) -> None:
    """Print what is new of a task. Raises ConfigError if there is no such task, Unavailable if the server goes away.

    Ends with 130 after Ctrl-C.
    """
    with reader(settings) as runs:
        whole = runs.task_id(task)
        stream = PointStream(Api(client_configuration(settings)), whole)
        try:
            for line in Tail(runs, stream, whole, lines).lines():
                print(json.dumps(line) if as_json else text_of(line), flush=True)
        except (KeyboardInterrupt, BrokenPipeError):
            sys.exit(INTERRUPTED)


def text_of(line: Line) -> str:
    """Return a line for people."""
    if line["type"] == "status":
        return f"the task is {line['status']}"
    if line["type"] == "reset":
        return "(points were deleted, or too many came at once: `eventide show` tells the state)"
    at = datetime.fromtimestamp((line["timestamp"] or 0) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    if line["type"] == "log":
        return f"{at}  {line['msg']}"
    return f"{at}  [{line['iter']}] {line['metric']}/{line['variant']} {number(line['value'], 6)}"
