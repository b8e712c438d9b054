"""Events of one task, sent in batches whose repetition changes nothing.

Points, images and plots overwrite by task, metric, variant and iteration. Log lines are identified by their request and
their place in it: so they are sent in requests of a fixed number of lines, whose Idempotency-Key is their number.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from deploy.importing.api import Api, Refused
from deploy.importing.bodies import ARROW_STREAM, JSON_LINES, columns_body, json_lines, points_body
from deploy.importing.storable_points import StorablePoints, iteration
from ingest.importers.records import Artifact, Events, Image, Line, Plot
from schema.events.tables import DEBUG_IMAGE, LOG, PLOT, SCALAR

BATCH_POINTS = 200_000
BATCH_LINES = 1000  # never to be changed: it is part of the identity of lines that were imported
BATCH_EVENTS, BATCH_BYTES = 500, 4 << 20
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class EventWriter:
    """Sends the events of one task.

    ``refused``: events that the server did not take, by its reason. ``artifacts``: of the files that were stored.
    """

    def __init__(self, api: Api, task: str, log: str, multiplier: float) -> None:
        self._log = f"{task}-{hashlib.sha256(log.encode()).hexdigest()[:8]}"
        self._api = api
        self._task = task
        self._multiplier = multiplier
        self._curves: list[StorablePoints] = []
        self._points = 0
        self._lines: list[Mapping[str, Any]] = []
        self._line_batches = 0
        self._others: list[dict[str, Any]] = []
        self._other_bytes = 0
        self.refused: Counter[str] = Counter()
        self.artifacts: list[dict[str, Any]] = []

    def points(self, points: StorablePoints) -> None:
        """Add points of a curve."""
        self._curves.append(points)
        self._points += len(points)
        if self._points >= BATCH_POINTS:
            self._send_points()

    def lines(self, lines: list[Line]) -> None:
        """Add lines of the log."""
        for line in lines:
            self._raw_line({"type": LOG, "timestamp": line.time, "level": line.level, "msg": line.text})

    def image(self, image: Image) -> None:
        """Store a picture, and add its event. Raises OSError if it cannot be read."""
        path = f"import/{self._task}/{file_path(image.metric, image.variant, image.name)}"
        event = self._event(DEBUG_IMAGE, image) | {"url": self._api.upload(path, image.content)}
        self._other(event | ({"key": image.key} if image.key is not None else {}))

    def plot(self, plot: Plot) -> None:
        """Add a figure."""
        self._other(self._event(PLOT, plot) | {"plot_str": json.dumps(plot.figure, ensure_ascii=False)})

    def artifact(self, artifact: Artifact) -> None:
        """Store a file, for ``artifacts`` of the task. Raises OSError if it cannot be read."""
        size = artifact.content.stat().st_size
        url = self._api.upload(f"import/{self._task}/artifacts/{file_path(artifact.key)}", artifact.content)
        self.artifacts.append({"key": artifact.key, "type": "custom", "uri": url, "content_size": size})

    def scalars(self, table: pa.Table) -> None:
        """Add scalars in columns."""
        self._send(columns_body(self._task, SCALAR, table), ARROW_STREAM)

    def events(self, part: Events) -> None:
        """Store the files of some events, and add the events, with their new addresses. Raises OSError."""
        urls = {url: self._api.upload(path, file) for url, (path, file) in part.files.items()}
        for event in part.events:
            if event["type"] == LOG:
                self._raw_line(event)
            else:
                renamed = {"url": urls[event["url"]]} if event.get("url") in urls else {}
                self._other({**event, "task": self._task, **renamed})

    def flush(self) -> None:
        """Send what waits."""
        self._send_points()
        self._send_lines()
        self._send_others()

    def count(self) -> int:
        """Return how many events the task has, of all types."""
        asked = {"task": self._task, "event_type": "*", "batch_size": 0, "count_total": True}
        return int(self._api.call("events.get_task_events", **asked)["total"])

    def _event(self, event_type: str, part: Image | Plot) -> dict[str, Any]:
        names = {"type": event_type, "task": self._task, "metric": part.metric, "variant": part.variant}
        return names | {"iter": iteration(part.step, self._multiplier), "timestamp": part.time}

    def _other(self, event: dict[str, Any]) -> None:
        self._others.append(event)
        self._other_bytes += len(event.get("plot_str", ""))
        if len(self._others) >= BATCH_EVENTS or self._other_bytes >= BATCH_BYTES:
            self._send_others()

    def _send_points(self) -> None:
        if self._points:
            curves, self._curves, self._points = self._curves, [], 0
            self._send(points_body(self._task, curves), ARROW_STREAM)

    def _send_lines(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            key = f"import-{self._log}-{self._line_batches}"
            self._line_batches += 1
            self._send(json_lines({"task": self._task, **line} for line in lines), JSON_LINES, key)

    def _raw_line(self, line: Mapping[str, Any]) -> None:
        self._lines.append(line)
        if len(self._lines) == BATCH_LINES:
            self._send_lines()

    def _send_others(self) -> None:
        if self._others:
            events, self._others, self._other_bytes = self._others, [], 0
            self._send(json_lines(events), JSON_LINES)

    def _send(self, body: bytes, media_type: str, key: str = "") -> None:
        try:
            answer = self._api.add_batch(body, media_type, key)
        except Refused as error:
            if error.status != 400:
                raise
            self.refused[str(error)] += 1
        else:
            self.refused.update(answer["errors_info"])


def file_path(*parts: str) -> str:
    """Return a path of ASCII letters, digits, and ``._-``; parts that had others are told apart by a digest."""
    return "/".join(_safe(part) for text in parts for part in text.split("/") if part)


def _safe(part: str) -> str:
    if not UNSAFE.search(part) and part.strip("."):
        return part
    stem, dot, ending = part.rpartition(".")
    digest = hashlib.sha256(part.encode(errors="replace")).hexdigest()[:8]
    return UNSAFE.sub("_", f"{(stem or ending).strip('.')}-{digest}{dot + ending if stem else ''}")
