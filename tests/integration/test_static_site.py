"""What is at ``/``: Eventide's own page, or the build of a web application."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy import components
from deploy.client_environment import addresses
from deploy.first_start import Credentials
from deploy.welcome import welcome
from schema.errors import ConfigError
from schema.settings import Settings
from tests.harness.api import Api
from tests.harness.deployment import WEB_APP, embedded
from tests.harness.plain import plain_client


def test_the_page_is_served_under_a_strict_policy(tmp_path: Path) -> None:
    with embedded(tmp_path) as deployment, plain_client(base_url=deployment.origins.query) as client:
        page = client.get("/")
        policy = page.headers["Content-Security-Policy"]
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        for name, content_type in {
            "app.js": "text/javascript; charset=utf-8",
            "style.css": "text/css; charset=utf-8",
            "vendor/uplot/LICENSE": "application/octet-stream",
            "vendor/plotly/plotly-cartesian.min.js": "text/javascript; charset=utf-8",
            "vendor/plotly/plotly-strict.min.js": "text/javascript; charset=utf-8",
        }.items():
            file = client.get(f"/page/{name}")
            assert (file.status_code, file.headers["Content-Type"]) == (200, content_type)
            again = client.get(f"/page/{name}", headers={"If-None-Match": file.headers["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
        for missing in ("/page/nothing.js", "/page/../query/app.py", "/page/%2e%2e/app.py"):
            assert client.get(missing).status_code in (400, 404)


def test_a_web_app_is_served_with_what_it_asks_for(tmp_path: Path) -> None:
    build = tmp_path / "build"
    (build / "assets").mkdir(parents=True)
    (build / "index.html").write_text("<title>the app</title>")
    (build / "main.js").write_text("1")
    (build / "assets" / "version.json").write_text('{"version":"2.5"}')
    (tmp_path / "secret.txt").write_text("secret")
    with (
        embedded(tmp_path, {"WEB_DIR": str(build)}) as deployment,
        Api(deployment.origins, deployment.credentials) as api,
        plain_client(base_url=deployment.origins.query) as client,
    ):
        assert client.get("/configuration.json").json()["apiBaseUrl"] == "/api"
        own = client.get("/credentials.json").json()
        assert (own["userKey"], own["userSecret"]) == (WEB_APP.access_key, WEB_APP.secret_key)
        assert client.get("/version.json").json() == {"version": "2.5"}
        assert client.get("/env.js").content == b""
        for address in ("/", "/projects/abc/tasks/def/scalars", "/login"):
            assert "the app" in client.get(address).text
        assert client.get("/main.js").text == "1"
        for outside in ("/../secret.txt", "/%2e%2e/secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt"):
            assert client.get(outside).text != "secret"
        headers = {"Authorization": f"Bearer {api.token}"}
        for path in ("/api/v999.0/users.get_current_user", "/users.get_current_user", "/v2.9/users.get_current_user"):
            for method in ("GET", "POST"):
                answer = client.request(method, path, headers=headers)
                assert json.loads(answer.content)["data"]["user"]["id"]


def test_a_folder_without_a_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="EVENTIDE_WEB_DIR"):
        components.site(Settings(web_dir=str(tmp_path)), Credentials("key", "secret"))
    (tmp_path / "index.html").touch()
    with pytest.raises(ConfigError, match="EVENTIDE_WEB_ACCESS_KEY"):
        components.site(Settings(web_dir=str(tmp_path)), Credentials("", ""))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "The page, logged in:  http://127.0.0.1:8008/#login=key:secret"),
        ({"web_dir": "/build"}, "The ClearML web app, where any name logs in:  http://127.0.0.1:8008/"),
        (
            {"web_dir": "/build", "web_login": "keys"},
            "The ClearML web app, with the two keys as name and password:  http://127.0.0.1:8008/",
        ),
    ],
)
def test_the_welcome_says_what_there_is_to_look_at(fields: dict[str, str], told: str) -> None:
    known = addresses("", 8008, 8081)
    lines = welcome(Settings.model_validate(fields), known, Credentials("key", "secret")).splitlines()
    assert told in lines
    assert sum("#login=" in line for line in lines) == (not fields)
    assert "#login=" not in welcome(Settings.model_validate(fields), known, None)
