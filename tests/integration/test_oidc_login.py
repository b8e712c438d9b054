"""People log in by an OpenID Connect provider: the whole way, and every wrong turn of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import httpx
import pytest

from tests.harness.access import REVOKED_SECONDS
from tests.harness.api import Api, Data, data_of, until
from tests.harness.deployment import Deployment, attempt_eventide, embedded
from tests.harness.plain import plain_client
from tests.servers.oidc import CLIENT_ID, CLIENT_SECRET, OidcServer, oidc_server

READ = "users.get_current_user"
GROUP_MAP = "team=acme:user; chiefs=acme:admin; others=elsewhere:user"
SESSION_SECONDS = 3600


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcServer]:
    with oidc_server() as server:
        yield server


@pytest.fixture(scope="module")
def deployment(provider: OidcServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    settings = {
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "OIDC_GROUP_MAP": GROUP_MAP,
        "OIDC_SESSION_SECONDS": str(SESSION_SECONDS),
    }
    with embedded(tmp_path_factory.mktemp("oidc"), settings) as started:
        yield started


class Person:
    """Somebody with a browser of their own, who is ``subject`` to the provider."""

    def __init__(self, deployment: Deployment, subject: str) -> None:
        self.origin = deployment.origins.query
        self.subject = subject
        self.browser = plain_client(timeout=60)

    def begin(self) -> str:
        """The address of the provider that the browser is sent to."""
        answer = self.browser.get(f"{self.origin}/login/oidc")
        assert answer.status_code == 302
        return str(answer.headers["Location"])

    def consent(self, address: str) -> str:
        """The address that the provider sends the browser back to."""
        with plain_client(timeout=60) as other_site:
            answer = other_site.post(address, data={"sub": self.subject})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])

    def finish(self, address: str) -> httpx.Response:
        return self.browser.get(address, headers={"Accept": "text/html"})

    def log_in(self) -> httpx.Response:
        """Go the whole way."""
        return self.finish(self.consent(self.begin()))

    def call(self, action: str = READ, **fields: object) -> httpx.Response:
        headers = {"X-Requested-With": "tests"}
        return self.browser.post(f"{self.origin}/v2.34/{action}", json=fields, headers=headers)

    def user(self) -> Data:
        user: Data = data_of(self.call())["user"]
        return user


def changed(address: str, **values: str) -> str:
    """An address with other values in its query."""
    parts = urlsplit(address)
    query = {name: found[0] for name, found in parse_qs(parts.query).items()} | values
    return urlunsplit(parts._replace(query=urlencode(query)))


@pytest.fixture
def person(deployment: Deployment, provider: OidcServer) -> Iterator[Person]:
    provider.set_user("ann", name="Ann A.", groups=["team"])
    someone = Person(deployment, "ann")
    yield someone
    someone.browser.close()


def check_refused(person: Person, answer: httpx.Response, status: int = 401) -> None:
    assert answer.status_code == status
    assert "text/html" in answer.headers["Content-Type"]
    assert person.call().status_code == 401


def test_the_first_log_in_makes_a_user_and_the_next_finds_them(person: Person, provider: OidcServer) -> None:
    answer = person.log_in()
    assert (answer.status_code, answer.headers["Location"]) == (302, "../../")
    first = person.user()
    assert (first["name"], first["role"], first["company"]["name"]) == ("Ann A.", "user", "acme")
    provider.set_user("ann", name="Ann B.", groups=["team", "chiefs"])
    person.log_in()
    second = person.user()
    assert (second["id"], second["name"], second["role"]) == (first["id"], "Ann B.", "admin")
    provider.set_user("ann", name="Ann B.", groups=["others"])
    person.log_in()
    assert (person.user()["id"] != first["id"], person.user()["company"]["name"]) == (True, "elsewhere")


def test_what_the_browser_is_sent_with(person: Person) -> None:
    asked = parse_qs(urlsplit(person.begin()).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{person.origin}/login/oidc/callback"]
    assert asked["scope"] == ["openid profile email"]
    again = parse_qs(urlsplit(person.begin()).query)
    assert all(asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))
    assert not any(CLIENT_SECRET in value for values in asked.values() for value in values)


def test_cookies_are_for_this_server_alone(person: Person) -> None:
    person.begin()
    answer = person.log_in()
    session = [value for value in answer.headers.get_list("set-cookie") if value.startswith("clearml_token_basic=")]
    assert "HttpOnly" in session[0]
    assert "SameSite=Lax" in session[0]
    assert f"Max-Age={SESSION_SECONDS}" in session[0] or f"Max-Age={SESSION_SECONDS - 1}" in session[0]


@pytest.mark.parametrize("state", ["", "wrong", "é"])
def test_a_wrong_state_is_refused(person: Person, state: str) -> None:
    check_refused(person, person.finish(changed(person.consent(person.begin()), state=state)))


def test_a_wrong_nonce_is_refused(person: Person) -> None:
    check_refused(person, person.finish(person.consent(changed(person.begin(), nonce="another"))))


def test_a_code_for_another_client_is_refused(person: Person) -> None:
    check_refused(person, person.finish(person.consent(changed(person.begin(), client_id="another"))))


def test_a_code_for_another_verifier_is_refused(person: Person) -> None:
    """Whoever has stolen a code and begun a log-in of their own does not get in by it."""
    begun = person.begin()
    stolen = person.consent(changed(begun, code_challenge="x" * 43))
    check_refused(person, person.finish(stolen))


@pytest.mark.parametrize("code", ["", "wrong", "x" * 5_000, "é%00"])
def test_a_wrong_code_is_refused(person: Person, code: str) -> None:
    check_refused(person, person.finish(changed(person.consent(person.begin()), code=code)))


def test_a_code_is_good_once(person: Person, deployment: Deployment) -> None:
    begun = person.begin()
    cookies = dict(person.browser.cookies)
    back = person.consent(begun)
    assert person.finish(back).status_code == 302
    other = Person(deployment, "ann")
    other.browser.cookies.update(cookies)
    check_refused(other, other.finish(back))


def test_an_end_without_a_beginning_is_refused(person: Person, deployment: Deployment) -> None:
    other = Person(deployment, "ann")
    check_refused(other, other.finish(person.consent(person.begin())))
    other.browser.cookies.set("eventide_oidc", "WyJhIl0.forged.signature")
    check_refused(other, other.finish(person.consent(person.begin())))


def test_another_issuer_is_refused(person: Person) -> None:
    back = person.consent(person.begin())
    check_refused(person, person.finish(changed(back, iss="https://other.example.com")))


def test_who_is_denied_or_in_no_group_does_not_get_in(person: Person, provider: OidcServer) -> None:
    begun = person.begin()
    state = parse_qs(urlsplit(begun).query)["state"][0]
    denied = f"{person.origin}/login/oidc/callback?" + urlencode({"error": "access_denied", "state": state})
    check_refused(person, person.finish(denied))
    for groups in ([], ["unknown"], "unknown", {"team": True}, None, [["team"]]):
        provider.set_user("ann", name="Ann", groups=groups)
        check_refused(person, person.log_in())


def test_sessions_are_listed_end_and_are_revoked(person: Person, deployment: Deployment) -> None:
    person.log_in()
    (session,) = [one for one in data_of(person.call("auth.get_sessions"))["sessions"] if one["current"]]
    assert session["access_key"] is None
    assert data_of(person.call("auth.revoke_sessions", sessions=[session["id"]])) == {"revoked": 1}
    time.sleep(REVOKED_SECONDS)
    assert person.call().status_code == 401
    person.log_in()
    cookies = dict(person.browser.cookies)
    data_of(person.call("login.logout"))
    other = Person(deployment, "ann")
    other.browser.cookies.update(cookies)
    time.sleep(REVOKED_SECONDS)
    assert other.call().status_code == 401
    assert person.log_in().status_code == 302
    with Api(deployment.origins, deployment.credentials) as root:
        root.call("users.delete", user=person.user()["id"])
        time.sleep(REVOKED_SECONDS)
        assert person.call().status_code == 401
        failures = until(lambda: root.call("audit.get_all", events=["auth.failure"])["events"])
        assert any("oidc" in event["details"] for event in failures)


def test_the_page_is_told_where_it_begins(person: Person) -> None:
    assert data_of(person.call("login.supported_modes"))["sso"] == {"oidc": "login/oidc"}


def test_a_provider_that_is_away_or_another_is_a_503(provider: OidcServer, tmp_path: Path) -> None:
    for name, issuer in (("other", f"{provider.issuer}/"), ("away", "http://127.0.0.1:9")):
        (tmp_path / name).mkdir()
        settings = {"OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": CLIENT_ID}
        with embedded(tmp_path / name, settings) as deployment, plain_client(timeout=60) as browser:
            answer = browser.get(f"{deployment.origins.query}/login/oidc", headers={"Accept": "text/html"})
            assert answer.status_code == 503


@pytest.mark.parametrize(
    "wrong",
    [{"OIDC_ISSUER": "http://example.com"}, {"OIDC_CLIENT_ID": ""}, {"OIDC_GROUP_MAP": "team=acme"}],
    ids=str,
)
def test_wrong_settings_are_told(tmp_path: Path, wrong: dict[str, str]) -> None:
    from tests.harness.deployment import environment_with

    settings = {"DATA_DIR": str(tmp_path / "data"), "OIDC_ISSUER": "http://localhost:9", "OIDC_CLIENT_ID": "x"} | wrong
    done = attempt_eventide(["up", "--port", "0", "--files-port", "0"], environment_with(settings))
    assert done.returncode == 2
    assert f"EVENTIDE_{next(iter(wrong))}" in done.stderr
