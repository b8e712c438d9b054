"""A project with those under it: what there is to export, and its export by several threads."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain
from pathlib import Path
from typing import Any

from deploy.exporting.entity_export import MODEL, TASK, EntityExport, Kind, write_whole
from deploy.exporting.report import Report
from deploy.exporting.server_files import ServerFiles
from deploy.exporting.table_files import Format
from eventide_client.api import Api, Refused, Unavailable
from eventide_client.backoff import Backoff
from eventide_client.configuration import Configuration

PAGE = 500
ATTEMPTS = 6  # of one task while the server is away: half a minute
FORMAT_VERSION = 1
REFUSED = "task or model that the server refuses"  # as it was deleted meanwhile, for one


class ProjectExport:
    """One export. ``bases``: see ``ServerFiles``. ``count``: is told of points as they come."""

    def __init__(
        self,
        configuration: Configuration,
        bases: list[str],
        out: Path,
        file_format: Format,
        count: Callable[[int], None],
    ) -> None:
        self._configuration = configuration
        self._bases = bases
        self._out = out
        self._format = file_format
        self._count = count
        self._api = Api(configuration)
        self._local = threading.local()

    def export(self, project: str, jobs: int) -> Report | None:
        """Export it; None if there is no such project. Raises Unavailable, Refused for bad keys, and OSError."""
        projects = self._projects(project)
        if not projects:
            return None
        self._out.mkdir(parents=True, exist_ok=True)
        ids = [found["id"] for found in projects]
        total = self._entities(chain(self._ids(TASK, ids), self._ids(MODEL, ids)), jobs)
        write_whole(self._out / "projects.json", projects)
        told = {"version": FORMAT_VERSION, "format": self._format, "project": project, **total.document()}
        write_whole(self._out / "export.json", told)
        return total

    def _projects(self, name: str) -> list[dict[str, Any]]:
        pattern = f"^{re.escape(name)}(/.*)?$"
        return list(self._pages("projects", {"name": pattern, "search_hidden": True}))

    def _ids(self, kind: Kind, projects: list[str]) -> Iterator[tuple[Kind, str]]:
        for start in range(0, len(projects), PAGE):
            asked = {"project": projects[start : start + PAGE], "only_fields": ["id"], "search_hidden": True}
            for found in self._pages(kind.service, asked):
                yield kind, found["id"]

    def _pages(self, service: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the documents of a list, in an order in which new ones come last."""
        page, count = 0, PAGE
        while count == PAGE:
            answer = self._api.call(
                f"{service}.get_all", order_by=["created", "id"], page=page, page_size=PAGE, **asked
            )
            count, page = len(answer[service]), page + 1
            yield from answer[service]

    def _entities(self, entities: Iterator[tuple[Kind, str]], jobs: int) -> Report:
        total, waiting = Report(), set[Future[Report]]()
        with ThreadPoolExecutor(jobs, "export") as threads:
            try:
                for kind, entity_id in entities:
                    waiting.add(threads.submit(self._one, kind, entity_id))
                    waiting = _collect(total, waiting, at_most=2 * jobs)  # a million tasks are not all taken up at once
                _collect(total, waiting, at_most=0)
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise
        return total

    def _one(self, kind: Kind, entity_id: str) -> Report:
        """Export one task or model, from its beginning again if the server went away."""
        backoff = Backoff()
        for _ in range(ATTEMPTS - 1):
            try:
                return self._attempt(kind, entity_id)
            except Unavailable as error:
                time.sleep(backoff.pause(error.retry_after_seconds))
        return self._attempt(kind, entity_id)

    def _attempt(self, kind: Kind, entity_id: str) -> Report:
        try:
            return self._exporter().export(kind, entity_id)
        except Refused:
            return Report(skipped=Counter({REFUSED: 1}))

    def _exporter(self) -> EntityExport:
        """Return this thread's own, with a connection of its own."""
        if not hasattr(self._local, "exporter"):
            api = Api(self._configuration)
            files = ServerFiles(api, self._out, self._bases)
            self._local.exporter = EntityExport(api, files, self._out, self._format, self._count)
        exporter: EntityExport = self._local.exporter
        return exporter


def _collect(total: Report, waiting: set[Future[Report]], at_most: int) -> set[Future[Report]]:
    """Add the reports of what is done until so many are left, which are returned. Raises what they raise."""
    while len(waiting) > at_most:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            total.add(future.result())
    return waiting
