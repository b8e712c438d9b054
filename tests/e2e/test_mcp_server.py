"""``eventide mcp`` by the official library's own client, which starts it as agents do: tools on stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcp import Client, StdioServerParameters

from deploy.runs.digest_table import MAX_TOKENS, tokens
from tests.harness.api import Api, Credentials
from tests.harness.deployment import ROOT, Deployment
from tests.harness.events import log, scalar

PROJECT = "read by agents"
RUNS, POINTS = 50, 200
SECONDS = 60


@pytest.fixture(scope="module")
def tasks(api: Api) -> list[str]:
    """Fifty runs, of which the last spikes and its log has a traceback."""
    project = api.call("projects.create", name=PROJECT)["id"]
    random, made = np.random.default_rng(5), []
    for number in range(RUNS):
        losses = 0.1 * number + 3 / np.sqrt(np.arange(1, POINTS + 1)) + 0.01 * random.standard_normal(POINTS)
        if number == RUNS - 1:
            losses[123] = 1234.5678
        given = {"General": {"lr": {"section": "General", "name": "lr", "value": str(number)}}}
        made.append(api.create_task(f"run {number}", project=project, hyperparams=given))
        api.add(*(scalar(made[-1], step, value, "loss", "train/all") for step, value in enumerate(losses.tolist())))
    api.add(*(log(made[-1], f"line {number}", timestamp=1000 + number) for number in range(5)))
    return made


def parameters(deployment: Deployment, keys: Credentials | None = None) -> StdioServerParameters:
    keys = keys or deployment.credentials
    own = {"CLEARML_API_ACCESS_KEY": keys.access_key, "CLEARML_API_SECRET_KEY": keys.secret_key}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EVENTIDE", "CLEARML"))}
    environment = kept | own | {"CLEARML_API_HOST": deployment.origins.query, "EVENTIDE_LOG_LEVEL": "warning"}
    return StdioServerParameters(command=sys.executable, args=["-m", "deploy", "mcp"], env=environment, cwd=Path(ROOT))


def asked(given: StdioServerParameters, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """What the tools answer, over one connection: their structure, or the text of an error."""

    async def ask() -> list[Any]:
        async with Client(given) as client:
            results = [await client.call_tool(name, fields) for name, fields in calls]
        return [_answer(result) for result in results]

    return asyncio.run(asyncio.wait_for(ask(), SECONDS))


def _answer(result: Any) -> Any:
    if result.is_error:
        return f"error: {result.content[0].text}"
    found = result.structured_content
    return found["result"] if set(found) == {"result"} else found


def test_all_tools_only_read(eventide: Deployment) -> None:
    async def listed() -> Any:
        async with Client(parameters(eventide)) as client:
            return (await client.list_tools()).tools

    tools = asyncio.run(asyncio.wait_for(listed(), SECONDS))
    assert {tool.name for tool in tools} == {"find_runs", "show_run", "digest_runs", "compare_runs", "read_log"}
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)


def test_an_agent_finds_digests_and_compares_runs(eventide: Deployment, tasks: list[str]) -> None:
    odd, curve = tasks[-1], "loss/train/all"
    found, table, shown, compared, page = asked(
        parameters(eventide),
        ("find_runs", {"filter": "lr >= 48", "project": PROJECT, "columns": ["name", "lr"], "order_by": "name"}),
        ("digest_runs", {"metric": curve, "project": PROJECT}),
        ("show_run", {"run": odd[-8:]}),
        ("compare_runs", {"runs": tasks[:2]}),
        ("read_log", {"run": odd, "lines": 2, "before": 1004}),
    )
    assert found["runs"] == [{"id": task, "name": f"run {n}", "lr": str(n)} for n, task in ((48, tasks[48]), (49, odd))]
    rows = {line.split()[0]: line for line in table.splitlines()[1:]}
    assert set(rows) == {task[-8:] for task in tasks}
    assert tokens(table) <= MAX_TOKENS
    assert "@123" in rows[odd[-8:]]
    assert [task for task, line in rows.items() if "spike" in line] == [odd[-8:]]
    assert shown["curves"][curve]["max"] == {"step": 123, "value": 1234.5678}
    assert compared["hyperparams"] == {"General/lr": ["0", "1"]}
    assert [line["msg"] for line in page["lines"]] == ["line 2", "line 3"]


def test_what_cannot_be_answered_is_an_error_that_the_agent_can_read(eventide: Deployment, tasks: list[str]) -> None:
    stranger = eventide.add_user("strangers to agents", "stranger")
    (filtered,) = asked(parameters(eventide), ("find_runs", {"filter": "lr <"}))
    assert "a value is expected" in filtered
    foreign, keyless = (
        asked(parameters(eventide, keys), ("show_run", {"run": tasks[0]}))[0]
        for keys in (stranger, Credentials("no", "key"))
    )
    assert foreign.startswith("error: ")
    assert tasks[0] in foreign
    assert "401" in keyless
