"""trackio's protocol: what its client relies on, and who may do what. tests/e2e/test_trackio.py runs its SDK."""

from __future__ import annotations

import json
import secrets
import uuid
from typing import Any

import httpx
import pytest

from tests.harness.access import basic
from tests.harness.api import Api, Credentials
from tests.harness.deployment import Deployment
from tests.harness.plain import plain_client

Entry = dict[str, Any]


class Trackio:
    """Calls as the user of an ``Api``, with keys in trackio's own header."""

    def __init__(self, api: Api, files: str) -> None:
        assert api.credentials
        self._origins, self._files = api.origins, files
        key = api.credentials
        headers = {"x-trackio-write-token": f"{key.access_key}:{key.secret_key}"}
        self._client = plain_client(timeout=60, headers=headers)

    def raw(self, name: str, **named: Any) -> httpx.Response:
        """The response to a call with named arguments."""
        body = {"args": [], "kwargs": named | {"hf_token": None}}
        return self._client.post(f"{self._origins.of(f'trackio.{name}')}/api/{name}", json=body)

    def call(self, name: str, **named: Any) -> Any:
        """The data of a call that succeeds."""
        answer = self.raw(name, **named)
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == {"data"}
        return answer.json()["data"]

    def fail(self, name: str, **named: Any) -> int:
        """The status of a call that is refused."""
        answer = self.raw(name, **named)
        assert answer.json().keys() == {"error"}, answer.text
        return answer.status_code

    def upload(self, name: str, content: bytes) -> str:
        """The path of a file that is sent."""
        answer = self._client.post(f"{self._files}/api/upload", files={"files": (name, content)})
        assert answer.status_code == 200, answer.text
        (path,) = answer.json()["paths"]
        return str(path)


@pytest.fixture(scope="module")
def trackio(api: Api, eventide: Deployment) -> Trackio:
    """The first user."""
    return Trackio(api, eventide.files)


@pytest.fixture
def run() -> Entry:
    """A run that nothing was logged to yet."""
    return {"project": f"project {secrets.token_hex(4)}", "run": "a run", "run_id": uuid.uuid4().hex}


def entry(run: Entry, step: int | None, **metrics: Any) -> Entry:
    return run | {"metrics": metrics, "step": step, "config": None, "log_id": uuid.uuid4().hex}


def test_the_version_is_told_to_anybody(nobody: Api) -> None:
    answer = nobody.ask(f"{nobody.origins.query}/version", method="GET")
    assert (answer.status_code, answer.json()["api_version"]) == (200, 1)


def test_a_run_is_a_task_that_the_first_entry_makes(trackio: Trackio, api: Api, run: Entry) -> None:
    assert trackio.call("get_runs_for_project", project=run["project"]) == []
    first = entry(run, 0, **{"train/loss": 0.1, "acc": 1}) | {"config": {"lr": 0.5, "_Username": "ada"}}
    trackio.call("bulk_log", logs=[first, entry(run, 1, acc=True)])
    task = api.task(run["run_id"])
    assert (task["name"], task["status"]) == ("a run", "in_progress")
    assert task["hyperparams"]["General"]["lr"]["value"] == "0.5"
    assert task["hyperparams"]["trackio"]["_Username"]["value"] == "ada"
    values = {(e["metric"], e["variant"], e["iter"]): e["value"] for e in api.events(run["run_id"])}
    assert values == {("train", "loss", 0): 0.1, ("acc", "acc", 0): 1.0, ("acc", "acc", 1): 1.0}
    (told,) = trackio.call("get_runs_for_project", project=run["project"])
    assert (told["id"], told["name"]) == (run["run_id"], "a run")


def test_entries_that_come_again_change_nothing(trackio: Trackio, api: Api, run: Entry) -> None:
    logs = [entry(run, step, m=step / 4, note=f"step {step}") for step in range(4)]
    alert = run | {"title": "Bad", "text": "loss", "level": "error", "step": 1, "alert_id": uuid.uuid4().hex}
    alert["timestamp"] = "2026-01-02T03:04:05+00:00"
    system = run | {
        "metrics": {"gpu/0/power": 2.5, "cpu": "NaN"},
        "log_id": "x",
        "timestamp": "2036-01-02T03:04:05+00:00",
    }
    for some in (logs, logs[1:3], logs):
        trackio.call("bulk_log", logs=some)
        trackio.call("bulk_alert", alerts=[alert])
        trackio.call("bulk_log_system", logs=[system])
    events = api.events(run["run_id"])
    assert sorted(e["value"] for e in events if e["metric"] == "m") == [0.0, 0.25, 0.5, 0.75]
    lines = {(line["level"], line["msg"]) for line in api.logs(run["run_id"])}
    assert lines == {("error", "ALERT Bad: loss")}
    assert len(api.logs(run["run_id"])) == 1
    assert sorted(e["iter"] for e in events if e["metric"] == "note") == [0, 1, 2, 3]
    monitored = {(e["metric"], e["variant"]) for e in events if e["metric"].startswith(":monitor")}
    assert monitored == {(":monitor:gpu", "gpu/0/power"), (":monitor:machine", "cpu")}


def test_values_of_every_kind_are_kept(trackio: Trackio, api: Api, run: Entry) -> None:
    image = {"_type": "trackio.image", "file_path": "p/r/0/a b.png", "caption": "c"}
    values = {
        "nan": "NaN",
        "huge": 1e300,
        "nested": {"a": {"b": 1}, "t": "text"},
        "image": image,
        "images": [image, image],
        "table": {"_type": "trackio.table", "_value": [{"a": 1, "b": {"c": 2}}, {"a": "x"}]},
        "histogram": {"_type": "trackio.histogram", "bins": [0, 1, 2], "values": [3, 4]},
        "markdown": {"_type": "trackio.markdown", "_value": "# title"},
        "list": [1, 2],
        "nothing": None,
    }
    trackio.call("bulk_log", logs=[entry(run, 7, **values)])
    events = api.events(run["run_id"])
    found = {e["metric"]: e for e in events if e["variant"] != "t"}
    assert found.keys() == values.keys() - {"nothing"}
    assert (found["nan"]["exact_value"], found["huge"]["exact_value"]) == ("NaN", "1e+300")
    assert (found["nested"]["variant"], found["nested"]["value"]) == ("a/b", 1.0)
    assert found["image"]["url"].endswith("/files/trackio/media/a%20b.png")
    assert found["image"]["caption"] == "c"
    assert len([e for e in events if e["metric"] == "images"]) == 2
    table = json.loads(found["table"]["plot_str"])["data"][0]
    assert table["cells"]["values"] == [[1, "x"], ['{"c": 2}', None]]
    bars = json.loads(found["histogram"]["plot_str"])["data"][0]
    assert (bars["x"], bars["y"]) == ([0.5, 1.5], [3, 4])
    (nested,) = (e for e in events if e["variant"] == "t")
    texts = [json.loads(e["plot_str"])["data"][0] for e in (nested, found["markdown"], found["list"])]
    assert [text["cells"]["values"] for text in texts] == [[["text"]], [["# title"]], [["[1,2]"]]]


def test_a_run_is_resumed_behind_its_last_step(trackio: Trackio, run: Entry) -> None:
    asked = {"project": run["project"], "run_id": run["run_id"]}
    assert trackio.call("get_run_summary", **asked)["last_step"] is None
    trackio.call("bulk_log", logs=[entry(run, 41, m=1.0) | {"config": {"a": 1, "_b": 2}}])
    summary = trackio.call("get_run_summary", **asked)
    assert (summary["last_step"], summary["run"], summary["config"]) == (41, "a run", {"a": "1"})


def test_runs_without_an_id_are_known_by_their_names(trackio: Trackio) -> None:
    run = {"project": f"project {secrets.token_hex(4)}", "run": "r"}
    trackio.call("bulk_log", logs=[entry(run, 0, m=1.0), entry(run | {"run": "s"}, 0, m=1.0)])
    trackio.call("bulk_log", logs=[entry(run, 1, m=1.0)])
    assert sorted(one["name"] for one in trackio.call("get_runs_for_project", project=run["project"])) == ["r", "s"]
    assert trackio.call("get_run_summary", project=run["project"], run="r")["last_step"] == 1


def test_files_are_sent_and_fetched(trackio: Trackio, api: Api, eventide: Deployment, run: Entry) -> None:
    name = f"{uuid.uuid4()}.png"
    path = trackio.upload(name, b"picture")
    upload = run | {"step": 0, "relative_path": None, "uploaded_file": {"path": path, "orig_name": name}}
    trackio.call("bulk_upload_media", uploads=[upload])
    assert trackio.fail("bulk_upload_media", uploads=[run | {"uploaded_file": {"path": "/etc/passwd"}}]) == 400
    image = {"_type": "trackio.image", "file_path": f"{run['project']}/a run/0/{name}", "caption": None}
    trackio.call("bulk_log", logs=[entry(run, 0, picture=image)])
    (event,) = api.events(run["run_id"])
    assert event["url"].endswith(f"/files/{path}")
    assert api.credentials
    fetched = httpx.get(f"{eventide.files}/{path}", headers=basic(api.credentials))
    assert (fetched.status_code, fetched.content) == (200, b"picture")
    assert trackio.upload("../../notes.txt", b"x").startswith("trackio/files/")
    assert httpx.post(f"{eventide.files}/api/upload", files={"files": ("a", b"x")}).json().keys() == {"error"}


def test_another_companys_runs_do_not_exist(trackio: Trackio, stranger: Api, eventide: Deployment, run: Entry) -> None:
    trackio.call("bulk_log", logs=[entry(run, 0, m=1.0)])
    other = Trackio(stranger, eventide.files)
    assert other.call("get_runs_for_project", project=run["project"]) == []
    asked = {"project": run["project"], "run_id": run["run_id"]}
    assert other.call("get_run_summary", **asked)["last_step"] is None
    for call, field in (("bulk_log", "logs"), ("bulk_alert", "alerts")):
        made = entry(run, 1, m=2.0) | {"title": "t", "level": "info", "config": {"a": 1}}
        assert other.fail(call, **{field: [made]}) == 400
    system = run | {"metrics": {"gpu": 1.0}, "timestamp": "2026-01-02T03:04:05+00:00"}
    assert other.fail("bulk_log_system", logs=[system]) == 400
    assert trackio.call("get_run_summary", **asked)["last_step"] == 0


def test_what_is_wrong_or_lacking_is_told(trackio: Trackio, api: Api, run: Entry) -> None:
    assert trackio.fail("artifact_log", project="p") == 404
    wrongs = [{}, run | {"metrics": []}, entry(run, 1) | {"step": "x"}, entry(run | {"run": ""}, 1)]
    for wrong in (*wrongs, entry(run, 2**70, m=1)):
        assert trackio.fail("bulk_log", logs=[wrong]) == 400
    assert trackio.fail("bulk_log_system", logs=[run | {"metrics": {}, "timestamp": "yesterday"}]) == 400
    answer = api.ask(f"{api.origins.gateway}/api/bulk_log", {}, headers={"x-trackio-write-token": "a:b"}, auth=False)
    assert (answer.status_code, answer.json().keys()) == (401, {"error"})


def test_a_token_and_a_key_that_reports_are_enough(api: Api, eventide: Deployment, run: Entry) -> None:
    made = api.call("auth.create_credentials", scope="write")["credentials"]
    reporter = Api(eventide.origins, Credentials(made["access_key"], made["secret_key"]))
    Trackio(reporter, eventide.files).call("bulk_log", logs=[entry(run, 0, m=1.0)])
    url, headers = f"{api.origins.query}/api/get_runs_for_project", {"x-trackio-write-token": reporter.token}
    answer = api.ask(url, {"kwargs": {"project": run["project"]}}, headers=headers, auth=False)
    assert [one["id"] for one in answer.json()["data"]] == [run["run_id"]]
