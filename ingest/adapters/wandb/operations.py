"""W&B's GraphQL operations, each of which its client sends as one fixed text: answered by their names.

The answers have all fields that the clients of the releases in docs/sdks.md ask for, and no others are known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from ingest.adapters.wandb.runs import OWN, STATE, Run, run_of, upsert
from ingest.adapters.wandb.stream import add_alert
from ingest.gateway import Gateway
from ingest.registry.documents import own_document
from ingest.registry.status import STOPPED
from schema.adapters.requests import TextRequest
from schema.adapters.wandb import ENTITY, UPLOADS
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidField, InvalidTask
from schema.registry import TASKS, Document

NAME = re.compile(r"(?:query|mutation)\s+(\w+)", re.A)
MAX_FILES = 10_000

Variables = dict[str, Any]
Operation = Callable[[Gateway, Caller, Variables], Awaitable[Answer]]

endpoints = Endpoints(Tier.GATEWAY)


class GraphqlRequest(TextRequest):
    """A GraphQL document with the values of its variables."""

    query: str = ""
    operationName: str = ""
    variables: Variables = {}


@endpoints.add("wandb.graphql")
async def graphql(gateway: Gateway, caller: Caller, request: GraphqlRequest) -> Answer:
    """Answer an operation: ``{"data": …}``, or ``{"errors": …}`` for one that is not supported.

    Raises what the operation raises.
    """
    found = NAME.search(request.query)
    name = request.operationName or (found[1] if found else "")
    if name not in OPERATIONS:
        return {"data": None, "errors": [{"message": f"Not supported by Eventide: {name or 'unnamed operation'}"}]}
    return {"data": await OPERATIONS[name](gateway, caller, request.variables)}


async def _viewer(gateway: Gateway, caller: Caller, told: Variables) -> Answer:
    user = {"id": caller.user, "entity": ENTITY, "username": caller.user_name, "email": "", "flags": "{}"}
    return {"viewer": user | {"admin": False, "teams": {"edges": [{"node": {"name": ENTITY}}]}}}


async def _server(gateway: Gateway, caller: Caller, told: Variables) -> Answer:
    return {"serverInfo": {"cliVersionInfo": {}, "latestLocalVersionInfo": None, "features": []}}


async def _resume_status(gateway: Gateway, caller: Caller, told: Variables) -> Answer:
    run = run_of(told.get("entity"), told.get("project"), told.get("name"))
    try:
        bucket = _bucket(run, await own_document(gateway, caller, TASKS, run.task_id(caller)))
    except InvalidTask:
        bucket = None
    return {"model": _project(run) | {"bucket": bucket}}


async def _upsert_bucket(gateway: Gateway, caller: Caller, told: Variables) -> Answer:
    run = run_of(told.get("entity"), told.get("project"), told.get("name"))
    task, is_new = await upsert(gateway, caller, run, told)
    bucket = _bucket(run, task) | {"project": _project(run)}
    return {"upsertBucket": {"bucket": bucket, "inserted": is_new}}


async def _create_run_files(gateway: Gateway, caller: Caller, told: Variables) -> Answer:
    """Return where files are to be put, with the client's own credentials, which it sends there only if told to."""
    run = run_of(told.get("entity"), told.get("project"), told.get("run"))
    task = await own_document(gateway, caller, TASKS, run.task_id(caller))
    names = told.get("files")
    if not isinstance(names, list) or len(names) > MAX_FILES or not all(isinstance(name, str) for name in names):
        raise InvalidField(f"files: at most {MAX_FILES} names are expected")
    folder = f"{caller.origin}{UPLOADS}/{task['id']}"
    files = [{"name": name, "uploadUrl": f"{folder}/{quote(name)}"} for name in names]
    headers = [f"Authorization:{caller.authorization}"]
    return {"createRunFiles": {"runID": task["id"], "uploadHeaders": headers, "files": files}}


async def _stopped_status(gateway: Gateway, caller: Caller, told: Variables) -> Answer:
    run = run_of(told.get("entityName"), told.get("projectName"), told.get("runId"))
    task = await own_document(gateway, caller, TASKS, run.task_id(caller))
    return {"project": {"run": {"stopped": task["status"] == STOPPED}}}


async def _alert(gateway: Gateway, caller: Caller, told: Variables) -> Answer:
    run = run_of(told.get("entityName"), told.get("projectName"), told.get("runName"))
    text = ": ".join(str(told[name]) for name in ("title", "text") if told.get(name))
    await add_alert(gateway, caller, run.task_id(caller), text, str(told.get("severity")))
    return {"notifyScriptableRunAlert": {"success": True}}


def _bucket(run: Run, task: Document) -> dict[str, Any]:
    """Return a run. A client that resumes it goes on behind the step of the last line of its history."""
    state = task.get(STATE) or {}
    summary, config = state.get("summary") or {}, state.get("config") or {}
    tail = {name: summary[name] for name in ("_step", "_runtime", "_timestamp") if name in summary}
    has_history = int("_step" in tail)
    return {
        "id": task["id"],
        "name": run.name,
        "displayName": task["name"],
        "description": None,
        "notes": task.get("comment") or None,
        "tags": task.get("tags") or [],
        "config": json.dumps({name: {"value": value} for name, value in config.items()}),
        "wandbConfig": json.dumps({"t": _telemetry(config)}),  # without it clients take the run for one never started
        "sweepName": None,
        "summaryMetrics": json.dumps(summary),
        "historyLineCount": has_history,
        "eventsLineCount": 0,
        "logLineCount": 0,
        "historyTail": json.dumps([json.dumps(tail)] if has_history else []),
        "eventsTail": json.dumps([json.dumps(tail)] if has_history else []),
    }


def _telemetry(config: Mapping[str, Any]) -> Any:
    own = config.get(OWN)
    return own.get("t", {}) if isinstance(own, dict) else {}


def _project(run: Run) -> dict[str, Any]:
    entity, _, name = run.project.rpartition("/")
    return {"id": run.project, "name": name, "entity": {"id": entity or ENTITY, "name": entity or ENTITY}}


OPERATIONS: dict[str, Operation] = {
    "CreateRunFiles": _create_run_files,
    "NotifyScriptableRunAlert": _alert,
    "RunResumeStatus": _resume_status,
    "RunStoppedStatus": _stopped_status,
    "ServerFeaturesQuery": _server,
    "ServerInfo": _server,
    "UpsertBucket": _upsert_bucket,
    "Viewer": _viewer,
}
