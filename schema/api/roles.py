"""Roles, and which have authority over which."""

from __future__ import annotations

from schema.api.wire import Caller
from schema.registry import ROLES, User

RANKS = {role: rank for rank, role in enumerate(ROLES)}


def is_administrator(role: str) -> bool:
    """Tell whether people of a role administer their company."""
    return RANKS.get(role, 0) >= RANKS["admin"]


def is_over(caller: Caller, user: User) -> bool:
    """Tell whether a caller may act as a user and administer them.

    Admins may within their company, roots everywhere, and nobody where the user's role is the higher one.
    """
    if user.role not in RANKS or RANKS.get(caller.role, 0) < max(RANKS["admin"], RANKS[user.role]):
        return False
    return caller.role == "root" or user.company == caller.company
