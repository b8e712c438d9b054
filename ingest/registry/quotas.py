"""Endpoints by which administrators limit projects and users of their company, and roots everything."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ingest.gateway import Gateway
from schema.api.requests import Integer, Request
from schema.api.roles import is_administrator
from schema.api.wire import Access, Answer, Caller, Endpoints, Tier
from schema.errors import BadValue, Forbidden, InvalidField
from schema.quotas.kinds import KINDS, Kind, Scope, Subject
from schema.quotas.report import company_of
from schema.registry import Quota

MAX_LIMIT = 2**62

endpoints = Endpoints(Tier.GATEWAY)


class OneQuota(Request):
    """One quota. ``scope``: company, project or user; ``id``: which one; of companies: one's own without it."""

    kind: str
    scope: str = Scope.COMPANY
    id: str = ""


class SetQuota(OneQuota):
    """A quota and its new limit; 0: nothing is allowed."""

    limit: Annotated[Integer, Field(ge=0, le=MAX_LIMIT)]


@endpoints.add("quotas.set", access=Access.ONESELF)
async def set_quota(gateway: Gateway, caller: Caller, request: SetQuota) -> Answer:
    """Set a limit: ``{"updated"}``. In force within 4 s in every process.

    Raises InvalidField, BadValue for an unknown id, and Forbidden: admins set those of projects and users of their
    company, roots all.
    """
    kind, subject, company = await _limited(gateway, caller, request)
    await gateway.registry.set_quota(Quota(company, subject.scope, subject.id, kind, request.limit))
    await gateway.quotas.refresh()
    return {"updated": 1}


@endpoints.add("quotas.unset", access=Access.ONESELF)
async def unset_quota(gateway: Gateway, caller: Caller, request: OneQuota) -> Answer:
    """Remove a limit: ``{"deleted"}``; of companies those of the settings are then in force.

    Raises what ``quotas.set`` raises.
    """
    kind, subject, _ = await _limited(gateway, caller, request)
    found = await gateway.registry.unset_quota(subject.scope, subject.id, kind)
    await gateway.quotas.refresh()
    return {"deleted": int(found)}


async def _limited(gateway: Gateway, caller: Caller, request: OneQuota) -> tuple[Kind, Subject, str]:
    """Return the kind and subject that the caller may limit, and its company."""
    if request.kind not in KINDS or request.scope not in KINDS[Kind(request.kind)].scopes:
        expected = "; ".join(f"{kind} ({', '.join(info.scopes)})" for kind, info in KINDS.items())
        raise InvalidField(f"kind and scope: one of {expected} is expected")
    subject = Subject(Scope(request.scope), request.id)
    if not is_administrator(caller.role) or (caller.role != "root" and subject.scope is Scope.COMPANY):
        raise Forbidden("Administrators set quotas of projects and users of their company, roots all")
    if not subject.id and subject.scope is Scope.COMPANY:
        subject = Subject(Scope.COMPANY, caller.company)
    company = await company_of(gateway.registry, subject)
    if company is None or (caller.role != "root" and company != caller.company):
        raise BadValue(f"Invalid {subject.scope} id {subject.id}")
    return Kind(request.kind), subject, company
