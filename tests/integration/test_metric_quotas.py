"""Metrics of tasks are counted in the registry, by any number of gateways, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.metric_quotas import MetricQuotas
from ingest.parsing.batch import Batch, read_events
from schema.api.wire import Caller
from schema.errors import QuotaExceeded
from schema.events.normalize import Mention, ParseContext
from schema.quotas.kinds import Kind, Scope
from schema.quotas.ledger import QuotaLedger
from schema.quotas.limits import Limits
from schema.registry import TASKS, Entity, Quota, Registry, iso_now
from tests.integration.registries import DATABASES, registry_on, run

LIMIT = 100
ANN = Caller("ann", "c", "user")
MANY = 30_000  # more than are read on the loop, and than are stored by one statement


@pytest.fixture(params=DATABASES)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    with registry_on(request.param, tmp_path, request) as made:
        yield made


def gateway(registry: Registry, limit: int = LIMIT, scope: Scope = Scope.COMPANY, of: str = "c") -> MetricQuotas:
    """A gateway of its own, with one limit."""
    ledger = QuotaLedger(registry)
    ledger.limits = Limits([Quota("c", scope, of, Kind.METRICS_PER_TASK, limit)])
    return MetricQuotas(ledger, registry)


def batch_of(first: int, last: int, tasks: tuple[str, ...] = ("t",), **fields: Any) -> Batch:
    """One event of each of some metrics, of each task."""
    common = {"type": "training_stats_scalar", "iter": 0, "value": 1.0, "variant": "v"} | fields
    lines = [common | {"task": task, "metric": f"m{n}"} for task in tasks for n in range(first, last)]
    return read_events(lines, ParseContext(now_ms=1))


def admit(quotas: MetricQuotas, batch: Batch, caller: Caller = ANN, project: str = "p") -> None:
    run(quotas.admit(caller, batch, {mention: entity_of(mention, project) for mention in batch.entities.values()}))


def entity_of(mention: Mention, project: str) -> Entity:
    return Entity(mention.id, "", "created", "c", "c", False, project)


@pytest.mark.parametrize("step", [5, 50], ids=["plain rows", "columns"])
def test_metrics_are_taken_up_to_the_limit_and_known_ones_beyond(registry: Registry, step: int) -> None:
    quotas = gateway(registry)
    for first in range(0, LIMIT, step):
        admit(quotas, batch_of(first, first + step))
    with pytest.raises(QuotaExceeded, match="quota of this company, 100 metrics of a task: 100 are used"):
        admit(quotas, batch_of(LIMIT - 1, LIMIT + 1))
    admit(quotas, batch_of(0, LIMIT))
    admit(quotas, batch_of(0, LIMIT, ("another",)))


def test_gateways_and_restarts_see_the_same_metrics(registry: Registry) -> None:
    one, other = gateway(registry), gateway(registry)
    admit(one, batch_of(0, 60))
    admit(other, batch_of(40, 100))
    for quotas in (one, other, gateway(registry)):
        with pytest.raises(QuotaExceeded):
            admit(quotas, batch_of(100, 101))
        admit(quotas, batch_of(0, 100))


def test_a_batch_that_is_refused_leaves_nothing(registry: Registry) -> None:
    quotas = gateway(registry)
    with pytest.raises(QuotaExceeded):
        admit(quotas, batch_of(0, LIMIT + 1, ("t", "u")))
    admit(quotas, batch_of(500, 500 + LIMIT, ("t", "u")))


def test_deleted_events_make_room(registry: Registry) -> None:
    quotas = gateway(registry)
    admit(quotas, batch_of(0, LIMIT, ("t", "kept")))
    run(quotas.forget(["t", "unknown"]))
    admit(quotas, batch_of(200, 200 + LIMIT))
    with pytest.raises(QuotaExceeded):
        admit(quotas, batch_of(LIMIT, LIMIT + 1, ("kept",)))


def test_the_smallest_limit_holds_and_others_have_none(registry: Registry) -> None:
    for scope, of in ((Scope.USER, "ann"), (Scope.PROJECT, "p")):
        with pytest.raises(QuotaExceeded, match=f"of this {scope}"):
            admit(gateway(registry, 5, scope, of), batch_of(0, 6))
    admit(gateway(registry, 5, Scope.PROJECT, "other"), batch_of(0, 6))
    admit(gateway(registry, 5, Scope.USER, "bob"), batch_of(0, 6))
    assert run(registry.most_metrics("c", "company", "c")) == 0


def test_logs_have_no_metrics(registry: Registry) -> None:
    admit(gateway(registry, 0), batch_of(0, 20, type="log", msg="line"))


def test_many_metrics_are_counted(registry: Registry) -> None:
    quotas = gateway(registry, MANY)
    task = {"id": "t", "company": "c", "user": "ann", "project": "p", "name": "n", "type": "training"}
    run(registry.create(TASKS, task | {"status": "created", "created": iso_now(), "last_update": iso_now()}))
    admit(quotas, batch_of(0, MANY))
    with pytest.raises(QuotaExceeded, match=f"{MANY} are used"):
        admit(quotas, batch_of(MANY, MANY + 1))
    for field, value in (("company", "c"), ("user", "ann"), ("project", "p")):
        assert run(registry.most_metrics("c", field, value)) == MANY
