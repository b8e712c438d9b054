"""The audit log, for administrators: log-ins and failures, keys, roles, impersonation, deletions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from query.context import QueryContext
from schema.api.requests import Integer, Nothing, Request, Texts
from schema.api.roles import is_administrator
from schema.api.wire import Access, Answer, Caller, Endpoints, Tier
from schema.errors import Forbidden
from schema.registry import AuditEvent, AuditFilter, Document

Milliseconds = Annotated[Integer, Field(ge=0, lt=2**63)]

endpoints = Endpoints(Tier.QUERY)


class GetAuditEvents(Request):
    """A page of events, newest first; ``user``: of a user, or of who acted as another; ``events``: of these names.

    ``from_timestamp``, ``to_timestamp`` (exclusive): milliseconds since the epoch; 0: no bound.
    """

    user: str = ""
    events: Texts = []
    from_timestamp: Milliseconds = 0
    to_timestamp: Milliseconds = 0
    page: Annotated[Integer, Field(ge=0, le=10_000)] = 0
    page_size: Annotated[Integer, Field(ge=1, le=1000)] = 100


@endpoints.add("audit.get_all", access=Access.ONESELF)
async def get_all(context: QueryContext, caller: Caller, request: GetAuditEvents) -> Answer:
    """List events: ``{"events"}``; of the company for admins, of all for roots. Raises Forbidden for others."""
    times = request.from_timestamp, request.to_timestamp
    which = AuditFilter(_company_of(caller), request.user, request.events, *times)
    offset = request.page * request.page_size
    found = await context.registry.audit_events(which, limit=request.page_size, offset=offset)
    return {"events": [_shown(event) for event in found]}


@endpoints.add("audit.get_event_names", access=Access.ONESELF)
async def get_event_names(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """List the names that events have: ``{"events"}``. Raises Forbidden like ``get_all``."""
    return {"events": await context.registry.audit_event_names(AuditFilter(_company_of(caller)))}


def _company_of(caller: Caller) -> str | None:
    """Return the company whose events a caller may see; None: of all. Raises Forbidden."""
    if not is_administrator(caller.role):
        raise Forbidden("Only administrators may read the audit log")
    return None if caller.role == "root" else caller.company


def _shown(event: AuditEvent) -> Document:
    return {"timestamp": event.at_ms} | {name: value for name, value in vars(event).items() if name != "at_ms"}
