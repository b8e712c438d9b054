"""The audit log, for administrators: log-ins and failures, keys, roles, impersonation, deletions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from query.context import QueryContext
from schema.api.requests import Integer, Request, Texts
from schema.api.wire import Access, Answer, Caller, Endpoints, Tier
from schema.errors import Forbidden
from schema.registry import AuditEvent, Document

endpoints = Endpoints(Tier.QUERY)


class GetAuditEvents(Request):
    """A page of events, newest first; ``user``: of a user, or of who acted as another; ``events``: of these names."""

    user: str = ""
    events: Texts = []
    page: Annotated[Integer, Field(ge=0, le=10_000)] = 0
    page_size: Annotated[Integer, Field(ge=1, le=1000)] = 100


@endpoints.add("audit.get_all", access=Access.ONESELF)
async def get_all(context: QueryContext, caller: Caller, request: GetAuditEvents) -> Answer:
    """List events: ``{"events"}``; of the company for admins, of all for roots. Raises Forbidden for others."""
    if caller.role not in ("admin", "root"):
        raise Forbidden("Only administrators may read the audit log")
    company = None if caller.role == "root" else caller.company
    offset = request.page * request.page_size
    found = await context.registry.audit_events(
        company, user=request.user, names=request.events, limit=request.page_size, offset=offset
    )
    return {"events": [_shown(event) for event in found]}


def _shown(event: AuditEvent) -> Document:
    return {"timestamp": event.at_ms} | {name: value for name, value in vars(event).items() if name != "at_ms"}
