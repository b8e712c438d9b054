"""How many bytes the events of companies, projects and users take, where a quota limits them: an estimate.

ClickHouse knows the bytes of a table, not those of a company in it. So a company's rows are counted, which reads the
first column of the sort key alone, and each is taken for as large as the rows of its table are on average, compressed.
Rows count until they are erased, some minutes after their deletion.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from schema.events.tables import TABLES
from schema.quotas.in_force import quotas_in_force
from schema.quotas.kinds import Kind, Scope, Subject
from schema.quotas.ledger import QuotaLedger
from schema.registry import EVERYTHING, MODELS, TASKS, Quota, Registry, View
from schema.store import Store

MEASURE_SECONDS = 60.0
LOOK_SECONDS = 5.0  # for new limits
ROW_BYTES_SQL = """
SELECT table, sum(bytes_on_disk) / greatest(sum(rows), 1) AS row_bytes
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
"""
ROWS_OF_COMPANY_SQL = " UNION ALL ".join(
    f"SELECT '{table.name}' AS name, '' AS entity, count() AS rows FROM {table.name} WHERE company = {{company:String}}"
    for table in TABLES.values()
)
ROWS_OF_ENTITIES_SQL = " UNION ALL ".join(
    f"SELECT '{table.name}' AS name, task AS entity, count() AS rows FROM {table.name} "
    "WHERE company = {company:String} GROUP BY task"
    for table in TABLES.values()
)


class StoredBytes:
    """Measures what is stored of those that have a limit: as soon as they have one, and every MEASURE_SECONDS."""

    def __init__(self, store: Store, registry: Registry, ledger: QuotaLedger) -> None:
        self._store = store
        self._registry = registry
        self._ledger = ledger
        self._measured: dict[str, tuple[float, list[Quota]]] = {}  # when, and for which quotas of a company

    async def measure(self) -> None:
        """Measure what was not measured lately. Raises Unavailable and StoreRejected."""
        if not self._ledger.limits.has(Kind.STORED_BYTES):
            return
        now = time.monotonic()
        in_force = await quotas_in_force(self._registry, self._ledger.defaults)
        for company, quotas in in_force.of(Kind.STORED_BYTES).items():
            at, measured = self._measured.get(company, (-MEASURE_SECONDS, []))
            if measured != quotas or now - at >= MEASURE_SECONDS:
                await self._measure(company, quotas)
                self._measured[company] = now, quotas

    async def _measure(self, company: str, quotas: Sequence[Quota]) -> None:
        row_bytes = {row["table"]: float(row["row_bytes"]) for row in await self._store.read(ROW_BYTES_SQL)}
        used = await self._used(company, quotas, row_bytes)
        for quota in quotas:
            subject = Subject(Scope(quota.scope), quota.scope_id)
            await self._ledger.set_used(Kind.STORED_BYTES, subject, round(used[subject]))

    async def _used(
        self, company: str, quotas: Sequence[Quota], row_bytes: Mapping[str, float]
    ) -> Mapping[Subject, float]:
        """Return the bytes of a company, and, if one of them has a limit, of its projects and users."""
        is_of_company = all(quota.scope == Scope.COMPANY for quota in quotas)
        statement = ROWS_OF_COMPANY_SQL if is_of_company else ROWS_OF_ENTITIES_SQL
        owners: Mapping[str, tuple[Subject, ...]] = {} if is_of_company else await self._owners(company)
        used: defaultdict[Subject, float] = defaultdict(float)
        for row in await self._store.read(statement, {"company": company}):
            size = row["rows"] * row_bytes.get(row["name"], 0.0)
            for subject in (Subject(Scope.COMPANY, company), *owners.get(row["entity"], ())):
                used[subject] += size
        return used

    async def _owners(self, company: str) -> Mapping[str, tuple[Subject, ...]]:
        """Return project and user of each task and model."""
        owners = {}
        for kind in (TASKS, MODELS):
            found = await self._registry.find_values(kind, View(company), EVERYTHING, ["project", "user"])
            for entity, (_, project, user) in found.items():
                owners[entity] = (Subject(Scope.PROJECT, project or ""), Subject(Scope.USER, user or ""))
        return owners
