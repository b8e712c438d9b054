"""What pages of other sites can make a browser do: nothing, with a cookie, at any endpoint, behind nginx too."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import urlsplit

import httpx
import pytest

from schema.api.wire import Tier
from tests.harness.access import ENDPOINTS, bearer, status_of
from tests.harness.api import Api, data_of, failure_of
from tests.harness.deployment import Deployment
from tests.harness.plain import plain_client

READ = "users.get_current_user"
CHANGES = sorted(name for name, found in ENDPOINTS.items() if found.tier is not Tier.QUERY)
READS = sorted(name for name, found in ENDPOINTS.items() if found.tier is Tier.QUERY)
FORM = {"Content-Type": "text/plain"}
HIDDEN = ("/docs", "/openapi.json", "/metrics")  # from who comes through nginx
FOREIGN = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "another port of this host": {"Sec-Fetch-Site": "same-site"},
    "another site, of a browser that only tells the origin": {"Origin": "http://evil.example"},
    "another port, of a browser that only tells the origin": {"Origin": "http://127.0.0.1:1"},
    "a frame without an origin": {"Origin": "null"},
    "another scheme": {"Origin": "file://"},
    "both": {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
}


@pytest.fixture(scope="module")
def cookie(api: Api) -> dict[str, str]:
    """What a browser sends, logged in."""
    return {"Cookie": f"clearml_token_basic={api.login()['token']}"}


def origin_of(api: Api, action: str) -> str:
    return api.origins.of(action)


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN.keys())
def test_no_endpoint_takes_a_cookie_from_elsewhere(
    nobody: Api, cookie: dict[str, str], foreign: dict[str, str]
) -> None:
    for kind in (FORM, {"Content-Type": "application/json"}):
        sent = cookie | foreign | kind
        answers = {name: status_of(nobody.raw(name, content=b"{}", headers=sent)) for name in ENDPOINTS}
        assert {name: code for name, code in answers.items() if code != 403} == {}


OWN = [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("own", OWN, ids=["unknown", "same origin", "typed"])
def test_nothing_changes_by_get_with_a_cookie(
    nobody: Api, cookie: dict[str, str], own: dict[str, str], method: str
) -> None:
    """As images, links and prefetches ask; with the fields in the address."""
    for name in CHANGES:
        query = {"task": "0" * 32, "ids": "0" * 32, "force": "true"}
        answer = nobody.raw(name, method=method, headers=cookie | own, params=query)
        assert answer.status_code == 403, name


def test_a_form_without_proof_changes_nothing(nobody: Api, cookie: dict[str, str]) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        headers = cookie | ({"Content-Type": content_type} if content_type else {})
        with plain_client() as client:  # without headers that no form can send
            answers = {name: client.post(nobody.url(name), headers=headers).status_code for name in CHANGES}
        assert {name: code for name, code in answers.items() if code != 403} == {}


@pytest.mark.parametrize("by", ["Authorization", "Cookie"])
def test_an_image_of_a_strangers_deletes_nothing(api: Api, nobody: Api, cookie: dict[str, str], by: str) -> None:
    """SDKs, which send headers, may ask by GET as before."""
    task = api.create_task()
    headers = cookie if by == "Cookie" else bearer(api.token)
    answer = nobody.raw("tasks.delete", method="GET", params={"task": task, "force": "true"}, headers=headers)
    gone = api.raw("tasks.get_by_id", {"task": task}).status_code == 400
    assert (answer.status_code, gone) == ((403, False) if by == "Cookie" else (200, True))


def test_pages_of_this_server_call_it(api: Api, nobody: Api, cookie: dict[str, str]) -> None:
    own = urlsplit(origin_of(api, "tasks.create"))
    body = {"name": "of a page", "type": "training"}
    proofs: list[dict[str, str]] = [
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": f"{own.scheme}://{own.netloc}"},
        {"Origin": f"{own.scheme}://{own.netloc}", "Sec-Fetch-Site": "same-origin"},
        {"X-Requested-With": "XMLHttpRequest", "Content-Type": ""},
        {"X-Clearml-Client": "Webapp-2.5"},
    ]
    for proof in proofs:
        answer = nobody.raw("tasks.create", body, headers=cookie | proof)
        assert data_of(answer)["id"], proof
    assert data_of(nobody.raw(READ, {}, headers=cookie | {"Origin": origin_of(api, READ)}))


def test_a_person_may_open_what_only_reads(api: Api, nobody: Api, cookie: dict[str, str], task: str) -> None:
    """The ClearML web app's links to logs."""
    api.add({"type": "log", "task": task, "level": "info", "msg": "a line"})
    document = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for site in ("none", "same-origin", "same-site", "cross-site"):
        headers = cookie | document | {"Sec-Fetch-Site": site}
        answer = nobody.raw("events.download_task_log", method="GET", params={"task": task}, headers=headers)
        assert answer.status_code == 200
    framed = cookie | document | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"}
    assert (
        nobody.raw("events.download_task_log", method="GET", params={"task": task}, headers=framed).status_code == 403
    )


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null", "http://[", "file://", "x"])
def test_no_page_of_elsewhere_reads_an_answer(api: Api, nobody: Api, cookie: dict[str, str], origin: str) -> None:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Headers": "authorization",
        "Access-Control-Request-Method": "POST",
    }
    for action in ("auth.create_credentials", "auth.login", READ):
        for method, who in (("OPTIONS", {}), ("POST", cookie), ("POST", bearer(api.token)), ("POST", {})):
            answer = nobody.raw(action, {}, method=method, headers=headers | who)
            assert [name for name in answer.headers if name.lower().startswith("access-control-")] == []
    assert len(api.call("auth.get_credentials")["credentials"]) < 100


def test_own_pages_are_told_that_they_may(api: Api) -> None:
    answer = api.raw(READ, {}, headers={"Origin": origin_of(api, READ)})
    assert answer.headers["Access-Control-Allow-Origin"] == origin_of(api, READ)
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


NAMES = [
    "evil.example",
    "evil.example:8008",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "[::1",
    "a b",
    "10.0.0.1",
    "evil.example@127.0.0.1",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_none_of_the_servers_is_refused(api: Api, eventide: Deployment, name: str) -> None:
    """DNS rebinding: a stranger's name that leads here."""
    for address in {*api.origins.all(), eventide.files}:
        for path in ("/", "/auth.login", f"/v2.34/{READ}", "/credentials.json", *HIDDEN):
            answer = httpx.get(f"{address}{path}", headers={"Host": name} | bearer(api.token), verify=False)
            hidden = (404,) if eventide.tiers and path in HIDDEN else ()  # by nginx, from whatever name
            assert answer.status_code in (400, 421, *hidden), (address, path)
        assert httpx.get(f"{address}/healthz", headers={"Host": name}, verify=False).status_code in (200, 400)


@pytest.mark.parametrize(
    "name", ["localhost", "localhost:1", "LOCALHOST", "127.0.0.1", "[::1]:8008", "app.localhost:3"]
)
def test_loopback_names_are_the_servers(api: Api, name: str) -> None:
    assert status_of(api.raw(READ, {}, headers={"Host": name})) == 200


def test_files_keep_to_the_same_rules(api: Api, eventide: Deployment, cookie: dict[str, str]) -> None:
    form = {"a/cross-site.txt": ("x", b"x")}
    assert httpx.post(eventide.files, files=form, headers=bearer(api.token), verify=False).status_code == 200
    url = f"{eventide.files}/a/cross-site.txt"

    def status(method: str, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.request(method, url, headers=cookie | named, verify=False).status_code

    assert (
        status("GET") == status("GET", Sec_Fetch_Site="same-site") == status("GET", Sec_Fetch_Site="same-origin") == 200
    )
    assert status("GET", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors") == 403
    assert status("GET", Origin="http://evil.example") == status("DELETE", Origin="http://evil.example") == 403
    assert status("DELETE", Sec_Fetch_Site="same-site") == status("DELETE", Sec_Fetch_Site="cross-site") == 403
    upload = httpx.post(eventide.files, files=form, headers=cookie | {"Sec-Fetch-Site": "cross-site"}, verify=False)
    assert upload.status_code == httpx.post(eventide.files, files=form, headers=cookie, verify=False).status_code == 403
    assert status("DELETE", Sec_Fetch_Site="same-origin") == 200


def test_basic_credentials_need_no_proof(api: Api, nobody: Api) -> None:
    assert api.credentials
    pair = b64encode(f"{api.credentials.access_key}:{api.credentials.secret_key}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "text/plain"}
    content = b'{"name": "no page", "type": "training"}'
    assert data_of(nobody.raw("tasks.create", content=content, headers=headers))["id"]
    assert failure_of(nobody.raw("tasks.create", {}, headers={"Cookie": "other=1"})) == (401, 20)
    assert READS
