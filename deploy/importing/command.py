"""The command ``eventide import``."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.importing.api import Api, Refused
from deploy.importing.progress import Progress
from deploy.importing.report import Report
from deploy.importing.run_import import RunImport
from deploy.importing.server import target
from deploy.importing.tasks import Naming, TaskDirectory
from deploy.importing.verify import verify
from ingest.importers.formats import source_of
from ingest.importers.reading import readable
from ingest.importers.records import Run, Skipped, Source, UnreadableSource
from schema.errors import ConfigError
from schema.settings import Settings

REFUSED_RUN = "run that the server refuses"
INTERRUPTED = 130  # the exit code of what Ctrl-C ends


@dataclass(frozen=True)
class Importer:
    """What all runs of an import share. Without ``api`` and ``tasks`` they are counted, and nothing is written."""

    source: Source
    multiplier: float
    progress: Progress
    is_verified: bool = False
    api: Api | None = None
    tasks: TaskDirectory | None = None

    def report(self, jobs: int) -> Report:
        """Import all runs, ``jobs`` at once; return the counts. Raises Unavailable, and Refused for a bad key."""
        total, waiting = Report(), set[Future[Report]]()
        with ThreadPoolExecutor(jobs, "import") as threads:
            try:
                for found in self._runs():
                    waiting.add(threads.submit(self._one, found))
                    if len(waiting) >= 2 * jobs:  # a million runs are not all taken up at once
                        waiting = self._collect(total, waiting)
                while waiting:
                    waiting = self._collect(total, waiting)
            except BaseException:
                self.progress.stop()
                threads.shutdown(cancel_futures=True)
                raise
        return total

    def _runs(self) -> Iterator[Run | Skipped]:
        try:
            yield from readable(self.source.runs(), self.source.format)
        except UnreadableSource as error:
            yield Skipped("source that cannot be read to its end", message=str(error))

    def _collect(self, total: Report, waiting: set[Future[Report]]) -> set[Future[Report]]:
        done, left = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            report = future.result()
            total.add(report)
            for message in report.messages:
                self.progress.message(message)
        return left

    def _one(self, found: Run | Skipped) -> Report:
        if isinstance(found, Skipped):
            report = Report()
            report.skip(found.reason, found.count, found.message)
            return report
        try:
            return self._run(found)
        except Refused as error:
            if error.status in (401, 403):
                raise
            report = Report()
            report.skip(REFUSED_RUN, message=f"{found.name}: {error}")
            return report
        finally:
            self.progress.run(found.weight)

    def _run(self, run: Run) -> Report:
        task = self.tasks.find_or_create(self.source.format, run) if self.tasks else None
        report = RunImport(run, self.api, task, self.multiplier, self.progress.points).report()
        if self.api and task and self.is_verified:
            compared = verify(self.api, task.id, run, self.multiplier)
            report.add(compared)
            report.messages += compared.messages
        return report


def import_runs(
    settings: Settings,
    source: str,
    project: str,
    name: str,
    dry_run: bool,
    verify: bool,
    as_json: bool,
    step_multiplier: float,
    step_column: str | None,
    jobs: int,
) -> None:
    """Import all runs of a source, and print the counts.

    Raises ConfigError for a source that cannot be read at all, and what calls of the API raise; ends with 1 if a
    point is not stored as it is in the source.
    """
    try:
        found = source_of(source, step_column)
    except UnreadableSource as error:
        raise ConfigError(str(error)) from error
    progress = Progress(_weight(found) if sys.stderr.isatty() else 0)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _importer(settings, found, Naming(project, name), step_multiplier, progress, dry_run, verify) as importer:
            report = importer.report(jobs)
    except KeyboardInterrupt:
        progress.message("interrupted; started again, the import goes on")
        sys.exit(INTERRUPTED)
    progress.close()
    is_verified = verify and not dry_run
    print(json.dumps(report.document(is_verified=is_verified)) if as_json else report.text(is_verified=is_verified))
    if report.differences:
        sys.exit(1)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt  # also for SIGTERM: a server that was started for the import is ended


def _weight(source: Source) -> int:
    """Return how much work all runs are together; 0 if that cannot be told."""
    try:
        return sum(run.weight for run in readable(source.runs(), source.format) if isinstance(run, Run))
    except UnreadableSource:
        return 0


@contextmanager
def _importer(
    settings: Settings,
    source: Source,
    naming: Naming,
    multiplier: float,
    progress: Progress,
    dry_run: bool,
    is_verified: bool,
) -> Iterator[Importer]:
    if dry_run:
        yield Importer(source, multiplier, progress)
        return
    with target(settings, os.environ) as server:
        api = Api(server)
        yield Importer(source, multiplier, progress, is_verified, api, TaskDirectory(api, naming))
