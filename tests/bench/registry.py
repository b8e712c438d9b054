"""How long list calls take over HTTP with many tasks in the registry: ``python -m tests.bench.registry [COUNT]``.

Prints the median and the slowest of some requests of each kind, in ms, against ``eventide up`` on SQLite.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from schema.registry import TASKS, Document, Registry, split
from schema.registry.documents import terms_of
from tests.harness.api import Api
from tests.harness.deployment import embedded
from tests.integration.registries import run

REQUESTS = 30
STATUSES = ("created", "completed", "failed", "in_progress")
TABLE = {"only_fields": ["id", "name", "status", "last_update", "tags", "project", "last_iteration"], "page_size": 30}
NOT_ARCHIVED = ["__$not", "archived", "__$not", "pipeline"]


def main() -> None:
    """Fill, ask, print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with (
        tempfile.TemporaryDirectory() as directory,
        embedded(Path(directory)) as deployment,
        Api(deployment.origins, deployment.credentials) as api,
    ):
        company = api.call("users.get_current_user")["user"]["company"]["id"]
        project = api.call("projects.create", name="bench")["id"]
        documents = [document(number, company, project) for number in range(count)]
        fill(f"sqlite:///{directory}/data/registry.db", documents)
        for action, body in requests(documents, project):
            measure(api, action, body)


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


def requests(documents: list[Document], project: str) -> list[tuple[str, dict[str, Any]]]:
    """What the SDK and the web application ask for."""
    one = documents[len(documents) // 2]
    return [
        ("tasks.get_by_id", {"task": one["id"]}),
        ("tasks.get_all", {"id": [one["id"]], "only_fields": ["status", "status_message", "id"]}),
        ("tasks.get_all", {"name": "^experiment\\ 777$", "project": [project]} | TABLE),
        ("tasks.get_all", {"name": "^experiment\\ 777$"} | TABLE),
        ("tasks.get_all", {"name": "777"} | TABLE),
        ("tasks.get_all", {"name": "experiment 77[78]$"} | TABLE),
        ("tasks.get_all", {"project": [project], "order_by": ["-last_update"]} | TABLE),
        ("tasks.get_all", {"status": ["in_progress"], "order_by": ["-last_update"]} | TABLE),
        ("tasks.get_all", {"tags": ["tag 7"], "order_by": ["-last_update"]} | TABLE),
        ("tasks.get_all", {"project": [project], "page": 100} | TABLE),
        ("tasks.get_all", {"project": [project], "page_size": 30}),
        ("tasks.get_all_ex", {"system_tags": NOT_ARCHIVED, "order_by": ["-last_update"], "size": 30} | TABLE),
        ("tasks.get_all_ex", {"order_by": ["-name"], "project": [project]} | TABLE),
    ]


def measure(api: Api, action: str, body: dict[str, Any]) -> None:
    """Print how long a call takes, in ms."""
    milliseconds = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        answer = api.call(action, body)
        milliseconds.append((time.perf_counter() - started) * 1000)
    found = len(answer.get("tasks", [1]))
    shown = {name: value for name, value in body.items() if name not in TABLE}
    print(f"{statistics.median(milliseconds):7.1f} {max(milliseconds):7.1f}  {found:4d}  {action} {shown}")


if __name__ == "__main__":
    main()
