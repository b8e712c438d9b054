"""API contract 1.8 and 1.10: credentials, tokens, cookies and impersonation."""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from tests.harness.api import HEX_32, Api, data_of, failure_of
from tests.harness.deployment import TOKEN_SECRET, Deployment
from tests.harness.events import log

COOKIE = "clearml_token_basic"
DEFAULT_SECONDS, MAX_SECONDS = 2_592_000, 31_536_000
READ = "events.get_task_log"


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.fixture
def pair(api: Api) -> str:
    assert api.credentials
    return f"{api.credentials.access_key}:{api.credentials.secret_key}"


# --- auth.login -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("version", [None, "2.22"])
def test_basic_credentials_become_a_token(nobody: Api, pair: str, method: str, version: str | None) -> None:
    """The SDK logs in without version prefix and without body."""
    for origin in nobody.origins.all():
        url = f"{origin}/{f'v{version}/' if version else ''}auth.login"
        data = data_of(nobody.ask(url, method=method, headers={"Authorization": basic(pair)}))
        assert set(data) == {"token"}
        assert jwt.get_unverified_header(data["token"])["alg"] == "HS256"


def test_the_claims_of_a_token(api: Api) -> None:
    claims = claims_of(api.login()["token"])
    assert claims["auth_type"] == "Bearer"
    assert claims["env"] == "<unknown>"
    assert set(claims["identity"]) == {"user", "company", "role", "user_name", "company_name"}
    assert claims["identity"]["role"] == "root"
    assert claims["feature_set"] == "basic"  # anything else makes the SDK ask for vaults
    assert HEX_32.fullmatch(claims["session_id"])
    assert isinstance(claims["server_version"], str)
    assert isinstance(claims["server_build"], str)
    assert isinstance(claims["iat"], int)
    assert abs(claims["iat"] - time.time()) < 10
    assert claims["exp"] - claims["iat"] == DEFAULT_SECONDS


def test_the_announced_version_lets_the_sdk_report_models(api: Api) -> None:
    """Below 2.23 it leaves out ``model_event``, and its APIClient crashes."""
    version = claims_of(api.token)["api_version"]
    assert re.fullmatch(r"\d+\.\d+", version)
    assert tuple(map(int, version.split("."))) >= (2, 23)


@pytest.mark.parametrize("seconds", [0, None])
def test_no_lifetime_is_the_default_lifetime(api: Api, seconds: int | None) -> None:
    claims = claims_of(api.login(expiration_sec=seconds)["token"])
    assert claims["exp"] - claims["iat"] == DEFAULT_SECONDS


@pytest.mark.parametrize("seconds", [1, 3600, MAX_SECONDS])
def test_a_lifetime_may_be_asked_for_in_body_or_query(api: Api, seconds: int) -> None:
    assert api.credentials
    keys = {"Authorization": basic(f"{api.credentials.access_key}:{api.credentials.secret_key}")}
    asked = api.raw("auth.login", params={"expiration_sec": seconds}, headers=keys)
    for data in (api.login(expiration_sec=seconds), data_of(asked)):
        claims = claims_of(data["token"])
        assert claims["exp"] - claims["iat"] == seconds


def test_more_than_a_year_is_refused(api: Api) -> None:
    assert api.fail("auth.login", expiration_sec=MAX_SECONDS + 1) == (400, 12)
    assert failure_of(api.raw("auth.login", params={"expiration_sec": MAX_SECONDS + 1})) == (400, 12)


def test_a_negative_lifetime_makes_an_expired_token(api: Api, nobody: Api) -> None:
    token = api.login(expiration_sec=-5)["token"]
    assert failure_of(nobody.raw(READ, {}, headers={"Authorization": f"Bearer {token}"})) == (401, 30)


def test_the_token_is_also_a_cookie(api: Api, pair: str) -> None:
    response = api.raw("auth.login", {}, headers={"Authorization": basic(pair)})
    names = []
    for cookie in response.headers.get_list("Set-Cookie"):
        name, _, rest = cookie.partition("=")
        value, *attributes = [part.strip() for part in rest.split(";")]
        assert value == data_of(response)["token"]
        assert {attribute.lower() for attribute in attributes} == {
            "httponly",
            "path=/",
            f"max-age={DEFAULT_SECONDS}",
            "samesite=lax",
        }
        names.append(name)
    assert names[0] == COOKIE
    assert re.fullmatch("eventide_token_[0-9a-f]{12}", names[1])  # no other deployment's on this host
    assert len(names) == 2


def test_the_cookie_ends_with_its_token(api: Api) -> None:
    response = api.raw("auth.login", {"expiration_sec": 120})
    assert "Max-Age=120;" in response.headers["Set-Cookie"]


def test_over_https_the_cookie_is_secure(api: Api) -> None:
    for name, value in {"X-Forwarded-Proto": "https", "x-forwarded-proto": "HTTPS, http"}.items():
        response = api.raw("auth.login", {}, headers={name: value})
        assert "; Secure" in response.headers["Set-Cookie"]


def test_a_token_or_cookie_logs_in_again(api: Api, nobody: Api) -> None:
    for headers in ({"Authorization": f"Bearer {api.token}"}, {"Cookie": f"{COOKIE}={api.token}"}):
        token = data_of(nobody.raw("auth.login", {}, headers=headers))["token"]
        assert claims_of(token)["identity"] == claims_of(api.token)["identity"]


# --- what every call accepts ------------------------------------------------------------------------------------------


def test_every_call_takes_basic_token_or_cookie(api: Api, nobody: Api, pair: str, task: str) -> None:
    for headers in (
        {"Authorization": basic(pair)},
        {"Authorization": f"Bearer {api.token}"},
        {"Cookie": f"{COOKIE}={api.token}"},
    ):
        assert data_of(nobody.raw(READ, {"task": task}, headers=headers))["total"] == 0
        assert data_of(nobody.raw("events.delete_for_task", {"task": task}, headers=headers)) == {"deleted": 0}


def test_a_token_is_good_at_every_tier(api: Api, nobody: Api) -> None:
    for login in api.origins.all():
        assert api.credentials
        given = basic(f"{api.credentials.access_key}:{api.credentials.secret_key}")
        token = data_of(nobody.ask(f"{login}/auth.login", {}, headers={"Authorization": given}))["token"]
        for origin in api.origins.all():
            assert data_of(nobody.ask(f"{origin}/auth.login", {}, headers={"Authorization": f"Bearer {token}"}))


BAD_AUTHORIZATION = {
    "no such scheme": ("Digest x", (401, 10)),
    "schemes are case-sensitive: basic": ("basic YTpi", (401, 10)),
    "schemes are case-sensitive: bearer": ("bearer x", (401, 10)),
    "schemes are case-sensitive: BEARER": ("BEARER x", (401, 10)),
    "bad padding": ("Basic YTpiY", (401, 21)),
    "no UTF-8": ("Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(), (401, 21)),
    "unknown key": (basic("nobody:secret"), (401, 22)),
    "no colon": (basic("nobody"), (401, 22)),
    "empty": (basic(":"), (401, 22)),
    "no token": ("Bearer nonsense", (401, 30)),
    "three parts of nothing": ("Bearer a.b.c", (401, 30)),
}


@pytest.mark.parametrize(("header", "expected"), BAD_AUTHORIZATION.values(), ids=BAD_AUTHORIZATION.keys())
def test_bad_credentials(nobody: Api, header: str, expected: tuple[int, int]) -> None:
    for action in (READ, "events.add", "auth.login"):
        assert failure_of(nobody.raw(action, {}, headers={"Authorization": header})) == expected


def test_foreign_characters_in_a_basic_payload(nobody: Api) -> None:
    response = nobody.raw(READ, {}, headers={"Authorization": "Basic Y*T:p!i"})
    assert failure_of(response) in ((401, 21), (401, 22))


def test_a_wrong_secret_is_refused(nobody: Api, pair: str) -> None:
    wrong = {"Authorization": basic(pair + "x")}
    assert failure_of(nobody.raw("auth.login", {}, headers=wrong)) == (401, 22)
    assert data_of(nobody.raw("auth.login", {}, headers={"Authorization": basic(pair)}))
    assert failure_of(nobody.raw("auth.login", {}, headers=wrong)) == (401, 22)


def test_no_credentials_at_all(nobody: Api) -> None:
    assert failure_of(nobody.raw(READ, {})) == (401, 20)
    assert failure_of(nobody.raw("events.add_batch", {})) == (401, 20)
    assert failure_of(nobody.raw("auth.login", {})) == (401, 20)


def test_the_header_wins_over_the_cookie(api: Api, nobody: Api, pair: str, task: str) -> None:
    good, bad = f"{COOKIE}={api.token}", f"{COOKIE}=nonsense"
    assert failure_of(nobody.raw(READ, {}, headers={"Authorization": "Bearer x", "Cookie": good})) == (401, 30)
    assert data_of(nobody.raw(READ, {"task": task}, headers={"Authorization": basic(pair), "Cookie": bad}))
    assert failure_of(nobody.raw(READ, {}, headers={"Cookie": bad})) == (401, 30)


# --- forged tokens ----------------------------------------------------------------------------------------------------


def forged(token: str, key: str = TOKEN_SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    claims = {name: value for name, value in (claims_of(token) | changes).items() if value is not ...}
    return jwt.encode(claims, key, algorithm)


def test_a_token_of_our_own_making_is_good(api: Api, nobody: Api, task: str) -> None:
    """Otherwise the tests below would prove nothing."""
    headers = {"Authorization": f"Bearer {forged(api.token)}"}
    assert data_of(nobody.raw(READ, {"task": task}, headers=headers))["total"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "another key, which is long enough for HS256"},
        {"key": "", "algorithm": "none"},
        {"algorithm": "HS512"},
        {"exp": 1_000_000_000},
        {"exp": ...},
        {"exp": "tomorrow"},
        {"identity": ...},
        {"identity": None},
        {"identity": "root"},
        {"identity": []},
    ],
)
def test_a_forged_token_is_refused(api: Api, nobody: Api, changes: dict[str, Any]) -> None:
    response = nobody.raw(READ, {}, headers={"Authorization": f"Bearer {forged(api.token, **changes)}"})
    assert failure_of(response) == (401, 30)


def test_a_tampered_token_is_refused(api: Api, nobody: Api) -> None:
    header, _, signature = api.token.split(".")
    payload = forged(api.token, identity=claims_of(api.token)["identity"] | {"company": "x"}).split(".")[1]
    headers = {"Authorization": f"Bearer {header}.{payload}.{signature}"}
    assert failure_of(nobody.raw(READ, {}, headers=headers)) == (401, 30)


# --- 1.8 impersonation ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def company() -> str:
    return f"company-{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def admin(eventide: Deployment, company: str) -> Iterator[Api]:
    with Api(eventide.origins, eventide.add_user(company, "admin", "admin")) as client:
        yield client


@pytest.fixture(scope="module")
def colleague(eventide: Deployment, company: str) -> Iterator[Api]:
    with Api(eventide.origins, eventide.add_user(company, "colleague", "user")) as client:
        yield client


def user_of(api: Api) -> str:
    return str(claims_of(api.token)["identity"]["user"])


HEADERS = ["X-Clearml-Impersonate-As", "X-Clearml-Act-As", "X-Trains-Impersonate-As", "X-Trains-Act-As"]


def test_users_of_one_company_see_the_same(admin: Api, colleague: Api) -> None:
    assert claims_of(admin.token)["identity"]["role"] == "admin"
    assert claims_of(colleague.token)["identity"]["role"] == "user"
    assert claims_of(admin.token)["identity"]["company"] == claims_of(colleague.token)["identity"]["company"]
    task = admin.create_task()
    colleague.add(log(task))
    assert len(admin.logs(task)) == 1


@pytest.mark.parametrize("header", HEADERS)
def test_root_may_act_as_anyone(api: Api, stranger: Api, header: str) -> None:
    as_stranger = {header: user_of(stranger)}
    created = data_of(api.raw("tasks.create", {"name": "acted", "type": "training"}, headers=as_stranger))["id"]
    stranger.add(log(created))
    assert data_of(api.raw(READ, {"task": created}, headers=as_stranger))["total"] == 1
    assert api.fail(READ, task=created) == (400, 101)


@pytest.mark.parametrize("header", HEADERS)
def test_an_admin_only_acts_within_the_company(admin: Api, colleague: Api, api: Api, header: str) -> None:
    task = colleague.create_task()
    assert data_of(admin.raw(READ, {"task": task}, headers={header: user_of(colleague)}))["total"] == 0
    assert failure_of(admin.raw(READ, {"task": task}, headers={header: user_of(api)})) == (400, 6)


@pytest.mark.parametrize("header", HEADERS)
def test_others_act_as_nobody_else(colleague: Api, admin: Api, header: str) -> None:
    assert failure_of(colleague.raw(READ, {}, headers={header: user_of(admin)})) == (400, 6)


def test_an_unknown_user_cannot_be_acted_as(api: Api) -> None:
    assert failure_of(api.raw(READ, {}, headers={"X-Clearml-Act-As": "nobody"})) == (400, 6)


def test_both_headers_are_ambiguous(api: Api, colleague: Api) -> None:
    both = {"X-Clearml-Impersonate-As": user_of(colleague), "X-Trains-Act-As": user_of(colleague)}
    assert failure_of(api.raw(READ, {}, headers=both)) == (400, 5)
