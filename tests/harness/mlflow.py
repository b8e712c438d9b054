"""A client of MLflow's REST protocol, as its SDK calls it: with Basic credentials, at the tier that answers."""

from __future__ import annotations

import json
from typing import Any

import httpx

from schema.adapters.mlflow import MlflowDialect
from tests.harness.access import basic
from tests.harness.api import Api, Data
from tests.harness.plain import plain_client

DIALECT = MlflowDialect()


class Mlflow:
    """Calls as the user of an ``Api``. ``files``: where the artifacts are."""

    def __init__(self, api: Api, files: str = "") -> None:
        assert api.credentials
        self._origins, self._files = api.origins, files
        self._client = plain_client(timeout=60, headers=basic(api.credentials))

    def raw(self, call: str, method: str = "POST", **options: Any) -> httpx.Response:
        """The response to a call, such as ``runs/create``; ``options`` are httpx's."""
        path = f"/api/2.0/mlflow/{call}"
        return self._client.request(method, f"{self._origins.of(_endpoint(method, path))}{path}", **options)

    def call(self, call: str, method: str = "POST", **fields: Any) -> Data:
        """The answer to a call that succeeds; fields are sent as JSON, or, by GET, as a query string."""
        sent = {"params": fields} if method == "GET" else {"json": fields}
        return answer_of(self.raw(call, method, **sent))

    def get(self, call: str, **fields: Any) -> Data:
        """The answer to a call by GET."""
        return self.call(call, "GET", **fields)

    def fail(self, call: str, method: str = "POST", **fields: Any) -> tuple[int, str]:
        """Status and error code of a call that is refused."""
        sent = {"params": fields} if method == "GET" else {"json": fields}
        return failure_of(self.raw(call, method, **sent))

    def artifact(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The response to a request for an artifact, or, with ``params``, for a folder's list."""
        url = f"{self._files}/api/2.0/mlflow-artifacts/artifacts{path}"
        return self._client.request(method, url, **options)

    def run(self, name: str = "a run", **fields: Any) -> str:
        """The id of a new run, in the default experiment unless the fields say otherwise."""
        return str(self.call("runs/create", run_name=name, **fields)["run"]["info"]["run_id"])

    def metrics(self, run: str) -> dict[str, Any]:
        """The latest values of a run."""
        return {metric["key"]: metric["value"] for metric in self.get("runs/get", run_id=run)["run"]["data"]["metrics"]}

    def history(self, run: str, key: str) -> list[tuple[int, Any, int]]:
        """Step, value and timestamp of every point of a metric."""
        found = self.get("metrics/get-history", run_id=run, metric_key=key)["metrics"]
        return [(metric["step"], metric["value"], metric["timestamp"]) for metric in found]


def answer_of(response: httpx.Response) -> Data:
    """The body of a successful response, which has no envelope."""
    assert response.status_code == 200, response.text
    body: Data = response.json()
    assert "meta" not in body
    return body


def failure_of(response: httpx.Response) -> tuple[int, str]:
    """Status and error code of a refusal in MLflow's form."""
    body = json.loads(response.content)
    assert body.keys() == {"error_code", "message"}, body
    assert body["message"]
    return response.status_code, body["error_code"]


def _endpoint(method: str, path: str) -> str:
    try:
        return DIALECT.address(method, path).endpoint
    except Exception:
        return ""
