"""``schema/api/project_roles.py``: who has which role in private projects and those under them."""

from __future__ import annotations

from schema.api.project_roles import EVERYBODYS, PrivateProjects

NAMES = {"a": "a", "ab": "a/b", "abc": "a/b/c", "a2": "a2", "open": "open", "x": "open/x"}
PRIVATE = PrivateProjects({"a": {"ann": "admin", "vic": "viewer"}, "ab": {"bob": "viewer", "vic": "writer"}}, NAMES)


def test_roles_hold_below_and_the_highest_counts() -> None:
    assert PRIVATE.roles_of("ann").roles == {"a": "admin", "ab": "admin", "abc": "admin"}
    assert PRIVATE.roles_of("vic").roles == {"a": "viewer", "ab": "writer", "abc": "writer"}
    assert PRIVATE.roles_of("bob").roles == {"ab": "viewer", "abc": "viewer"}
    assert PRIVATE.roles_of("bob").hidden == {"a"}
    assert PRIVATE.roles_of("nobody").hidden == {"a", "ab", "abc"}


def test_what_roles_allow() -> None:
    vic, nobody = PRIVATE.roles_of("vic"), PRIVATE.roles_of("nobody")
    assert [vic.may_write(project) for project in ("a", "ab", "open", "a2", None)] == [False, True, True, True, True]
    assert [nobody.may_write(project) for project in ("a", "abc", "x", None)] == [False, False, True, True]
    assert [vic.may_administer(project) for project in ("a", "ab", "open")] == [False, False, True]
    assert PRIVATE.roles_of("ann").may_administer("abc")


def test_without_members_all_projects_are_everybodys() -> None:
    assert PrivateProjects({}, {}).roles_of("ann") is EVERYBODYS


def test_members_of_a_project_that_is_gone_change_nothing_else() -> None:
    gone = PrivateProjects({"gone": {"ann": "viewer"}}, NAMES).roles_of("bob")
    assert (gone.hidden, gone.may_write("open")) == (frozenset({"gone"}), True)
