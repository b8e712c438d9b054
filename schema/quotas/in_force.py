"""The quotas in force: those of the registry, and those that settings give to every company without its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schema.quotas.kinds import KINDS, Kind, Scope
from schema.registry import Quota, Registry


@dataclass(frozen=True)
class QuotasInForce:
    """Quotas that were set, and those that come from the settings. ``companies``: names by id."""

    own: list[Quota]
    default: list[Quota]
    companies: Mapping[str, str]

    def of(self, *kinds: Kind) -> dict[str, list[Quota]]:
        """Return the quotas of some kinds by company."""
        found: dict[str, list[Quota]] = {}
        for quota in (*self.own, *self.default):
            if quota.kind in kinds:
                found.setdefault(quota.company, []).append(quota)
        return found


async def quotas_in_force(
    registry: Registry, defaults: Mapping[Kind, int], company: str | None = None
) -> QuotasInForce:
    """Return the quotas of a company; None: of all companies."""
    own = [quota for quota in await registry.quotas(company) if quota.kind in KINDS]
    companies = await registry.company_names(None if company is None else [company])
    has_own = {(quota.scope_id, quota.kind) for quota in own}
    given = [(one, kind, limit) for one in companies for kind, limit in defaults.items() if limit]
    default = [Quota(one, Scope.COMPANY, one, kind, limit) for one, kind, limit in given if (one, kind) not in has_own]
    return QuotasInForce(own, default, companies)
