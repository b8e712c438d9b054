"""List calls over HTTP with 100 000 tasks in the registry: SQLite and, where it is installed, PostgreSQL.

10 000 more have scalars: they are listed as the web application does it, with columns of metrics, and sorted by one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from ingest.registry.ids import new_id
from query.cache.statistics import md5
from schema.events.tables import SCALAR
from schema.registry import TASKS, Document, Registry, split
from schema.registry.documents import terms_of
from tests.bench.bench import Bench, Service
from tests.bench.load import send_all, settle
from tests.bench.measure import Figure, milliseconds, percentile
from tests.bench.reference import ARROW, METRICS, START_MS, arrow_stream
from tests.harness.api import Api
from tests.harness.deployment import embedded
from tests.integration.registries import run
from tests.servers.postgres import PostgresServer
from tests.servers.process import Unavailable

COUNT = 100_000
GOALS = {"tasks.get_by_id": 5.0, "tasks.get_all": 50.0}
WITH_SCALARS, PER_REQUEST, STEPS, COLUMN_MS = 10_000, 500, 5, 150
SHOWN = """
name status system_tags project.name company last_change last_update started last_iteration tags user.name
runtime.progress type parent.name parent.project.id parent.project.name
"""
STATUSES = ("created", "completed", "failed", "in_progress")
NOT_HIDDEN = ["__$not", "archived", "__$not", "pipeline", "__$not", "dataset", "__$not", "reports"]


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
            taken = milliseconds(partial(api.call, action, body))
            figure = Figure(f"{action} {what}, {name}", percentile(taken, 50), "ms", GOALS.get(action))
            bench.results.add(figure)
        _columns(bench, Service(deployment, api, directory), name, url, company)


def _columns(bench: Bench, service: Service, name: str, url: str, company: str) -> None:
    """The web application's table of tasks that have reported 50 metrics each, some of which are columns."""
    project = service.api.call("projects.create", name="columns")["id"]
    documents = [document(number, company, project) for number in range(bench.times(WITH_SCALARS))]
    fill(url, documents)
    tasks = [one["id"] for one in documents]
    parts = [tasks[start : start + PER_REQUEST] for start in range(0, len(tasks), PER_REQUEST)]
    send_all(service.clients(2), [scalars(part) for part in parts], ARROW)
    settle(service.pids("up"))
    for what, body in tables(project):
        ask = partial(service.api.call, "tasks.get_all_ex", body)
        first, *taken = milliseconds(ask, warm=0)
        about = f"table of {len(tasks)} with columns {what}"
        bench.results.add(Figure(f"{about}, {name}", percentile(taken, 50), "ms", COLUMN_MS))
        if what == "by a metric":
            bench.results.add(Figure(f"{about}, first time, {name}", first, "ms"))


def scalars(tasks: list[str]) -> bytes:
    """An Arrow stream: some steps of every metric of every task."""
    count = len(tasks) * len(METRICS) * STEPS
    task, metric, step = np.unravel_index(np.arange(count), (len(tasks), len(METRICS), STEPS))
    texts: dict[str, tuple[Any, Sequence[str]]] = {"task": (task, tasks), "metric": (metric, METRICS)}
    texts |= {name: (np.zeros(count), [value]) for name, value in (("type", SCALAR), ("variant", "train"))}
    columns = {
        name: pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), values)
        for name, (places, values) in texts.items()
    }
    numbers = {"iter": step, "timestamp": START_MS + step * 1000, "value": np.random.default_rng().random(count)}
    return arrow_stream(pa.table(columns | numbers))


def tables(project: str) -> list[tuple[str, dict[str, Any]]]:
    """What the web application asks for to show its table, sorted and filtered."""
    first, *others = (f"last_metrics.{md5(metric)}.{md5('train')}.value" for metric in METRICS[:5])
    table = {"project": [project], "id": [], "type": [], "user": [], "system_tags": NOT_HIDDEN, "size": 30}
    table |= {"scroll_id": None, "refresh_scroll": True, "include_subprojects": True, "search_hidden": False}
    table |= {"only_fields": [*SHOWN.split(), first, *others], "order_by": ["-last_update"]}
    searched = {"pattern": "experiment 77", "fields": ["id", "name", "comment", "system_tags"]}
    by_metric = {"order_by": [f"-{first}"]}
    return [
        ("by last update", table),
        ("by a metric", table | by_metric),
        ("by a metric, then name", table | {"order_by": [f"-{first}", "name"]}),
        ("of a range of a metric", table | {first: [0.5, None]}),
        ("by a metric, searched", table | by_metric | {"_any_": searched}),
    ]


def document(number: int, company: str, project: str) -> Document:
    """A task as the SDK makes it, of a few kB."""
    second = f"2026-01-{number // 86_400 % 28 + 1:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
    moment = f"{second}.{number % 1_000_000:06}+00:00"
    parameters = {f"p{i}": {"section": "Args", "name": f"p{i}", "value": str(i)} for i in range(10)}
    return {
        "id": new_id(),
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
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE")  # as it does by itself within a minute

    registry = Registry(url)
    run(registry._write(insert))
    run(registry.close())


def requests(documents: list[Document], project: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What the SDK and the web application ask for."""
    one = documents[len(documents) // 2]
    table: dict[str, Any] = {
        "only_fields": ["id", "name", "status", "last_update", "tags", "project", "last_iteration"]
    }
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
