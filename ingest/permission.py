"""The one rule of who may change a task, model or project, and its events."""

from __future__ import annotations

from schema.api.visibility import may_see
from schema.api.wire import Caller
from schema.errors import InvalidModel, InvalidProject, InvalidTask, NoWritePermission
from schema.registry import MODELS, PROJECTS, TASKS, Kind, Owner

INVALID = {TASKS.name: InvalidTask, MODELS.name: InvalidModel, PROJECTS.name: InvalidProject}


def may_write(caller: Caller, owner: Owner | None, is_locked: bool = False) -> bool:
    """Tell whether the caller may change a document.

    That is one of their own company that they see, that is not locked, and in whose project they are a writer; of a
    project itself, its administrator. ``owner``: None of what does not exist.
    """
    if owner is None or owner.company != caller.company or is_locked:
        return False
    return may_see(caller, owner) and _has_role(caller, owner)


def check_write(kind: Kind, caller: Caller, document_id: str, owner: Owner | None, is_locked: bool = False) -> None:
    """Raise unless the caller may change a document (API contract 3.0.1).

    NoWritePermission for public tasks and projects, and where the caller's role in the project is too low; for all
    others InvalidTask, InvalidModel or InvalidProject, as for an unknown id.
    """
    if owner and owner.company == "" and kind is not MODELS:
        raise NoWritePermission(f"{kind.name.capitalize()} {document_id} is public")
    if owner and owner.company == caller.company and may_see(caller, owner) and not _has_role(caller, owner):
        raise NoWritePermission(f"The role in the project of {kind.name} {document_id} does not allow this")
    if not may_write(caller, owner, is_locked):
        raise INVALID[kind.name](f"Invalid {kind.name} id {document_id}")


def _has_role(caller: Caller, owner: Owner) -> bool:
    if owner.is_project:
        return caller.projects.may_administer(owner.project or "")
    return caller.projects.may_write(owner.project)
