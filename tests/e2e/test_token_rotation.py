"""The secret of tokens is changed: for a while what the old one signed is accepted, and only the new one signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest

from tests.harness.api import Api, Data, data_of, failure_of
from tests.harness.deployment import Deployment, attempt_eventide, embedded, environment_with
from tests.harness.events import scalar

OLD, NEW = "the old secret, of 32 characters and more", "the new secret, of 32 characters and more"
READ = "users.get_current_user"


@dataclass(frozen=True)
class Signed:
    """What a browser and a script were given: a token, cookies, and a page's scroll id."""

    token: str
    cookies: Mapping[str, str]
    page: Data


def with_secret(secret: str, directory: Path, previous: str = "") -> dict[str, str]:
    """Settings of which each secret is in a file, as Docker and Kubernetes mount them."""
    settings = {"TOKEN_SECRET": ""}  # as a compose file gives what is not set
    for name, value in (("TOKEN_SECRET", secret), ("TOKEN_SECRET_PREVIOUS", previous)):
        if value:
            (directory / name).write_text(f"{value}\n")
            settings[f"{name}_FILE"] = str(directory / name)
    return settings


def signed_by(eventide: Deployment) -> Signed:
    with Api(eventide.origins, eventide.credentials) as api:
        response = api.raw("auth.login", {})
        task = api.create_task()
        page = {"task": task, "event_type": "training_stats_scalar", "batch_size": 1}
        api.add(*(scalar(task, number) for number in range(3)))
        scroll_id = api.call("events.get_task_events", page)["scroll_id"]
        return Signed(data_of(response)["token"], dict(response.cookies), page | {"scroll_id": scroll_id})


def codes(eventide: Deployment, signed: Signed) -> list[int]:
    """What the token, each of the cookies, and the page with a new token are answered."""
    with Api(eventide.origins, None) as nobody, Api(eventide.origins, eventide.credentials) as api:
        headers = [{"Authorization": f"Bearer {signed.token}"}]
        headers += [{"Cookie": f"{name}={value}"} for name, value in signed.cookies.items()]
        answers = [nobody.raw(READ, {}, headers=sent) for sent in headers]
        return [answer.status_code for answer in (*answers, api.raw("events.get_task_events", signed.page))]


def test_tokens_cookies_and_scrolls_survive_a_change_with_overlap(tmp_path: Path) -> None:
    with embedded(tmp_path, with_secret(OLD, tmp_path)) as eventide:
        by_old = signed_by(eventide)
        assert len(by_old.cookies) == 2
    with embedded(tmp_path, with_secret(NEW, tmp_path, OLD)) as eventide:
        assert codes(eventide, by_old) == [200] * 4
        by_new = signed_by(eventide)
        assert jwt.decode(by_new.token, NEW, ["HS256"], options={"verify_iat": False})
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(by_new.token, OLD, ["HS256"])
    with embedded(tmp_path, with_secret(NEW, tmp_path)) as eventide:
        assert codes(eventide, by_old) == [401, 401, 401, 400]
        assert codes(eventide, by_new) == [200] * 4


def test_a_logout_removes_the_cookies_of_both_secrets(tmp_path: Path) -> None:
    with embedded(tmp_path, with_secret(OLD, tmp_path)) as eventide:
        by_old = signed_by(eventide)
    with embedded(tmp_path, with_secret(NEW, tmp_path, OLD)) as eventide, Api(eventide.origins, None) as nobody:
        cookies = "; ".join(f"{name}={value}" for name, value in by_old.cookies.items())
        response = nobody.raw("login.logout", {}, headers={"Cookie": cookies})
        data_of(response)
        removed = [header for header in response.headers.get_list("set-cookie") if "Max-Age=0" in header]
        assert {header.partition("=")[0] for header in removed} >= set(by_old.cookies)
        assert failure_of(nobody.raw(READ, {}, headers={"Cookie": cookies}))[0] == 401


def test_a_previous_secret_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path / "data"), "TOKEN_SECRET_PREVIOUS": "a"}
    ended = attempt_eventide(["up"], environment_with(settings))
    assert (ended.returncode, "EVENTIDE_TOKEN_SECRET_PREVIOUS" in ended.stderr) == (2, True)
