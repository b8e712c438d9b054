"""Scroll ids of walks through images and plots: each id of a walk stands for where the walk has come to by now.

A ClearML server keeps the state of a walk under one id. Here the state is in the scroll id, as in all others; but a
client that goes on with an earlier id of a walk must not get the same page again. So ids of a walk share a name, under
which the registry keeps the newest. A walk that is never continued is not stored.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from query.context import QueryContext
from schema.api.wire import Caller
from schema.errors import InvalidScroll


@dataclass(frozen=True)
class WalkCursor:
    """A walk that is continued: its name, and the state that it has come to."""

    name: str
    state: Any


async def resume(context: QueryContext, caller: Caller, kind: str, scroll_id: str) -> WalkCursor:
    """Return the walk that a scroll id belongs to, as it is now. Raises InvalidScroll.

    ``kind``: tells walks of different endpoints apart. The newest scroll id of a walk decides whether it has expired.
    """
    name, _ = _read(context, caller, kind, scroll_id, is_newest=False)
    newest = await context.registry.walk(caller.company, name)
    return WalkCursor(*_read(context, caller, kind, newest or scroll_id, is_newest=True))


async def resume_known(context: QueryContext, caller: Caller, kind: str, scroll_id: str) -> WalkCursor | None:
    """Return the same; None for no scroll id, and for one that leads nowhere, with which a walk starts over."""
    try:
        return await resume(context, caller, kind, scroll_id) if scroll_id else None
    except InvalidScroll:
        return None


async def advance(context: QueryContext, caller: Caller, kind: str, state: Any, walk: WalkCursor | None) -> str:
    """Return the scroll id of a state, and keep it if it continues ``walk``. Raises InvalidField if it is too long."""
    name = walk.name if walk else secrets.token_hex(8)
    cursor = context.cursors.make(kind, caller, [], (name, state))
    if walk:
        await context.registry.move_walk(caller.company, name, cursor)
    return cursor


def _read(context: QueryContext, caller: Caller, kind: str, cursor: str, is_newest: bool) -> tuple[str, Any]:
    lifetime = {} if is_newest else {"lifetime": None}
    content = context.cursors.read(cursor, kind, caller, [], **lifetime)
    if len(content) != 2 or not isinstance(content[0], str):  # a walk of an earlier version
        raise InvalidScroll("The scroll id is of an earlier version")
    return content[0], content[1]
