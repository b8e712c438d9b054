"""Which files a caller may change: those of the tasks that a file's path names, with a key that only reports.

The SDK stores what a task uploads at ``<project>/<task name>.<task id>/…``. Files at other paths are all the company's.
"""

from __future__ import annotations

import re

from schema.api.scopes import WRITE
from schema.api.visibility import may_see
from schema.api.wire import Caller
from schema.errors import OutOfScope
from schema.registry import TASKS, Registry

TASK_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


class FilePermissions:
    """The permissions of files beyond those of a company. It asks the registry only where there are any."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def check_change(self, caller: Caller, path: str, *, is_removal: bool = False) -> None:
        """Raise OutOfScope for a key that only reports, and a file of a task that its user did not make.

        It removes no files but those of tasks.
        """
        if caller.scope != WRITE:
            return
        tasks = await self._registry.entities(TASKS, TASK_ID.findall(path))
        if not all(may_see(caller, task.owner) for task in tasks.values()) or (is_removal and not tasks):
            raise OutOfScope("A key of scope `write` changes only files of tasks that its user made")
