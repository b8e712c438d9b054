"""``schema/adapters/mlflow.py``: which endpoint an address of MLflow's is, and the form of errors."""

from __future__ import annotations

import json

import pytest

from schema.adapters.mlflow import MlflowDialect
from schema.errors import (
    BadToken,
    EventsError,
    InvalidTask,
    OutOfScope,
    RateExceeded,
    StoreRejected,
    Unavailable,
    UnknownEndpoint,
)

DIALECT = MlflowDialect()


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "parameters"),
    [
        ("POST", "/api/2.0/mlflow/runs/log-batch", "mlflow.runs_log_batch", {}),
        ("GET", "/ajax-api/2.0/mlflow/metrics/get-history/", "mlflow.metrics_get_history", {}),
        ("POST", "/api/2.0/mlflow/logged-models", "mlflow.logged_models_create", {}),
        ("POST", "/api/2.0/mlflow/logged-models/search", "mlflow.logged_models_search", {}),
        ("GET", "/api/2.0/mlflow/logged-models/m-1", "mlflow.logged_models_get", {"model_id": "m-1"}),
        ("PATCH", "/api/2.0/mlflow/logged-models/m/tags", "mlflow.logged_models_set_tags", {"model_id": "m"}),
    ],
)
def test_an_address_names_an_endpoint(method: str, path: str, endpoint: str, parameters: dict[str, str]) -> None:
    assert DIALECT.owns(path)
    found = DIALECT.address(method, path)
    assert (found.endpoint, found.parameters) == (endpoint, parameters)


@pytest.mark.parametrize(
    "path",
    ["/mlflow.runs_create", "/api/v2.30/tasks.create", "/api/2.0/mlflow-artifacts/a", "/x/api/2.0/mlflow/a/b"],
)
def test_other_addresses_are_not_mlflows(path: str) -> None:
    assert not DIALECT.owns(path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "logged-models/m"),
        ("GET", "logged-models"),
        ("POST", "runs"),
        ("POST", "a/b/c"),
        ("POST", "a%2fb"),
        ("GET", ""),
    ],
)
def test_what_names_nothing_is_not_supported(method: str, path: str) -> None:
    path = f"/api/2.0/mlflow/{path}"
    assert DIALECT.owns(path)
    with pytest.raises(UnknownEndpoint):
        DIALECT.address(method, path)


@pytest.mark.parametrize(
    ("error", "status", "code", "message"),
    [
        (InvalidTask("Invalid task id x"), 404, "RESOURCE_DOES_NOT_EXIST", "Invalid task id x"),
        (UnknownEndpoint("no call x"), 404, "ENDPOINT_NOT_FOUND", "Not supported by Eventide: no call x"),
        (BadToken("Invalid token"), 401, "UNAUTHENTICATED", "Invalid token"),
        (OutOfScope("no"), 403, "PERMISSION_DENIED", "no"),
        (RateExceeded("slowly", 3), 429, "REQUEST_LIMIT_EXCEEDED", "slowly"),
        (Unavailable("Kafka is away"), 503, "TEMPORARILY_UNAVAILABLE", "Kafka is away"),
        (StoreRejected("SELECT secret"), 500, "INTERNAL_ERROR", "Internal error"),
        (EventsError("a secret"), 500, "INTERNAL_ERROR", "Internal error"),
    ],
)
def test_errors_have_mlflows_form(error: EventsError, status: int, code: str, message: str) -> None:
    assert DIALECT.status(error) == status
    assert json.loads(DIALECT.body(b"{}", error)) == {"error_code": code, "message": message}


def test_answers_are_bare() -> None:
    assert DIALECT.body(b'{"a":1}', None) == b'{"a":1}'
