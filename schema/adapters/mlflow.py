"""MLflow's REST protocol: where its calls go, and the form of its errors.

A call ``/api/2.0/mlflow/runs/log-batch`` is the endpoint ``mlflow.runs_log_batch``; ``/ajax-api/`` are the same calls
for pages. Its artifacts, ``/api/2.0/mlflow-artifacts/``, are files (``schema/http/mlflow_artifacts.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from schema.api.dialect import Address, message_of
from schema.errors import (
    BadDocument,
    EventsError,
    FileMissing,
    InvalidModel,
    InvalidProject,
    InvalidTask,
    NotUnique,
    UnknownEndpoint,
)
from schema.json_encoding import to_json

PREFIX = re.compile(r"/(?:ajax-)?api/[23]\.0/mlflow/(?P<call>.*)", re.A | re.S)
CALL = re.compile(r"(?P<service>[a-z-]+)/(?P<action>[a-z-]+)", re.A)
MODEL = re.compile(r"logged-models(?:/(?P<model_id>[\w-]+)(?P<part>/tags|/params)?)?", re.A)
# By method and what follows the model's id; "search" is a call of its own.
MODEL_CALLS = {
    ("POST", ""): "create",
    ("GET", ""): "get",
    ("PATCH", ""): "finalize",
    ("PATCH", "/tags"): "set_tags",
    ("POST", "/params"): "log_params",
}
# The first that fits an error; others go by their HTTP status.
ERROR_CODES: tuple[tuple[type[EventsError], str], ...] = (
    (UnknownEndpoint, "ENDPOINT_NOT_FOUND"),
    (InvalidTask, "RESOURCE_DOES_NOT_EXIST"),
    (InvalidProject, "RESOURCE_DOES_NOT_EXIST"),
    (InvalidModel, "RESOURCE_DOES_NOT_EXIST"),
    (FileMissing, "RESOURCE_DOES_NOT_EXIST"),
    (NotUnique, "RESOURCE_ALREADY_EXISTS"),
    (BadDocument, "INVALID_PARAMETER_VALUE"),
)
CODES_BY_STATUS = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
}


class MlflowDialect:
    """The dialect of MLflow's clients."""

    name = "mlflow"

    def owns(self, path: str) -> bool:
        """Tell whether a path is one of MLflow's calls."""
        return PREFIX.fullmatch(path) is not None

    def address(self, method: str, path: str) -> Address:
        """Return the endpoint of a call. Raises UnknownEndpoint for what MLflow may know and Eventide does not."""
        found = PREFIX.fullmatch(path)
        call = found["call"].rstrip("/") if found else ""
        if (model := MODEL.fullmatch(call)) and model["model_id"] != "search":
            return _of_model(method, model)
        if not (named := CALL.fullmatch(call)):
            raise UnknownEndpoint(f"no call {path}")
        return Address(f"mlflow.{named['service']}_{named['action']}".replace("-", "_"))

    def authorization(self, headers: Mapping[str, str]) -> str | None:
        """Return None: credentials come in the usual header."""
        return None

    def status(self, error: EventsError) -> int:
        """Return the HTTP status of an error: MLflow's own for what is not there."""
        return 404 if error_code(error) == "RESOURCE_DOES_NOT_EXIST" else error.code

    def body(self, data: bytes, error: EventsError | None) -> bytes:
        """Return the answer as it is, or MLflow's form of an error."""
        if error is None:
            return data
        return to_json({"error_code": error_code(error), "message": message_of(error)})


def error_code(error: EventsError) -> str:
    """Return MLflow's name of an error."""
    named = next((code for kind, code in ERROR_CODES if isinstance(error, kind)), None)
    default = "INTERNAL_ERROR" if error.code >= 500 else "INVALID_PARAMETER_VALUE"
    return named or CODES_BY_STATUS.get(error.code, default)


def _of_model(method: str, found: re.Match[str]) -> Address:
    part = found["part"] or ""
    if (action := MODEL_CALLS.get((method, part))) is None or (action == "create") != (found["model_id"] is None):
        raise UnknownEndpoint(f"{method} of logged models{part}")
    parameters = {"model_id": found["model_id"]} if found["model_id"] else {}
    return Address(f"mlflow.logged_models_{action}", parameters)
