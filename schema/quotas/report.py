"""Quotas as administrators see them: each limit, with what is used of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schema.quotas.in_force import quotas_in_force
from schema.quotas.kinds import Kind, Scope, Subject
from schema.quotas.usage import totals
from schema.registry import PROJECTS, Quota, Registry


@dataclass(frozen=True)
class QuotaLine:
    """One limit. ``name``: of the company, project or user. ``is_default``: it comes from the settings."""

    company: str
    scope: str
    id: str
    name: str
    kind: str
    limit: int
    used: int
    is_default: bool = False


async def company_of(registry: Registry, subject: Subject) -> str | None:
    """Return the company that a company, project or user is of; None if there is no such thing."""
    if subject.scope is Scope.COMPANY:
        return subject.id if await registry.company_names([subject.id]) else None
    if subject.scope is Scope.USER:
        user = await registry.user(subject.id)
        return user.company if user else None
    project = await registry.get(PROJECTS, subject.id)
    return project["company"] or project.get("company_origin") if project else None


async def quota_lines(registry: Registry, defaults: Mapping[Kind, int], company: str | None = None) -> list[QuotaLine]:
    """Return the limits of a company (None: of all companies), those that come from the settings last."""
    in_force = await quotas_in_force(registry, defaults, company)
    names = {**in_force.companies, **await _names(registry, in_force.own)}
    counted = totals(await registry.usage(), time.time())
    return [
        QuotaLine(
            quota.company,
            quota.scope,
            quota.scope_id,
            names.get(quota.scope_id, ""),
            quota.kind,
            quota.limit,
            await used_of(registry, quota, counted),
            is_default=number >= len(in_force.own),
        )
        for number, quota in enumerate([*in_force.own, *in_force.default])
    ]


async def used_of(registry: Registry, quota: Quota, counted: Mapping[tuple[Kind, Subject], int]) -> int:
    """Return how much of a quota is used. ``counted``: the usage that is not counted from tables of its own."""
    kind = Kind(quota.kind)
    if kind is Kind.TASKS:
        return await registry.count_tasks(quota.company, quota.scope, quota.scope_id)
    if kind is Kind.METRICS_PER_TASK:
        return await registry.most_metrics(quota.company, quota.scope, quota.scope_id)
    return max(0, counted.get((kind, Subject(Scope(quota.scope), quota.scope_id)), 0))


async def _names(registry: Registry, quotas: Iterable[Quota]) -> dict[str, str]:
    """Return the names of the projects and users that have a limit."""
    ids: dict[str, list[str]] = {Scope.PROJECT: [], Scope.USER: [], Scope.COMPANY: []}
    for quota in quotas:
        ids[quota.scope].append(quota.scope_id)
    projects = await registry.get_many(PROJECTS, ids[Scope.PROJECT]) if ids[Scope.PROJECT] else []
    return {project["id"]: project["name"] for project in projects} | await registry.names_of_users(ids[Scope.USER])
