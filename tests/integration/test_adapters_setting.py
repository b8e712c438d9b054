"""``EVENTIDE_ADAPTERS``: which protocols of other SDKs are spoken."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from deploy.adapters import DIALECTS, dialects, silent
from schema.errors import ConfigError
from schema.settings import Settings
from tests.harness.api import Api
from tests.harness.deployment import embedded

MLFLOW = ("/api/2.0/mlflow/experiments/search", "/mlflow.experiments_search", "/api/2.0/mlflow/runs/create")


def test_all_are_spoken_unless_said_otherwise() -> None:
    assert [dialect.name for dialect in dialects(Settings())] == list(DIALECTS)
    assert silent(Settings()) == set()
    assert silent(Settings(adapters="")) == DIALECTS.keys()


def test_a_name_of_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="EVENTIDE_ADAPTERS: nothing; there are mlflow, trackio, wandb"):
        dialects(Settings(adapters="mlflow, nothing"))


def test_a_protocol_that_is_not_spoken_does_not_exist(tmp_path: Path) -> None:
    with embedded(tmp_path, {"ADAPTERS": ""}) as deployment, Api(deployment.origins, deployment.credentials) as api:
        statuses = {path: api.ask(f"{api.origins.query}{path}", {}).status_code for path in MLFLOW}
        assert statuses == {MLFLOW[0]: 400, MLFLOW[1]: 404, MLFLOW[2]: 400}  # paths of no call are 400
        for origin in (deployment.files, api.origins.query):
            url = f"{origin}/api/2.0/mlflow-artifacts/artifacts/a/b"
            assert httpx.put(url, headers={"Authorization": f"Bearer {api.token}"}, content=b"x").status_code >= 400
        assert api.ask(f"{api.origins.query}/api/bulk_log", {}).status_code == 400
        assert "mlflow." not in api.ask(f"{api.origins.query}/openapi.json", method="GET").text
