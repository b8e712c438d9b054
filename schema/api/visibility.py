"""The one rule of who may see a task, model or project."""

from __future__ import annotations

from schema.api.scopes import WRITE
from schema.api.wire import Caller
from schema.registry import Owner, View


def view_of(caller: Caller) -> View:
    """Return what a caller sees of the registry.

    That is their company's documents and public ones, without the private projects of others, and, with a key of scope
    ``write``, only tasks and models that its user made.
    """
    return View(caller.company, caller.projects.hidden, caller.user if caller.scope == WRITE else None)


def may_see(caller: Caller, owner: Owner) -> bool:
    """Tell whether the caller may see a document."""
    return view_of(caller).shows(owner)
