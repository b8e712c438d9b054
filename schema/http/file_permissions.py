"""Which files a caller may read and change: those of tasks that they may, where a file's path names a task.

The SDK stores what a task uploads at ``<project>/<task name>.<task id>/…``. Files at other paths are all the company's.
"""

from __future__ import annotations

import re

from schema.api.project_roles import EVERYBODYS
from schema.api.scopes import FULL, WRITE
from schema.api.visibility import may_see
from schema.api.wire import Caller
from schema.errors import FileMissing, NoWritePermission, OutOfScope
from schema.registry import TASKS, Owner, Registry

TASK_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


class FilePermissions:
    """The permissions of files beyond those of a company. It asks the registry only where there are any."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def check_read(self, caller: Caller, path: str) -> None:
        """Raise FileMissing for a file of a task that the caller does not see."""
        if not all(may_see(caller, owner) for owner in await self._owners(caller, path)):
            raise FileMissing(f"No file {path}")

    async def check_change(self, caller: Caller, path: str, *, is_removal: bool = False) -> None:
        """Raise FileMissing, and NoWritePermission for a file of a task that the caller only reads.

        Raises OutOfScope for a key that only reports, and a file of a task that its user did not make. Such a key
        removes no files but those of tasks.
        """
        owners = await self._owners(caller, path)
        if caller.scope == WRITE and not (
            all(owner.user == caller.user for owner in owners) and (owners or not is_removal)
        ):
            raise OutOfScope("A key of scope `write` changes only files of tasks that its user made")
        await self.check_read(caller, path)
        if not all(caller.projects.may_write(owner.project) for owner in owners):
            raise NoWritePermission("The role in the file's project does not allow this")

    async def _owners(self, caller: Caller, path: str) -> list[Owner]:
        """Return the owners of the tasks that a path names, of the caller's company; none where nothing is private."""
        if caller.scope == FULL and caller.projects is EVERYBODYS:
            return []
        tasks = await self._registry.entities(TASKS, TASK_ID.findall(path))
        return [task.owner for task in tasks.values() if task.company == caller.company]
