"""One run: its parts are counted, and, unless nothing is to be written, sent."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatchmethod

from deploy.importing.api import Api
from deploy.importing.event_writer import TYPES, EventWriter
from deploy.importing.report import Report
from deploy.importing.storable_points import REPEATED, StepTracker, storable
from deploy.importing.tasks import FoundTask, finish
from ingest.importers.reading import readable
from ingest.importers.records import (
    Artifact,
    Details,
    Events,
    Image,
    Lines,
    Plot,
    Points,
    Run,
    Scalars,
    Skipped,
    UnreadableSource,
)
from schema.events.tables import DEBUG_IMAGE, LOG, PLOT, SCALAR, VECTOR

# What events of a type are counted as; vectors have no number of their own.
COUNTED = {SCALAR: "points", VECTOR: "points", LOG: "logs", DEBUG_IMAGE: "images", PLOT: "plots"}


class RunImport:
    """The import of one run. Without a task nothing is written.

    ``progress`` is told of points as they are read.
    """

    def __init__(
        self, run: Run, api: Api | None, task: FoundTask | None, multiplier: float, progress: Callable[[int], None]
    ) -> None:
        self._run = run
        self._api = api
        self._task = task
        self._multiplier = multiplier
        self._progress = progress
        self._writer = EventWriter(api, task.id, run.log, multiplier) if api and task else None
        self._steps = StepTracker()
        self._details: Details | None = None
        self._report = Report(tasks=1)

    def report(self) -> Report:
        """Import the run; return its counts. Raises Refused and Unavailable."""
        before = self._counts()
        try:
            for part in readable(self._run.read(), self._run.name):
                self._take(part)
        except UnreadableSource as error:
            self._report.skip("run that cannot be read to its end", message=str(error))
        repeated = self._steps.repeated()
        self._report.skip(REPEATED, repeated)
        self._report.points -= repeated
        self._end(before)
        return self._report

    def _end(self, before: int) -> None:
        if self._api and self._task and self._writer:
            self._writer.flush()
            for reason, count in self._writer.refused.items():
                self._report.skip(f"refused by the server: {reason}", count)
            self._report.added = max(0, self._counts() - before)
            finish(self._api, self._task, self._details or self._run.details, self._writer.artifacts)

    def _counts(self) -> int:
        """Return how many events the task has."""
        return sum(self._writer.count(event_type) for event_type in TYPES) if self._writer else 0

    @singledispatchmethod
    def _take(self, part: object) -> None:
        raise TypeError(part)

    @_take.register
    def _(self, part: Points) -> None:
        kept, skipped = storable(part, self._multiplier)
        for reason, count in skipped.items():
            self._report.skip(reason, count)
        self._report.points += len(kept)
        self._steps.add(kept)
        self._progress(len(kept))
        if self._writer and len(kept):
            self._writer.points(kept)

    @_take.register
    def _(self, part: Scalars) -> None:
        self._report.points += part.table.num_rows
        self._progress(part.table.num_rows)
        if self._writer:
            self._writer.scalars(part.table)

    @_take.register
    def _(self, part: Events) -> None:
        for event in part.events:
            count = COUNTED[event["type"]]
            setattr(self._report, count, getattr(self._report, count) + 1)
        if self._writer:
            self._writer.events(part)

    @_take.register
    def _(self, part: Lines) -> None:
        self._report.logs += len(part.lines)
        if self._writer:
            self._writer.lines(list(part.lines))

    @_take.register
    def _(self, part: Image) -> None:
        if self._written(part):
            self._report.images += 1

    @_take.register
    def _(self, part: Artifact) -> None:
        if self._written(part):
            self._report.files += 1

    def _written(self, part: Image | Artifact) -> bool:
        """Send a file, if there is a writer; tell whether it could be read."""
        try:
            if not isinstance(part.content, bytes):
                part.content.stat()
            if self._writer:
                self._writer.image(part) if isinstance(part, Image) else self._writer.artifact(part)
        except OSError as error:
            self._report.skip("file that cannot be read", message=f"{part.content!s}: {error.strerror}")
            return False
        return True

    @_take.register
    def _(self, part: Plot) -> None:
        self._report.plots += 1
        if self._writer:
            self._writer.plot(part)

    @_take.register
    def _(self, part: Details) -> None:
        self._details = part

    @_take.register
    def _(self, part: Skipped) -> None:
        self._report.skip(part.reason, part.count, part.message)
