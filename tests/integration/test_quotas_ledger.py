"""Ledgers of several processes on one registry, and what it keeps for them, on each database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from schema.errors import Unavailable
from schema.quotas.kinds import Kind, Scope, Subject
from schema.quotas.ledger import QuotaLedger
from schema.quotas.report import quota_lines
from schema.registry import Quota, Registry, UsageChange, UsageKey
from tests.integration.registries import DATABASES, registry_on, run

RATE, BYTES, STREAMS = Kind.EVENTS_PER_SECOND, Kind.BYTES_PER_DAY, Kind.STREAMS
ANN, COMPANY = Subject(Scope.USER, "ann"), Subject(Scope.COMPANY, "c")
LIMIT = Quota("c", Scope.USER, "ann", BYTES, 1000)


@pytest.fixture(params=DATABASES)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    with registry_on(request.param, tmp_path, request) as made:
        yield made


def test_limits_are_set_replaced_and_removed(registry: Registry) -> None:
    run(registry.set_quota(LIMIT))
    run(registry.set_quota(Quota("c", Scope.USER, "ann", BYTES, 2**40)))
    run(registry.set_quota(Quota("d", Scope.COMPANY, "d", RATE, 0)))
    assert [(quota.company, quota.limit) for quota in run(registry.quotas())] == [("c", 2**40), ("d", 0)]
    assert [quota.company for quota in run(registry.quotas("d"))] == ["d"]
    assert run(registry.unset_quota(Scope.USER, "ann", BYTES))
    assert not run(registry.unset_quota(Scope.USER, "ann", BYTES))
    assert [quota.company for quota in run(registry.quotas())] == ["d"]


def test_what_two_processes_use_is_added_up(registry: Registry) -> None:
    async def use() -> None:
        await registry.set_quota(LIMIT)
        one, other = (QuotaLedger(registry, is_gateway=True) for _ in range(2))
        await asyncio.gather(one.refresh(), other.refresh())
        await one.refresh()
        assert (one.gateways, one.limits.of(BYTES, ANN)) == (2, 1000)
        one.add(BYTES, ANN, 300)
        other.add(BYTES, ANN, 50)
        other.add(BYTES, ANN, -10)
        assert one.used(BYTES, ANN) == 300
        await asyncio.gather(one.refresh(), other.refresh())
        await asyncio.gather(one.refresh(), other.refresh())
        assert one.used(BYTES, ANN) == other.used(BYTES, ANN) == 340
        await other.close()
        await one.refresh()
        assert one.gateways == 1
        late = QuotaLedger(registry)
        await late.start()
        assert late.used(BYTES, ANN) == 340
        await late.close()

    run(use())


def test_rates_of_all_processes_are_told_and_forgotten(registry: Registry) -> None:
    async def use() -> None:
        await registry.set_quota(Quota("c", Scope.USER, "ann", RATE, 100))
        at = [time.time()]
        one, other = (QuotaLedger(registry, is_gateway=True, now=lambda: at[0]) for _ in range(2))
        for ledger, count in ((one, 400), (other, 200)):
            ledger.add(RATE, ANN, count)
        at[0] += 10
        await one.refresh()
        await other.refresh()
        (line,) = await quota_lines(registry, {})
        assert (line.used, line.limit) == (60, 100)
        gone = UsageKey(RATE, *ANN, "gone")
        assert gone not in await registry.change_usage([UsageChange(gone, 5, is_added=False, keep_seconds=0)])

    run(use())


def test_what_is_open_is_told_by_each_process_until_it_ends(registry: Registry) -> None:
    async def use() -> None:
        one, other = QuotaLedger(registry), QuotaLedger(registry)
        one.add(STREAMS, ANN, 2)
        await one.refresh()
        assert await registry.usage() == {}
        await registry.set_quota(Quota("c", Scope.USER, "ann", STREAMS, 5))
        for ledger, opened in ((one, 0), (other, 1), (one, 0), (other, 1), (one, 0), (other, 0)):
            ledger.add(STREAMS, ANN, opened)
            await ledger.refresh()
        assert (one.used(STREAMS, ANN), other.used(STREAMS, ANN)) == (4, 4)
        one.add(STREAMS, ANN, -2)
        assert one.used(STREAMS, ANN) == 2
        await one.close()
        await other.refresh()
        (line,) = await quota_lines(registry, {})
        assert (line.used, other.used(STREAMS, ANN)) == (2, 2)

    run(use())


def test_nothing_is_written_while_there_are_no_limits(registry: Registry) -> None:
    async def use() -> None:
        ledger = QuotaLedger(registry, {BYTES: 0}, is_gateway=True)
        await ledger.start()
        await ledger.refresh()
        await ledger.close()
        assert await registry.usage() == {}

    run(use())


def test_what_could_not_be_told_is_told_later(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use() -> None:
        await registry.set_quota(LIMIT)
        ledger = QuotaLedger(registry)
        ledger.add(BYTES, ANN, 10)

        async def away(_: object) -> None:
            raise Unavailable("away")

        with monkeypatch.context() as patch:
            patch.setattr(registry, "change_usage", away)
            with pytest.raises(Unavailable):
                await ledger.refresh()
        ledger.add(BYTES, ANN, 5)
        assert ledger.used(BYTES, ANN) == 15
        await ledger.close()
        assert sum((await registry.usage()).values()) == 15

    run(use())


def test_limits_of_the_settings_are_told_of_each_company_without_its_own(registry: Registry) -> None:
    async def use() -> None:
        made = [await registry.add_user(name, "ann", "user", f"key of {name}", "secret") for name in ("c", "d")]
        await registry.set_quota(Quota(made[0].company, Scope.COMPANY, made[0].company, BYTES, 5))
        lines = await quota_lines(registry, {BYTES: 7, RATE: 0})
        assert [(line.name, line.limit, line.is_default) for line in lines] == [("c", 5, False), ("d", 7, True)]
        assert [line.name for line in await quota_lines(registry, {BYTES: 7}, made[1].company)] == ["d"]

    run(use())
