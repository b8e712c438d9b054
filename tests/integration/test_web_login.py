"""How the ClearML web app logs in: by keys its credential is worth nothing; by a name nothing outlives a session."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.access import KNOWN_ONLY, REVOKED_SECONDS, USERS_ONLY, basic, bearer, id_of, status_of, statuses
from tests.harness.api import Api, Credentials, data_of
from tests.harness.browser import Browser, log_in
from tests.harness.deployment import WEB_APP, Deployment, attempt_eventide, embedded, environment_with

READ = "users.get_current_user"
DAY = 86_400


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A web app's build."""
    directory = tmp_path_factory.mktemp("build")
    (directory / "index.html").write_text("<title>the app</title>")
    return directory


@pytest.fixture(scope="module", params=["keys", "unset on every address"])
def by_keys(
    request: pytest.FixtureRequest, build: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """An Eventide whose web app asks for keys; names logged in there before."""
    directory, own = tmp_path_factory.mktemp("keys"), {"WEB_DIR": str(build)}
    with embedded(directory, own | {"WEB_LOGIN": "name"}) as before:
        log_in(Browser(before.origins), "Ada")
    how = {"WEB_LOGIN": "keys"} if request.param == "keys" else {"HOST": "0.0.0.0"}
    with embedded(directory, own | how) as deployment:
        yield deployment


def test_by_keys_the_web_apps_credential_is_worth_nothing(by_keys: Deployment) -> None:
    with Api(by_keys.origins, by_keys.credentials) as api, Api(by_keys.origins, None) as nobody:
        told = nobody.ask(f"{by_keys.origins.query}/credentials.json", method="GET")
        assert WEB_APP.access_key not in told.text
        assert WEB_APP.secret_key not in told.text
        assert data_of(nobody.raw("login.supported_modes", {}))["basic"]["enabled"] is True
        (ada,) = [user["id"] for user in api.call("users.get_all")["users"] if user["name"] == "Ada"]
        for acting in ({}, {"X-Clearml-Impersonate-As": ada}, {"X-Clearml-Act-As": id_of(api)}):
            answers = statuses(nobody, basic(WEB_APP) | acting, KNOWN_ONLY, {"name": "x"})
            assert {name: code for name, code in answers.items() if code != 401} == {}
        modes = nobody.raw("login.supported_modes", {}, headers=basic(WEB_APP))
        assert data_of(modes)["authenticated"] is False


def test_a_session_of_a_name_is_worth_nothing_once_keys_are_asked_for(build: Path, tmp_path: Path) -> None:
    """Nor is the web application's own."""
    own = {"WEB_DIR": str(build)}
    with embedded(tmp_path, own | {"WEB_LOGIN": "name"}) as before:
        browser = Browser(before.origins)
        web = data_of(browser.ask("auth.login", {}, headers=basic(WEB_APP)))["token"]
        log_in(browser, "Ada")
        token = browser.client.cookies["clearml_token_basic"]
        key = browser.call("auth.create_credentials", {})["credentials"]
    left = [bearer(web), bearer(token), basic(Credentials(key["access_key"], key["secret_key"]))]
    with embedded(tmp_path, own | {"WEB_LOGIN": "keys"}) as deployment, Api(deployment.origins, None) as nobody:
        for headers in left:
            answers = statuses(nobody, headers, KNOWN_ONLY, {"name": "x"})
            assert {name: code for name, code in answers.items() if code != 401} == {}


@pytest.fixture(scope="module")
def by_name(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """An Eventide on a loopback address with a web app, where names log in."""
    with embedded(tmp_path_factory.mktemp("name"), {"WEB_DIR": str(build)}) as deployment:
        yield deployment


def test_by_name_the_web_apps_credential_only_logs_people_in(by_name: Deployment) -> None:
    with Api(by_name.origins, by_name.credentials) as api:
        told = api.ask(f"{by_name.origins.query}/credentials.json", method="GET").json()
        assert (told["userKey"], told["userSecret"]) == (WEB_APP.access_key, WEB_APP.secret_key)
        ada = log_in(Browser(by_name.origins), "Ada")
        for acting in ({}, {"X-Clearml-Impersonate-As": ada}):
            answers = statuses(api, basic(WEB_APP) | acting, USERS_ONLY, {"name": "x"})
            assert set(answers.values()) == {403}
        for other in (id_of(api), "0" * 32):
            acting = {"X-Clearml-Impersonate-As": other}
            assert status_of(api.raw("auth.login", {}, headers=basic(WEB_APP) | acting)) == 400


def test_what_a_name_makes_ends_with_its_session(by_name: Deployment) -> None:
    """Keys, keys of these keys, and the tokens of all of them."""
    browser = Browser(by_name.origins)
    log_in(browser, "Grace")
    first = browser.client.cookies["clearml_token_basic"]
    ways = [bearer(first)]
    with Api(by_name.origins, None) as nobody:
        for _ in range(2):
            made = data_of(nobody.raw("auth.create_credentials", {}, headers=ways[-1]))["credentials"]
            keys = basic(Credentials(made["access_key"], made["secret_key"]))
            token = data_of(nobody.raw("auth.login", {"expiration_sec": 30 * DAY}, headers=keys))["token"]
            ways += [keys, bearer(token)]
        assert [status_of(nobody.raw(READ, {}, headers=headers)) for headers in ways] == [200] * 5
        (session, *_) = data_of(nobody.raw("auth.get_sessions", {}, headers=ways[-1]))["sessions"]
        assert session["expires"] <= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + DAY + 1))
        browser.call("login.logout", {})
        time.sleep(REVOKED_SECONDS)
        assert [status_of(nobody.raw(READ, {}, headers=headers)) for headers in ways] == [401] * 5


def test_a_name_takes_no_lasting_key_back(by_name: Deployment) -> None:
    """Who says to be somebody is in their place for a session, and must not lock them out."""
    with Api(by_name.origins, by_name.add_user("eventide", "Edsger")) as edsger:
        browser = Browser(by_name.origins)
        assert log_in(browser, "Edsger") == id_of(edsger)
        assert edsger.credentials
        key = {"access_key": edsger.credentials.access_key}
        assert browser.ask("auth.revoke_credentials", key).status_code == 400
        session = edsger.call("auth.get_sessions")["sessions"][0]["id"]
        for asked in ({"sessions": [session]}, {}):
            browser.ask("auth.revoke_sessions", asked)
        assert id_of(edsger)


@pytest.mark.parametrize(("host", "is_warned"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_names_on_an_open_address_are_warned_of(tmp_path: Path, build: Path, host: str, is_warned: bool) -> None:
    settings = {"WEB_DIR": str(build), "WEB_LOGIN": "name", "HOST": host, "DATA_DIR": str(tmp_path / "data")}
    with embedded(tmp_path, settings) as deployment:
        told = (tmp_path / "up.log").read_text()
    assert ("logs in as anybody" in told) is is_warned
    assert deployment.mode == "embedded"


@pytest.mark.parametrize("web_login", ["names", "none"])
def test_another_way_to_log_in_is_refused(tmp_path: Path, web_login: str) -> None:
    ended = attempt_eventide(["up"], environment_with({"DATA_DIR": str(tmp_path), "WEB_LOGIN": web_login}))
    assert (ended.returncode, "EVENTIDE_WEB_LOGIN" in ended.stderr) == (2, True)
