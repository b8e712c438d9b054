"""Users, what they prefer, and what the server says of itself."""

from __future__ import annotations

import pytest

from tests.harness.api import Api, data_of


def test_who_is_calling(api: Api, stranger: Api) -> None:
    me, other = (client.call("users.get_current_user")["user"] for client in (api, stranger))
    assert (me["name"], me["role"]) == ("admin", "root")
    assert me["company"].keys() == {"id", "name"}
    assert other["company"]["id"] != me["company"]["id"]
    assert api.call("users.get_by_id", user=me["id"])["user"]["name"] == "admin"
    assert stranger.fail("users.get_by_id", user=me["id"]) == (400, 301)
    assert me["id"] in [user["id"] for user in api.call("users.get_all")["users"]]
    assert [user["id"] for user in stranger.call("users.get_all_ex")["users"]] == [other["id"]]


def test_preferences_are_replaced_by_path(stranger: Api) -> None:
    def prefer(**preferences: object) -> None:
        assert stranger.call("users.set_preferences", preferences=preferences)["updated"] == 1

    prefer(**{"a.b": 1, "x": {"y": {"z": 1}}})
    prefer(**{"a.c": 2, "x.y": {"w": 2}, "key.with--DOT--dot": 3, "a.b.deeper": 4})
    assert stranger.call("users.get_preferences")["preferences"] == {
        "a": {"b": {"deeper": 4}, "c": 2},
        "x": {"y": {"w": 2}},
        "key": {"with.dot": 3},
    }
    answer = stranger.call("users.set_preferences", preferences={"a": None}, return_updated=True)
    assert answer["fields"]["preferences"]["a"] is None


def test_administrators_invite_users_and_speak_for_them(api: Api, stranger: Api) -> None:
    invited = api.call("auth.create_user", name="new user", email="n@e")["id"]
    headers = {"X-Clearml-Impersonate-As": invited}
    user = data_of(api.raw("users.get_current_user", {}, headers=headers))["user"]
    assert (user["id"], user["name"], user["role"], user["given_name"]) == (invited, "new user", "user", "new")
    assert stranger.fail("auth.create_user", name="x") == (403, 20)


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("server.info", {"version", "build", "commit", "api_version"}),
        ("server.report_stats_option", {"supported", "enabled", "enabled_time", "enabled_version", "enabled_user"}),
        ("queues.get_all", {"queues"}),
        ("reports.get_all_ex", {"tasks"}),
        ("projects.get_project_tags", {"tags"}),
    ],
)
def test_small_answers(api: Api, action: str, fields: set[str]) -> None:
    assert api.call(action).keys() == fields
