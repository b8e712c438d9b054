"""The one rule of who may change a task, model or project, and its events."""

from __future__ import annotations

from schema.api.wire import Caller
from schema.errors import InvalidModel, InvalidProject, InvalidTask, NoWritePermission
from schema.registry import MODELS, PROJECTS, TASKS, Kind

INVALID = {TASKS.name: InvalidTask, MODELS.name: InvalidModel, PROJECTS.name: InvalidProject}


def may_write(caller: Caller, company: str | None, is_locked: bool = False) -> bool:
    """Tell whether the caller may change what belongs to a company: their own, and nothing that is locked.

    ``company``: ``""`` of what is public; None of what does not exist.
    """
    return company == caller.company and not is_locked


def check_write(kind: Kind, caller: Caller, document_id: str, company: str | None, is_locked: bool = False) -> None:
    """Raise unless the caller may change a document (API contract 3.0.1).

    NoWritePermission for public tasks and projects; for all others InvalidTask, InvalidModel or InvalidProject, as for
    an unknown id.
    """
    if company == "" and kind is not MODELS:
        raise NoWritePermission(f"{kind.name.capitalize()} {document_id} is public")
    if not may_write(caller, company, is_locked):
        raise INVALID[kind.name](f"Invalid {kind.name} id {document_id}")
