"""Failed log-ins are limited, and what matters to an administrator is in the audit log."""

from __future__ import annotations

import secrets
from base64 import b64encode

import pytest

from schema.http.audit_log import AUDITED
from tests.harness.access import ENDPOINTS, basic, id_of, new_user, status_of
from tests.harness.api import Api, Credentials, Data, data_of, until
from tests.harness.deployment import Deployment
from tests.harness.plain import plain_client

READ = "users.get_current_user"
DANGEROUS = (
    "delete",
    "reset",
    "credentials",
    "revoke",
    "role",
    "create_user",
    "login",
    "logout",
    "clear_task",
    "public",
    "private",
)


def events_of(api: Api, user: str, *names: str) -> list[Data]:
    found: list[Data] = api.call("audit.get_all", user=user, events=list(names))["events"]
    return found


def test_every_call_that_gives_takes_or_deletes_is_audited() -> None:
    """Whoever adds one adds it to the table."""
    harmless = {"auth.get_credentials", "login.supported_modes", "projects.validate_delete"}
    found = {name for name in ENDPOINTS if any(word in name for word in DANGEROUS)} - harmless
    assert found - AUDITED == set()
    assert set(ENDPOINTS) >= AUDITED


def test_what_people_do_is_told_to_their_administrators(api: Api, eventide: Deployment) -> None:
    company = f"company {secrets.token_hex(4)}"
    with new_user(eventide, "admin", company) as admin, new_user(eventide, "user", company) as user:
        key = user.call("auth.create_credentials", label="x")["credentials"]["access_key"]
        user.call("auth.revoke_credentials", access_key=key)
        task = user.create_task()
        user.call("tasks.delete", task=task, force=True)
        data_of(admin.raw(READ, {}, headers={"X-Clearml-Act-As": id_of(user)}))
        admin.call("users.set_role", user=id_of(user), role="admin")
        expected = {"auth.login", "auth.create_credentials", "auth.revoke_credentials", "tasks.delete"}
        expected.add("auth.impersonation")
        told = until(lambda: [e for e in [events_of(admin, id_of(user))] if expected <= {one["event"] for one in e}])[0]
        by_name = {event["event"]: event for event in told}
        assert by_name["tasks.delete"]["details"] == {"task": task}
        assert by_name["auth.revoke_credentials"]["details"] == {"access_key": key}
        assert by_name["auth.impersonation"]["actor"] == id_of(admin)
        assert all(event["address"] and event["timestamp"] for event in told)
        (role,) = until(lambda: events_of(admin, id_of(admin), "users.set_role"))
        assert role["details"] == {"user": id_of(user), "role": "admin"}
        assert user.credentials
        assert user.credentials.secret_key not in str(told)


def test_only_administrators_read_it_and_only_of_their_company(api: Api, stranger: Api, eventide: Deployment) -> None:
    assert stranger.fail("audit.get_all") == (403, 20)
    with new_user(eventide, "admin") as admin:
        own = admin.call(READ)["user"]["company"]["id"]
        assert {event["company"] for event in admin.call("audit.get_all", page_size=1000)["events"]} <= {own}
        assert events_of(admin, id_of(api)) == []
        acting = {"X-Clearml-Act-As": id_of(admin)}
        assert status_of(api.raw("audit.get_all", {}, headers=acting)) == 403


def test_events_are_found_by_name_user_and_time_in_pages(eventide: Deployment) -> None:
    company = f"company {secrets.token_hex(4)}"
    with new_user(eventide, "admin", company) as admin:
        for _ in range(5):
            admin.call("tasks.delete", task=admin.create_task(), force=True)
        told = until(lambda: found if len(found := events_of(admin, "", "tasks.delete")) == 5 else [])
        assert "tasks.delete" in admin.call("audit.get_event_names")["events"]
        times = [event["timestamp"] for event in told]
        assert times == sorted(times, reverse=True)
        pages = [admin.call("audit.get_all", events=["tasks.delete"], page=n, page_size=2)["events"] for n in range(4)]
        assert [event for page in pages for event in page] == told
        assert [len(page) for page in pages] == [2, 2, 1, 0]

        def between(start: int, end: int) -> list[Data]:
            wanted: Data = {"events": ["tasks.delete"], "from_timestamp": start, "to_timestamp": end}
            found: list[Data] = admin.call("audit.get_all", wanted)["events"]
            return found

        assert between(times[-1], times[0] + 1) == between(0, 0) == told
        assert between(times[0] + 1, 0) == between(0, times[-1]) == []
        assert all(event["timestamp"] < times[0] for event in between(0, times[0]))
        for bad in (-1, 2**63):
            assert admin.fail("audit.get_all", from_timestamp=bad) == (400, 12)
        assert events_of(admin, "nobody") == []
    with new_user(eventide, "user", company) as user:
        assert user.fail("audit.get_event_names") == (403, 20)


def guess(api: Api, key: str, secret: str) -> int:
    """The status of one attempt, from an address of its own tests' alone."""
    pair = b64encode(f"{key}:{secret}".encode()).decode()
    with plain_client() as client:
        return client.post(api.url("auth.login"), headers={"Authorization": f"Basic {pair}"}).status_code


@pytest.mark.parametrize("is_same", [False, True], ids=["different secrets", "the same"])
def test_guesses_are_limited(api: Api, eventide: Deployment, is_same: bool) -> None:
    with new_user(eventide) as victim:
        assert victim.credentials
        key = victim.credentials.access_key
        attempts = [guess(api, key, "wrong" if is_same else f"wrong {number}") for number in range(300)]
        assert attempts[0] == 401
        assert attempts[-1] == 429
        assert attempts.count(401) < (300 if is_same else 40)
        assert guess(api, victim.credentials.access_key, victim.credentials.secret_key) == 200  # who is known goes on
        assert victim.call(READ)
        if not is_same:
            failures = until(lambda: api.call("audit.get_all", events=["auth.failure"], page_size=500)["events"])
            assert 0 < len([event for event in failures if event["details"]["access_key"] == key]) < 40


def test_an_old_key_of_an_sdk_is_told_so_and_not_made_to_wait(nobody: Api) -> None:
    """It sends the same pair to many endpoints."""
    wrong = basic(Credentials(secrets.token_hex(8), "revoked"))
    answers = {name: nobody.raw(name, {}, headers=wrong).status_code for name in sorted(ENDPOINTS)[:100]}
    assert set(answers.values()) <= {401, 200}


def test_calls_of_nobody_leave_no_trace(eventide: Deployment) -> None:
    """They cost nothing to make: whoever is not known could fill the registry with them."""
    with new_user(eventide, "root", f"company {secrets.token_hex(4)}") as root:
        with plain_client() as nobody:
            for _ in range(3):
                assert nobody.post(f"{root.origins.gateway}/login.logout").status_code == 200
        root.call("auth.create_credentials", label="after them")
        made = until(lambda: events_of(root, id_of(root), "auth.create_credentials"))
        assert made
        assert [event for event in events_of(root, "", "login.logout") if not event["user"]] == []
