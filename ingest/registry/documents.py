"""What all changes of tasks, models and projects share: permission, and the fields that a change moves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from ingest.gateway import Gateway
from ingest.permission import INVALID, check_write
from ingest.registry import foreign
from ingest.registry.ids import new_id
from schema.api.requests import MAX_CHANGED, Parameters, Request
from schema.api.told_ids import told_ids
from schema.api.visibility import may_see
from schema.api.wire import Answer, Caller
from schema.errors import RequestError, Unavailable
from schema.registry import PROJECTS, TASKS, Change, Document, Kind, iso_now, owner_of

ATTEMPTS = 10  # of a change that is found to name something else each time

# Fields that only Eventide writes, and parameters that are no part of the document.
OWN_FIELDS = """
id company company_origin user status created last_update last_change last_changed_by last_iteration last_metrics
unique_metrics metric_stats method force
"""
OWN = frozenset(OWN_FIELDS.split())


class SomeDocuments(Request):
    """Some documents of one kind."""

    max_items: ClassVar[int] = MAX_CHANGED

    ids: Annotated[list[str], Field(min_length=1)]


def given(fields: Parameters, *without: str) -> Document:
    """Return the fields of a document that a client may set."""
    return {name: value for name, value in fields.items() if name not in OWN and name not in without}


def new_document(caller: Caller, fields: Mapping[str, Any]) -> Document:
    """Return a document of the caller's with a new id."""
    now = iso_now()
    own = {"id": new_id(), "company": caller.company, "user": caller.user, "created": now}
    return {**fields, **own, "last_update": now, "last_change": now, "last_changed_by": caller.user}


def marks(caller: Caller) -> Document:
    """Return the fields that every change of a document moves."""
    now = iso_now()
    return {"last_update": now, "last_change": now, "last_changed_by": caller.user}


async def change(gateway: Gateway, caller: Caller, kind: Kind, document_id: str, make: Change) -> Document:
    """Change a document of the caller's; return the new one.

    Raises what ``make`` raises, InvalidTask, InvalidModel or InvalidProject, and NoWritePermission if it is public.
    """

    def guarded(document: Document) -> Document:
        check_write(kind, caller, document["id"], owner_of(kind, document))
        return make(document) | marks(caller)

    found = await _update(gateway, caller, kind, document_id, guarded)
    if found is None:
        raise INVALID[kind.name](f"Invalid {kind.name} id {document_id}")
    if project := found.get("project"):
        gateway.last_update_recorder.touch(PROJECTS, [project], caller.user)
    return found


async def create_document(gateway: Gateway, caller: Caller, kind: Kind, document: Document) -> None:
    """Store a new document.

    Raises BadDocument, NotUnique, QuotaExceeded, and what ``change`` raises for references.
    """
    await foreign.check(gateway, caller, foreign.references_of(kind, document))
    limits = gateway.quotas.of_new_task(document) if kind is TASKS else ()
    await gateway.registry.create(kind, document, limits)


async def _update(gateway: Gateway, caller: Caller, kind: Kind, document_id: str, make: Change) -> Document | None:
    """Change a document that names afterwards nothing bad (see ``foreign``) that it did not name before.

    The change runs inside a transaction, which cannot look at other documents: what it names anew is looked at between
    two attempts.
    """
    checked: set[foreign.Reference] = set()

    def guarded(document: Document) -> Document:
        new = make(document)
        unchecked = foreign.references_of(kind, new) - foreign.references_of(kind, document) - checked
        if unchecked:
            raise foreign.UncheckedReferences(unchecked)
        return new

    for _ in range(ATTEMPTS):
        try:
            return await gateway.registry.update(kind, document_id, guarded)
        except foreign.UncheckedReferences as error:
            await foreign.check(gateway, caller, error.references)
            for reference in error.references:
                if reference.kind == kind.name:
                    await foreign.check_ancestry(gateway, kind, document_id, reference.key)
            checked |= error.references
    raise Unavailable(f"{kind.name.capitalize()} {document_id} is being changed by others")


async def own_document(gateway: Gateway, caller: Caller, kind: Kind, document_id: str) -> Document:
    """Return a document that the caller may change. Raises what ``change`` raises."""
    document = await gateway.registry.get(kind, document_id)
    if document is None:
        raise INVALID[kind.name](f"Invalid {kind.name} id {document_id}")
    check_write(kind, caller, document["id"], owner_of(kind, document))
    return document


async def check_visible(gateway: Gateway, caller: Caller, kind: Kind, ids: Iterable[str]) -> None:
    """Raise InvalidTask, InvalidModel or InvalidProject unless the caller may see all documents of these ids."""
    wanted = set(ids)
    documents = await gateway.registry.get_many(kind, wanted)
    found = {document["id"] for document in documents if may_see(caller, owner_of(kind, document))}
    if missing := wanted - found:
        raise INVALID[kind.name](f"Invalid {kind.name} id {told_ids(sorted(missing))}")


def updated(fields: Document) -> dict[str, Any]:
    """Return the answer to a change of one document."""
    return {"updated": 1, "fields": fields}


async def each(ids: Iterable[str], do: Callable[[str], Awaitable[Any]]) -> Answer:
    """Do something to each document: ``{"succeeded": [{id, …}], "failed": [{id, error}]}``."""
    succeeded, failed = [], []
    for document_id in ids:
        try:
            answer = await do(document_id)
            succeeded.append({"id": document_id} | (answer if isinstance(answer, dict) else {}))
        except RequestError as error:
            reason = {"codes": [error.code, error.subcode], "msg": str(error), "data": {}}
            failed.append({"id": document_id, "error": reason})
    return {"succeeded": succeeded, "failed": failed}


async def set_public(gateway: Gateway, caller: Caller, kind: Kind, ids: Iterable[str], is_public: bool) -> Answer:
    """Make documents of the caller's public, or private again; return how many were changed."""

    def publish(document: Document) -> Document:
        if document["company"] != caller.company:
            raise INVALID[kind.name](f"Invalid {kind.name} id {document['id']}")
        check_write(kind, caller, document["id"], owner_of(kind, document))
        return document | {"company": "", "company_origin": caller.company}

    def take_back(document: Document) -> Document:
        if document["company"] or document.get("company_origin") != caller.company:
            raise INVALID[kind.name](f"Invalid {kind.name} id {document['id']}")
        private = document | {"company": caller.company, "company_origin": None}
        check_write(kind, caller, document["id"], owner_of(kind, private))
        return private

    wanted = list(dict.fromkeys(ids))
    found = await gateway.registry.update_many(kind, wanted, publish if is_public else take_back)
    if len(found) < len(wanted):
        missing = set(wanted) - {document["id"] for document in found}
        raise INVALID[kind.name](f"Invalid {kind.name} id {told_ids(sorted(missing))}")
    return {"updated": len(found)}
