"""List calls over HTTP with 100 000 tasks in the registry: SQLite and, where it is installed, PostgreSQL."""

from __future__ import annotations

import random
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from schema.registry import TASKS, Document, Registry, split
from schema.registry.documents import terms_of
from tests.bench.bench import Bench
from tests.bench.measure import Figure, milliseconds, percentile
from tests.harness.api import Api
from tests.harness.deployment import embedded
from tests.integration.registries import run
from tests.servers.postgres import PostgresServer
from tests.servers.process import Unavailable

COUNT = 100_000
GOALS = {"tasks.get_by_id": 5.0, "tasks.get_all": 50.0}
STATUSES = ("created", "completed", "failed", "in_progress")
TABLE = {"only_fields": ["id", "name", "status", "last_update", "tags", "project", "last_iteration"], "page_size": 30}
NOT_ARCHIVED = ["__$not", "archived", "__$not", "pipeline"]


def measure(bench: Bench) -> None:
    """Fill, ask."""
    with TemporaryDirectory(prefix="eventide-bench-") as directory:
        _measure(bench, Path(directory), "SQLite", f"sqlite:///{directory}/data/registry.db", {})
    try:
        with (
            TemporaryDirectory(prefix="eventide-bench-") as directory,
            PostgresServer(Path(directory) / "postgres.log") as server,
        ):
            _measure(bench, Path(directory), "PostgreSQL", server.url, {"REGISTRY_URL": server.url})
    except Unavailable as error:
        print(f"without PostgreSQL: {error}")


def _measure(bench: Bench, directory: Path, name: str, url: str, settings: dict[str, str]) -> None:
    with embedded(directory, settings) as deployment, Api(deployment.origins, deployment.credentials) as api:
        company = api.call("users.get_current_user")["user"]["company"]["id"]
        project = api.call("projects.create", name="bench")["id"]
        documents = [document(number, company, project) for number in range(bench.times(COUNT))]
        fill(url, documents)
        for what, action, body in requests(documents, project):
            taken = milliseconds(lambda action=action, body=body: api.call(action, body))  # type: ignore[misc]
            figure = Figure(f"{action} {what}, {name}", percentile(taken, 50), "ms", GOALS.get(action))
            bench.results.add(figure)


def document(number: int, company: str, project: str) -> Document:
    """A task as the SDK makes it, of a few kB."""
    second = f"2026-01-{number // 86_400 % 28 + 1:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
    moment = f"{second}.{number % 1_000_000:06}+00:00"
    parameters = {f"p{i}": {"section": "Args", "name": f"p{i}", "value": str(i)} for i in range(10)}
    return {
        "id": uuid.uuid4().hex,
        "company": company,
        "name": f"experiment {number}",
        "type": "training",
        "status": random.choice(STATUSES),
        "project": project,
        "created": moment,
        "last_update": moment,
        "last_change": moment,
        "tags": [f"tag {number % 50}"],
        "system_tags": ["development"] + (["archived"] if number % 10 == 0 else []),
        "script": {"diff": "x" * 1500},
        "hyperparams": {"Args": parameters},
    }


def fill(url: str, documents: list[Document]) -> None:
    """Store them all, past the API."""
    rows, bodies, terms = [], [], []
    for one in documents:
        row, body = split(TASKS, one)
        rows.append(row)
        bodies.append({"id": one["id"], "body": body})
        terms += [{"id": one["id"], "field": field, "value": value} for field, value in terms_of(TASKS, one)]

    def insert(connection: sa.Connection) -> None:
        for table, values in ((TASKS.rows, rows), (TASKS.bodies, bodies), (TASKS.terms, terms)):
            connection.execute(sa.insert(table), values)

    registry = Registry(url)
    run(registry._write(insert))
    run(registry.close())


def requests(documents: list[Document], project: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What the SDK and the web application ask for."""
    one = documents[len(documents) // 2]
    table = {"only_fields": ["id", "name", "status", "last_update", "tags", "project", "last_iteration"]}
    table |= {"page_size": 30}
    newest = table | {"order_by": ["-last_update"]}
    active = {"system_tags": ["__$not", "archived", "__$not", "pipeline"], "size": 30}
    return [
        ("", "tasks.get_by_id", {"task": one["id"]}),
        ("by id", "tasks.get_all", {"id": [one["id"]], "only_fields": ["status", "status_message", "id"]}),
        ("by exact name", "tasks.get_all", table | {"name": "^experiment\\ 777$", "project": [project]}),
        ("by part of a name", "tasks.get_all", table | {"name": "777"}),
        ("by pattern", "tasks.get_all", table | {"name": "experiment 77[78]$"}),
        ("newest of a project", "tasks.get_all", newest | {"project": [project]}),
        ("newest of a status", "tasks.get_all", newest | {"status": ["in_progress"]}),
        ("newest of a tag", "tasks.get_all", newest | {"tags": ["tag 7"]}),
        ("page 100", "tasks.get_all", table | {"project": [project], "page": 100}),
        ("whole documents", "tasks.get_all", {"project": [project], "page_size": 30}),
        ("newest not archived", "tasks.get_all_ex", newest | active),
    ]
