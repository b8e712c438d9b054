"""The one rule of who may see a task, model or project."""

from __future__ import annotations

from schema.api.scopes import WRITE
from schema.api.wire import Caller
from schema.registry import EVERYTHING, PROJECTS, Condition, Kind, OneOf, Owner

PUBLIC = ""


def may_see(caller: Caller, owner: Owner) -> bool:
    """Tell whether the caller may see a document: one of their company, or a public one, in their key's scope."""
    return owner.company in (caller.company, PUBLIC) and is_in_scope(caller, owner.user)


def is_in_scope(caller: Caller, made_by: str | None) -> bool:
    """Tell whether the caller's key is good for what a user made: one of scope ``write`` for its own user's only."""
    return caller.scope != WRITE or made_by in (caller.user, None)


def seen_by(caller: Caller, kind: Kind) -> Condition:
    """Return the condition of the documents, among the company's and public ones, that the caller may see."""
    if caller.scope == WRITE and kind is not PROJECTS:
        return OneOf("user", (caller.user,))
    return EVERYTHING
