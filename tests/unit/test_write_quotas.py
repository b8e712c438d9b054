"""What a gateway lets pass, by a clock of the test's own."""

from __future__ import annotations

from typing import cast

import pytest

from ingest.metric_quotas import MetricQuotas
from ingest.parsing.batch import Batch, read_events
from ingest.quotas import Charge, WriteQuotas
from schema.api.wire import Caller
from schema.errors import QuotaExceeded, RateExceeded
from schema.events.normalize import Mention, ParseContext
from schema.quotas.kinds import Kind, Scope, Subject
from schema.quotas.ledger import QuotaLedger
from schema.quotas.limits import Limits
from schema.quotas.token_bucket import BURST_SECONDS
from schema.registry import Entity, Quota, Registry

RATE, BYTES = Kind.EVENTS_PER_SECOND, Kind.BYTES_PER_DAY
ANN, BOB = Caller("ann", "c", "user"), Caller("bob", "c", "user")
PROJECTS = {"t1": "p1", "t2": "p2", "t3": ""}
LIMIT = 10
BURST = int(LIMIT * BURST_SECONDS)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds


class Gate:
    """The quotas of one gateway, with limits that are given."""

    def __init__(self, *quotas: tuple[Scope, str, Kind, int]) -> None:
        self.clock = Clock()
        self.ledger = QuotaLedger(cast(Registry, None), now=self.clock)
        self.ledger.limits = Limits([Quota("c", scope, of, kind, limit) for scope, of, kind, limit in quotas])
        metrics = MetricQuotas(self.ledger, cast(Registry, None))
        self.quotas = WriteQuotas(self.ledger, metrics, self.clock)

    def send(self, caller: Caller, size_bytes: int = 100, **events: int) -> Charge:
        """Send so many events of each task."""
        self.quotas.check(caller)
        batch = batch_of(events)
        entities = {mention: entity_of(mention) for mention in batch.entities.values()}
        return self.quotas.charge(caller, size_bytes, batch, entities)


def batch_of(events: dict[str, int]) -> Batch:
    lines = [
        {"type": "training_stats_scalar", "task": task, "iter": n, "value": 1.0, "metric": "m", "variant": "v"}
        for task, count in events.items()
        for n in range(count)
    ]
    return read_events(lines, ParseContext(now_ms=1))


def entity_of(mention: Mention) -> Entity:
    return Entity(mention.id, "", "created", "c", "c", False, PROJECTS[mention.id])


def test_without_limits_nothing_is_counted() -> None:
    gate = Gate()
    assert not gate.quotas.is_limited
    assert gate.send(ANN, t1=5) == Charge()
    assert gate.ledger.used(BYTES, Subject(Scope.COMPANY, "c")) == 0


def test_a_user_is_made_to_wait_and_others_are_not() -> None:
    gate = Gate((Scope.USER, "ann", RATE, LIMIT))
    gate.send(ANN, t1=BURST + 2 * LIMIT)
    with pytest.raises(RateExceeded, match="quota of this user, 10 events a second") as refused:
        gate.send(ANN, t1=1)
    assert refused.value.retry_after_seconds == 2
    gate.send(BOB, t1=BURST)
    gate.clock.seconds += refused.value.retry_after_seconds
    gate.send(ANN, t1=1)


def test_a_company_is_limited_over_all_its_users_and_projects() -> None:
    gate = Gate((Scope.COMPANY, "c", RATE, LIMIT))
    gate.send(ANN, t1=BURST // 2)
    gate.send(BOB, t3=BURST // 2 + 1)
    for caller in (ANN, BOB):
        with pytest.raises(RateExceeded, match="of this company"):
            gate.send(caller, t2=1)
    gate.send(Caller("eve", "o", "user"), t1=1)


def test_a_project_is_limited_by_its_own_events_and_a_batch_of_several_is_taken_whole_or_not() -> None:
    gate = Gate((Scope.PROJECT, "p1", RATE, LIMIT))
    gate.send(ANN, t1=BURST, t2=1000, t3=1000)
    gate.send(ANN, t1=1)
    with pytest.raises(RateExceeded, match="of this project"):
        gate.send(ANN, t1=1, t2=1)
    gate.send(ANN, t2=1, t3=1)


def test_bytes_of_a_day_are_counted_and_those_of_the_next_anew() -> None:
    gate = Gate((Scope.COMPANY, "c", BYTES, 1000))
    gate.send(ANN, 600, t1=1)
    with pytest.raises(QuotaExceeded, match="1000 bytes of events a day: 600 are used"):
        gate.send(ANN, 401, t1=1)
    gate.send(ANN, 400, t1=1)
    with pytest.raises(QuotaExceeded):
        gate.quotas.check(BOB)
    gate.clock.seconds += 86_400
    gate.send(BOB, 1000, t1=1)


def test_bytes_of_a_batch_are_shared_out_among_its_projects() -> None:
    gate = Gate((Scope.PROJECT, "p1", BYTES, 1000))
    gate.send(ANN, 1000, t1=1, t2=3)
    assert gate.ledger.used(BYTES, Subject(Scope.PROJECT, "p1")) == 250


def test_what_was_not_published_is_given_back() -> None:
    gate = Gate((Scope.USER, "ann", RATE, LIMIT), (Scope.USER, "ann", BYTES, 1000))
    charge = gate.send(ANN, 1000, t1=BURST + 1)
    with pytest.raises(RateExceeded):
        gate.quotas.check(ANN)
    gate.quotas.refund(charge)
    gate.send(ANN, 1000, t1=BURST + 1)


def test_a_new_task_is_counted_for_its_company_user_and_project() -> None:
    gate = Gate((Scope.USER, "ann", Kind.TASKS, 3), (Scope.PROJECT, "p1", Kind.TASKS, 2), (Scope.USER, "bob", RATE, 1))
    task = {"company": "c", "user": "ann", "project": "p1"}
    assert [(one.field, one.value, one.limit) for one in gate.quotas.of_new_task(task)] == [
        ("user", "ann", 3),
        ("project", "p1", 2),
    ]
    assert gate.quotas.of_new_task({"company": "c", "user": "bob"}) == []


def test_gateways_share_a_rate() -> None:
    gate = Gate((Scope.USER, "ann", RATE, LIMIT))
    gate.ledger.gateways = 2
    gate.send(ANN, t1=BURST // 2 + 1)
    with pytest.raises(RateExceeded):
        gate.quotas.check(ANN)


def test_a_limit_that_is_lowered_or_removed_counts_at_once() -> None:
    gate = Gate((Scope.USER, "ann", RATE, LIMIT))
    gate.ledger.limits = Limits([Quota("c", Scope.USER, "ann", RATE, 0)])
    with pytest.raises(RateExceeded):
        gate.quotas.check(ANN)
    gate.ledger.limits = Limits()
    gate.send(ANN, t1=BURST)
