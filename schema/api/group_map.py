"""Groups of a single sign-on provider -> company and role: ``group=company:role; …``, ``*`` for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schema.api.roles import RANKS

EVERYBODY = "*"


@dataclass(frozen=True)
class Grant:
    """What the members of a group are: users of a company, in a role."""

    group: str
    company: str
    role: str


def parse_group_map(text: str, company: str) -> tuple[Grant, ...]:
    """Return the grants of a setting; without any, everybody is a user of ``company``. Raises ValueError.

    Groups may have ``=`` and ``,`` in their names, as those of LDAP do.
    """
    entries = [entry.strip() for entry in text.replace("\n", ";").split(";") if entry.strip()]
    return tuple(_grant(entry) for entry in entries) or (Grant(EVERYBODY, company, "user"),)


def grant_of(grants: Iterable[Grant], groups: Iterable[str]) -> Grant | None:
    """Return the grant of the highest role for the member of some groups; of equals the first. None: they have none."""
    member_of = {*groups, EVERYBODY}
    matching = [grant for grant in grants if grant.group in member_of]
    return max(matching, key=lambda grant: RANKS[grant.role], default=None)


def _grant(entry: str) -> Grant:
    group, _, place = entry.rpartition("=")
    company, _, role = place.rpartition(":")
    grant = Grant(group.strip(), company.strip(), role.strip())
    if not grant.group or not grant.company or grant.role not in RANKS:
        raise ValueError(f"{entry!r}: group=company:role is expected, of the roles {', '.join(RANKS)}")
    return grant
