"""Quotas and what is used of them, for administrators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schema.api.requests import Request
from schema.api.roles import is_administrator
from schema.api.wire import Access, Answer, Caller, Endpoints, Tier
from schema.errors import Forbidden
from schema.quotas.kinds import Kind
from schema.quotas.report import quota_lines
from schema.registry import Registry

endpoints = Endpoints(Tier.QUERY)


@dataclass(frozen=True)
class QuotaReader:
    """The dependencies of this family. ``defaults``: the limits of companies without their own."""

    registry: Registry
    defaults: Mapping[Kind, int]


class GetQuotas(Request):
    """Quotas of a company; for roots of all companies without it."""

    company: str = ""


@endpoints.add("quotas.get_all", access=Access.ONESELF)
async def get_all(reader: QuotaReader, caller: Caller, request: GetQuotas) -> Answer:
    """List limits and usage: ``{"quotas": [{company, scope, id, name, kind, limit, used, is_default}]}``.

    What is used is a few seconds old. Raises Forbidden for others than administrators, and for another company.
    """
    if not is_administrator(caller.role) or (caller.role != "root" and request.company not in ("", caller.company)):
        raise Forbidden("Only administrators may read the quotas, of their company")
    company = request.company or (None if caller.role == "root" else caller.company)
    return {"quotas": [vars(line) for line in await quota_lines(reader.registry, reader.defaults, company)]}
