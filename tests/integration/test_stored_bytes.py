"""Stored bytes are measured of those that have a limit, on the real engine."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from query import stored_bytes
from query.stored_bytes import StoredBytes
from schema.quotas.kinds import Kind, Scope, Subject
from schema.quotas.ledger import QuotaLedger
from schema.registry import TASKS, Quota, Registry, iso_now
from schema.store import Store
from tests.integration.registries import run

ROWS = {("c", "t"): 30_000, ("c", "u"): 10_000, ("d", "v"): 40_000}
OWNERS = {"t": ("c", "p", "ann"), "u": ("c", "q", "bob"), "v": ("d", "p", "ann")}
DISK_SQL = "SELECT sum(bytes_on_disk) AS size FROM system.parts WHERE active AND table IN ('scalars', 'logs')"


def fill(store: Store) -> None:
    """Store points and lines of three tasks of two companies."""
    for (company, task), count in ROWS.items():
        columns = {"company": [company] * count, "task": [task] * count, "iter": list(range(count))}
        seq = pa.array(range(1, count + 1), pa.uint64())
        store.insert("scalars", pa.table(columns | {"value": [float(n) for n in range(count)], "seq": seq}))
        lines = {"line": pa.array(range(count), pa.uint32()), "msg": [f"line {n}" for n in range(count)]}
        store.insert("logs", pa.table(columns | lines | {"seq": seq}))


async def measured(store: Store, registry: Registry, *quotas: Quota) -> dict[Subject, float]:
    """What is measured of those that have a limit, as shares of the bytes on the disk."""
    for quota in quotas:
        await registry.set_quota(quota)
    ledger = QuotaLedger(registry)
    await ledger.refresh()
    measuring = StoredBytes(store, registry, ledger)
    await measuring.measure()
    (disk,) = await store.read(DISK_SQL)
    subjects = [Subject(Scope(quota.scope), quota.scope_id) for quota in quotas]
    return {subject: ledger.used(Kind.STORED_BYTES, subject) / int(disk["size"]) for subject in subjects}


def limit(company: str, scope: Scope, of: str) -> Quota:
    return Quota(company, scope, of, Kind.STORED_BYTES, 1)


def test_rows_have_their_share_of_the_disk(store: Store, tmp_path: Path) -> None:
    async def work() -> None:
        registry = Registry(f"sqlite:///{tmp_path / 'registry.db'}")
        await registry.create_schema()
        for task, (company, project, user) in OWNERS.items():
            document = {"id": task, "company": company, "project": project, "user": user, "name": "n"}
            moments = {"created": iso_now(), "last_update": iso_now()}
            await registry.create(TASKS, document | moments | {"type": "training", "status": "created"})
        companies = limit("c", Scope.COMPANY, "c"), limit("d", Scope.COMPANY, "d")
        assert await measured(store, registry) == {}
        assert [*(await measured(store, registry, *companies)).values()] == pytest.approx([0.5, 0.5], rel=1e-3)
        parts = limit("c", Scope.PROJECT, "p"), limit("c", Scope.USER, "bob"), *companies
        shares = (await measured(store, registry, *parts)).values()
        assert [*shares] == pytest.approx([0.375, 0.125, 0.5, 0.5], rel=1e-3)
        await registry.close()

    fill(store)
    run(work())


def test_it_is_measured_again_after_some_time_and_for_new_limits(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        registry = Registry(f"sqlite:///{tmp_path / 'registry.db'}")
        await registry.create_schema()
        ledger = QuotaLedger(registry)
        measuring = StoredBytes(store, registry, ledger)
        key = Subject(Scope.COMPANY, "e")
        await registry.set_quota(limit("e", Scope.COMPANY, "e"))
        await ledger.refresh()
        await measuring.measure()
        assert ledger.used(Kind.STORED_BYTES, key) == 0
        store.insert("vectors", pa.table({"company": ["e"], "task": ["t"], "seq": pa.array([1], pa.uint64())}))
        await measuring.measure()
        assert ledger.used(Kind.STORED_BYTES, key) == 0
        monkeypatch.setattr(stored_bytes, "MEASURE_SECONDS", 0.0)
        await measuring.measure()
        assert ledger.used(Kind.STORED_BYTES, key) > 0
        await registry.close()

    run(work())
