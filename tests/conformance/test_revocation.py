"""What is taken back ends within five seconds, at every endpoint of every tier: keys, sessions, roles, users."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import jwt
import pytest

from tests.harness.access import (
    KNOWN_ONLY,
    REVOKED_SECONDS,
    basic,
    bearer,
    id_of,
    new_user,
    status_of,
    statuses,
)
from tests.harness.api import Api, Credentials, data_of, failure_of
from tests.harness.deployment import TOKEN_SECRET, Deployment
from tests.harness.events import scalar
from tests.harness.plain import plain_client

READ = "users.get_current_user"


def make_key(client: Api, **fields: object) -> Credentials:
    made = client.call("auth.create_credentials", dict(fields))["credentials"]
    return Credentials(made["access_key"], made["secret_key"])


def token_of(client: Api, headers: dict[str, str], **fields: object) -> str:
    return str(data_of(client.raw("auth.login", dict(fields), headers=headers))["token"])


def claims_of(token: str) -> dict[str, int]:
    claims: dict[str, int] = jwt.decode(token, options={"verify_signature": False})
    return claims


Taking = Callable[[Api, Api, Credentials, str], object]
WAYS: dict[str, Taking] = {
    "the key": lambda _, user, key, __: user.call("auth.revoke_credentials", access_key=key.access_key),
    "all sessions and keys, by an administrator": lambda root, user, _, __: root.call(
        "users.revoke_access", user=id_of(user)
    ),
    "the user, by an administrator": lambda root, user, _, __: root.call("users.delete", user=id_of(user)),
}


@pytest.mark.parametrize("take", WAYS.values(), ids=WAYS.keys())
def test_what_is_taken_back_is_refused_everywhere(api: Api, nobody: Api, eventide: Deployment, take: Taking) -> None:
    with new_user(eventide) as user:
        key = make_key(user)
        token = token_of(nobody, basic(key))
        renewed = token_of(nobody, bearer(token))
        ways_in = [basic(key), bearer(token), bearer(renewed), {"Cookie": f"clearml_token_basic={token}"}]
        for headers in ways_in:
            assert status_of(nobody.raw(READ, {}, headers=headers)) == 200
        take(api, user, key, token)
    time.sleep(REVOKED_SECONDS)
    for headers in ways_in:
        wrong = {name: status for name, status in statuses(nobody, headers, KNOWN_ONLY).items() if status != 401}
        assert wrong == {}


def test_a_session_ends_at_logout_and_others_go_on(api: Api, nobody: Api, eventide: Deployment) -> None:
    with new_user(eventide) as user:
        assert user.credentials
        one, other = (token_of(nobody, basic(user.credentials)) for _ in range(2))
        renewed = token_of(nobody, bearer(one))
        data_of(nobody.raw("login.logout", {}, headers=bearer(one)))
        time.sleep(REVOKED_SECONDS)
        assert [status_of(nobody.raw(READ, {}, headers=bearer(t))) for t in (one, renewed, other)] == [401, 401, 200]
        assert status_of(nobody.raw("auth.login", {}, headers=bearer(one))) == 401


def test_sessions_are_listed_and_ended_by_their_user_alone(nobody: Api, eventide: Deployment, stranger: Api) -> None:
    with new_user(eventide) as user:
        assert user.credentials
        token = token_of(nobody, basic(user.credentials), expiration_sec=600)
        sessions = user.call("auth.get_sessions")["sessions"]
        assert [session["current"] for session in sorted(sessions, key=lambda s: not s["current"])] == [True, False]
        (short,) = [session for session in sessions if not session["current"]]
        assert short["access_key"] == user.credentials.access_key
        assert short["created"] < short["expires"]
        assert token not in str(sessions)
        assert claims_of(token)["session_id"] not in [session["id"] for session in sessions]
        assert stranger.call("auth.revoke_sessions", sessions=[short["id"]]) == {"revoked": 0}
        assert status_of(nobody.raw(READ, {}, headers=bearer(token))) == 200
        assert user.call("auth.revoke_sessions", sessions=[short["id"]]) == {"revoked": 1}
        time.sleep(REVOKED_SECONDS)
        assert status_of(nobody.raw(READ, {}, headers=bearer(token))) == 401
        assert user.call("auth.revoke_sessions") == {"revoked": 1}


@pytest.mark.parametrize(("before", "after"), [("root", "user"), ("admin", "user"), ("user", "admin")])
def test_a_role_changes_for_tokens_that_there_are(api: Api, eventide: Deployment, before: str, after: str) -> None:
    with new_user(eventide, before) as user:
        assert user.call(READ)["user"]["role"] == before
        assert user.credentials
        assert api.call("users.set_role", user=id_of(user), role=after)["updated"] == 1
        time.sleep(REVOKED_SECONDS)
        expected = 200 if after == "admin" else 403
        for headers in (bearer(user.token), basic(user.credentials), bearer(token_of(user, bearer(user.token)))):
            assert status_of(user.raw("auth.create_user", {"name": "x"}, headers=headers)) == expected


def test_a_token_never_outlives_the_one_that_it_is_made_of(nobody: Api, eventide: Deployment) -> None:
    with new_user(eventide) as user:
        assert user.credentials
        token = token_of(nobody, basic(user.credentials), expiration_sec=120)
        ends = claims_of(token)["exp"]
        for _ in range(3):
            for seconds in (0, 31_536_000):
                token = token_of(nobody, bearer(token), expiration_sec=seconds)
                assert claims_of(token)["exp"] <= ends


def test_a_key_expires_with_what_it_opened(nobody: Api, eventide: Deployment) -> None:
    with new_user(eventide) as user:
        assert user.fail("auth.create_credentials", expiration_sec=0) == (400, 12)
        key = make_key(user, expiration_sec=4)
        token = token_of(nobody, basic(key), expiration_sec=31_536_000)
        child = data_of(nobody.raw("auth.create_credentials", {}, headers=bearer(token)))["credentials"]
        assert child["expires"]
        keys = [basic(key), bearer(token), basic(Credentials(child["access_key"], child["secret_key"]))]
        assert [status_of(nobody.raw(READ, {}, headers=headers)) for headers in keys] == [200] * 3
        time.sleep(4 + REVOKED_SECONDS)
        assert [status_of(nobody.raw(READ, {}, headers=headers)) for headers in keys] == [401] * 3
        assert [key["access_key"] for key in user.call("auth.get_credentials")["credentials"]] == [
            user.credentials.access_key if user.credentials else ""
        ]


@pytest.mark.parametrize("identity", ["a root who does not exist", "a root who does"])
def test_a_token_that_no_log_in_made_is_none(api: Api, nobody: Api, identity: str) -> None:
    """Even with the right key: what a token says of its user counts for nothing."""
    root = jwt.decode(api.token, options={"verify_signature": False})
    user = "f" * 32 if identity == "a root who does not exist" else root["identity"]["user"]
    for session in ("0" * 32, root["session_id"][:-1], "", None, 1, [root["session_id"]]):
        forged = root | {"identity": root["identity"] | {"user": user, "role": "root"}, "session_id": session}
        headers = bearer(jwt.encode(forged, TOKEN_SECRET, "HS256"))
        assert failure_of(nobody.raw(READ, {}, headers=headers)) == (401, 30)


def test_what_a_token_says_of_its_user_counts_for_nothing(api: Api, nobody: Api, eventide: Deployment) -> None:
    with new_user(eventide) as user:
        claims = jwt.decode(user.token, options={"verify_signature": False})
        root = jwt.decode(api.token, options={"verify_signature": False})
        forged = jwt.encode(claims | {"identity": root["identity"]}, TOKEN_SECRET, "HS256")
        found = data_of(nobody.raw(READ, {}, headers=bearer(forged)))["user"]
        assert (found["id"], found["role"]) == (id_of(user), "user")


def test_a_stream_is_cut_when_its_reader_is_logged_out(nobody: Api, eventide: Deployment) -> None:
    with new_user(eventide) as user, plain_client(timeout=20) as client:
        task = user.create_task()
        assert user.credentials
        token = token_of(nobody, basic(user.credentials))
        url = user.url("events.stream", "2.34")
        with client.stream("GET", url, params={"task": task}, headers=bearer(token)) as answer:
            assert answer.status_code == 200
            chunks = answer.iter_bytes()
            assert next(chunks)
            data_of(nobody.raw("login.logout", {}, headers=bearer(token)))
            time.sleep(REVOKED_SECONDS)
            user.add(scalar(task, 1, 0.123456))
            told: list[bytes] = []
            with pytest.raises(httpx.RemoteProtocolError):
                told.extend(chunks)
        assert b"points" not in b"".join(told)
