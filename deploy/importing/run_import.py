"""One run: its parts are counted, and, unless nothing is to be written, sent."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatchmethod

from deploy.importing.api import Api
from deploy.importing.event_writer import EventWriter
from deploy.importing.finished import Finished
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

    ``progress`` is told of points as they are read, and may end the import by what it raises.
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
        self._version = f"{run.version} {multiplier}"
        self._finished = Finished.read(task.runtime) if task else None

    def report(self) -> Report:
        """Import the run; return its counts. Raises Refused and Unavailable."""
        before = self._counts()
        if self._is_done(before) and self._finished:
            return self._finished.report()
        self._read()
        self._end(before)
        return self._report

    def _is_done(self, events: int) -> bool:
        """Tell whether an earlier import has brought just this, and its events are still there."""
        known = self._finished
        return (
            known is not None and bool(self._run.version) and (known.version, known.events) == (self._version, events)
        )

    def _read(self) -> None:
        try:
            for part in readable(self._run.read(), self._run.name):
                self._progress(0)
                self._take(part)
        except UnreadableSource as error:
            self._report.skip("run that cannot be read to its end", message=str(error))
        repeated = self._steps.repeated()
        self._report.skip(REPEATED, repeated)
        self._report.points -= repeated

    def _end(self, before: int) -> None:
        if self._api and self._task and self._writer:
            self._writer.flush()
            for reason, count in self._writer.refused.items():
                self._report.skip(f"refused by the server: {reason}", count)
            after = self._counts()
            self._report.added = max(0, after - before)
            is_whole = not self._report.messages and not self._writer.refused
            finished = Finished.of(self._version, after, self._report) if is_whole else None
            finish(self._api, self._task, self._details or self._run.details, self._writer.artifacts, finished)

    def _counts(self) -> int:
        """Return how many events the task has."""
        return self._writer.count() if self._writer else 0

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
