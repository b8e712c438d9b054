"""``schema/api/group_map.py``: what members of groups are."""

from __future__ import annotations

import pytest

from schema.api.group_map import Grant, grant_of, parse_group_map

TEXT = "ml=acme:user; cn=admins,ou=ml=acme:admin;\n ops=big: co:root"


def test_groups_become_companies_and_roles() -> None:
    grants = parse_group_map(TEXT, "eventide")
    expected = ("ml", "acme", "user"), ("cn=admins,ou=ml", "acme", "admin"), ("ops", "big: co", "root")
    assert grants == tuple(Grant(*grant) for grant in expected)


def test_the_highest_role_counts_and_no_group_is_nobody() -> None:
    grants = parse_group_map(TEXT, "eventide")
    assert grant_of(grants, ["other", "ml"]) == grants[0]
    assert grant_of(grants, ["ml", "cn=admins,ou=ml"]) == grants[1]
    assert grant_of(grants, ["ops", "ml"]) == grants[2]
    assert grant_of(grants, ["other"]) is None
    assert grant_of(grants, []) is None


def test_everybody_may_be_granted() -> None:
    assert grant_of(parse_group_map("", "eventide"), []) == Grant("*", "eventide", "user")
    assert grant_of(parse_group_map("*=acme:user; x=acme:admin", "e"), ["x"]) == Grant("x", "acme", "admin")


@pytest.mark.parametrize("text", ["ml", "ml=acme", "ml=acme:boss", "=acme:user", "ml=:user", "ml=acme:"])
def test_what_is_no_map_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="group=company:role"):
        parse_group_map(text, "eventide")
