"""What is in a spool goes to the server: the task, files, segments in their order, and how the run ended."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from eventide_client.api import Api, Refused, Unavailable
from eventide_client.patterns import escaped
from eventide_client.spool import Spool

MAX_DEFECTS = 5  # of a segment that the server answers with 500 each time
NONE_ADDED = 131
NOT_UNIQUE = 801
ENDS = {"completed": "tasks.completed", "failed": "tasks.failed", "stopped": "tasks.stopped"}
LOST = "The process ended without a word"

logger = logging.getLogger("eventide_client")


class Delivery:
    """The sending of one spool. Not for concurrent use."""

    def __init__(self, spool: Spool, api: Api) -> None:
        self._spool = spool
        self._api = api
        self._run = spool.run
        self._is_created = False
        self._defects = 0

    def send(self) -> None:
        """Send what is there, closed segments only. Raises Unavailable: then go on later."""
        if not self._is_created:
            self._create_task()
            self._is_created = True
        while segments := self._spool.segments():
            self._send_files()
            self._send_segment(segments[0])
        self._send_files()

    def send_end(self, if_unknown: str = "") -> None:
        """Send how the run ended, if this spool says it. ``if_unknown``: the status where it should, and does not.

        Raises Unavailable.
        """
        end = self._spool.end or ({"status": if_unknown, "message": LOST} if if_unknown else None)
        if not end or not self._run["is_primary"]:
            return
        if not self._is_done(ENDS[end["status"]], status_message=end.get("message", "")):
            logger.warning("eventide: the status of task %s stays as it is", self._run["id"])

    def _create_task(self) -> None:
        """Make project and task, which other processes of the run, and earlier attempts, may have done."""
        run = self._run
        wanted = {name: run[name] for name in ("hyperparams", "tags") if run.get(name)}
        fields = {"name": run["name"], "type": "training", "requested_id": run["id"], **wanted}
        try:
            self._api.call("tasks.create", project=self._project(run["project"]), **fields)
        except Refused as error:
            logger.error("eventide: task %r cannot be made, its events are kept: %s", run["name"], error)
            raise Unavailable(str(error)) from error
        # A task that failed goes on by way of ``stopped``. One that is published stays so.
        if run["is_primary"] and not self._is_done("tasks.started") and self._is_done("tasks.stopped"):
            self._is_done("tasks.started")

    def _project(self, name: str) -> str:
        """Return the id of the project of a name, which is made if there is none."""
        for _ in range(2):
            found = self._api.call("projects.get_all", name=f"^{escaped(name)}$", only_fields=["id", "company"])
            if own := [project["id"] for project in found["projects"] if project.get("company", {}) != ""]:
                return str(own[0])
            try:
                return str(self._api.call("projects.create", name=name)["id"])
            except Refused as error:
                if error.subcode != NOT_UNIQUE:
                    raise
        raise Unavailable(f"Project {name} comes and goes")

    def _send_files(self) -> None:
        for path in self._spool.files():
            target, _, content = path.read_bytes().partition(b"\n")
            try:
                self._api.upload(target.decode(), content)
            except Refused as error:
                logger.error("eventide: a file was refused: %s", error)
            self._spool.remove(path)

    def _send_segment(self, segment: Path) -> None:
        """Send a segment, and remove it. Raises Unavailable."""
        try:
            answer = self._api.add_batch(segment.read_bytes(), f"{self._spool.folder.name}-{segment.stem}")
        except Refused as error:
            logger.error("eventide: events were refused, and are kept in %s: %s", self._spool.folder, error)
            self._spool.refuse(segment)
            return
        except Unavailable as error:
            self._defects = self._defects + 1 if error.is_defect else 0
            if self._defects < MAX_DEFECTS:
                raise
            self._defects = 0
            logger.error("eventide: the server fails with events, which are kept in %s: %s", self._spool.folder, error)
            self._spool.refuse(segment)
            return
        self._defects = 0
        if answer.get("errors"):
            logger.warning("eventide: %d events were refused: %s", answer["errors"], json.dumps(answer["errors_info"]))
        self._spool.remove(segment)

    def _is_done(self, endpoint: str, **fields: Any) -> bool:
        """Change the task's status; tell whether it may become that. Raises Unavailable."""
        try:
            self._api.call(endpoint, task=self._run["id"], **fields)
        except Refused as error:
            logger.debug("eventide: %s", error)
            return False
        return True
