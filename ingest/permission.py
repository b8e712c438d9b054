"""The one rule of who may change a task, model or project, and its events."""

from __future__ import annotations

from schema.api.visibility import is_in_scope
from schema.api.wire import Caller
from schema.errors import InvalidModel, InvalidProject, InvalidTask, NoWritePermission
from schema.registry import MODELS, PROJECTS, TASKS, Kind, Owner

INVALID = {TASKS.name: InvalidTask, MODELS.name: InvalidModel, PROJECTS.name: InvalidProject}


def may_write(caller: Caller, owner: Owner | None, is_locked: bool = False) -> bool:
    """Tell whether the caller may change a document: one of their company's and of their key's scope, not locked.

    ``owner``: None of what does not exist.
    """
    if owner is None or owner.company != caller.company or is_locked:
        return False
    return is_in_scope(caller, owner.user)


def check_write(kind: Kind, caller: Caller, document_id: str, owner: Owner | None, is_locked: bool = False) -> None:
    """Raise unless the caller may change a document (API contract 3.0.1).

    NoWritePermission for public tasks and projects; for all others InvalidTask, InvalidModel or InvalidProject, as for
    an unknown id.
    """
    if owner and owner.company == "" and kind is not MODELS:
        raise NoWritePermission(f"{kind.name.capitalize()} {document_id} is public")
    if not may_write(caller, owner, is_locked):
        raise INVALID[kind.name](f"Invalid {kind.name} id {document_id}")
