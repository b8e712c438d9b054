"""The wire: paths, versions, the endpoint table and the envelope (API contract 1.1 to 1.7). No HTTP library.

An endpoint is one function ``async (service, caller, request) -> answer``. Families declare theirs::

    endpoints = Endpoints(Tier.QUERY)

    @endpoints.add("events.get_task_log", "2.9")
    async def get_task_log(reader: Reader, caller: Caller, request: GetTaskLog) -> Answer: ...

and the applications merge families into one table. The request model is read from the annotation.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import Any, TypeVar, get_type_hints

from schema.api.dialect import Dialect
from schema.api.project_roles import EVERYBODYS, ProjectRoles
from schema.api.requests import Request
from schema.api.scopes import FULL, scopes_of
from schema.errors import BadVersion, EventsError, MalformedRequest, UnknownEndpoint
from schema.json_encoding import to_json

MAX_VERSION = "2.34"
TEXT_VERSION = (2, 1)  # from here on the envelope gives versions as strings, below as numbers
PATH = re.compile(
    r"/?(?:api/)?(?:v(?P<version>\d+\.?\d+)/)?(?P<service>[a-zA-Z_]\w+)\.(?P<action>[a-zA-Z_]\w+)/?", re.A
)
VERSION = re.compile(r"(0|[1-9]\d{0,17})(?:\.(0|[1-9]\d{0,17}))?", re.A)
EVENT_STREAM = "text/event-stream"

Version = tuple[int, int]
Answer = Mapping[str, Any]


class Tier(Enum):
    """The process that answers: the gateway what changes something, the query service what only reads."""

    GATEWAY = "gateway"
    QUERY = "query"
    BOTH = "both"

    @property
    def title(self) -> str:
        """The tier's name in a text."""
        return {Tier.GATEWAY: "gateway", Tier.QUERY: "query service", Tier.BOTH: "gateway and the query service"}[self]


class Access(Enum):
    """The callers of an endpoint. The web application's own credential (role ``web``) may only log others in."""

    ANYONE = "anyone"
    WEB = "web"
    USERS = "users"
    ONESELF = "oneself"


@dataclass(frozen=True)
class Caller:
    """The identity of a request, and what its headers say.

    ``actor`` and ``actor_role``: who really calls, if they act as the user. ``session``: the identifier that the token
    carries. ``access_key``: the key behind token or Basic credentials. ``expires_at``: the second since the epoch at
    which these end. ``name_session``: the digest of the session, opened by a name alone, that all of it ends with.
    ``scope``: what the key is good for, see ``schema/api/scopes.py``. ``projects``: roles in private projects.
    """

    user: str
    company: str
    role: str
    user_name: str = ""
    company_name: str = ""
    worker: str = "<unknown>"
    ack: str | None = None
    idempotency_key: str | None = None
    last_event_id: str | None = None
    version: Version = (999, 0)  # that the path asks for: older clients send and expect older forms of documents
    actor: str = ""
    actor_role: str = ""
    session: str = ""
    access_key: str | None = None
    expires_at: int | None = None
    name_session: str | None = None
    scope: str = FULL
    projects: ProjectRoles = EVERYBODYS
    address: str = ""
    origin: str = ""  # scheme and host by which the client knows this server
    client: str = ""
    authorization: str = field(default="", compare=False, repr=False)  # as it came, for clients to send with files
    is_abandoned: Callable[[], bool] = field(default=lambda: False, compare=False, repr=False)  # has left

    def but(self, **fields: Any) -> Caller:
        """Return a copy with other values of some fields: ``dataclasses.replace`` takes a tenth of a small read."""
        copy = object.__new__(Caller)
        copy.__dict__.update(self.__dict__, **fields)
        return copy


@dataclass(frozen=True)
class Cookie:
    """A cookie's value, and the seconds that it is kept for."""

    value: str
    max_age_seconds: int


@dataclass(frozen=True)
class Reply:
    """An answer that is more than data: cookies by name (None: remove), or JSON that is already encoded."""

    data: Answer = field(default_factory=dict)
    cookies: Mapping[str, Cookie | None] = field(default_factory=dict)
    raw_data: bytes | None = None  # ``data`` already as JSON


@dataclass(frozen=True)
class Stream:
    """An answer without an envelope: chunks of a file or of events. ``ended`` is called however it ends."""

    chunks: AsyncIterator[bytes]
    headers: Mapping[str, str]
    ended: Callable[[], None] = lambda: None


Handler = Callable[..., Awaitable["Answer | Reply | Stream"]]
HandlerType = TypeVar("HandlerType", bound=Handler)


@dataclass(frozen=True)
class Endpoint:
    """One implementation of an action. ``since``: its minimum version."""

    name: str
    since: Version
    tier: Tier
    request: type[Request]
    handler: Handler
    is_batch: bool = False
    access: Access = Access.USERS

    @property
    def actual_version(self) -> str:
        """The minimum version, as the envelope shows it."""
        return "{}.{}".format(*self.since)

    @property
    def is_change(self) -> bool:
        """Whether it changes something, tokens included."""
        return self.tier is not Tier.QUERY

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of keys that may call it."""
        return scopes_of(self.name, self.is_change)

    @property
    def documented(self) -> Handler:
        """The function whose docstring describes this endpoint."""
        return self.handler.func if isinstance(self.handler, partial) else self.handler


class Endpoints:
    """A table of endpoints. ``get`` resolves versions (API contract 1.3)."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self._by_name: dict[str, list[Endpoint]] = {}

    def add(
        self,
        name: str,
        since: str = "1.0",
        *,
        tier: Tier | None = None,
        is_batch: bool = False,
        access: Access = Access.USERS,
    ) -> Callable[[HandlerType], HandlerType]:
        """Register the decorated function for ``name`` from version ``since`` on. ``is_batch``: it takes json lines."""

        def register(handler: HandlerType) -> HandlerType:
            request = get_type_hints(handler)["request"]
            found = Endpoint(name, parse_version(since), tier or self._tier, request, handler, is_batch, access)
            self._by_name.setdefault(name, []).append(found)
            return handler

        return register

    def merge(self, *others: Endpoints) -> Endpoints:
        """Add the endpoints of other tables to this one, and return it."""
        for other in others:
            for endpoint in other:
                self._by_name.setdefault(endpoint.name, []).append(endpoint)
        return self

    def without(self, services: Collection[str]) -> Endpoints:
        """Return a table without the endpoints of some services, which are the first parts of their names."""
        kept = Endpoints(self._tier)
        kept._by_name = {n: found for n, found in self._by_name.items() if n.partition(".")[0] not in services}
        return kept

    def bind(self, service: Any) -> Endpoints:
        """Return a table whose handlers already have ``service`` and take (caller, request)."""
        bound = Endpoints(self._tier)
        for endpoint in self:
            handler = partial(endpoint.handler, service)
            bound._by_name.setdefault(endpoint.name, []).append(replace(endpoint, handler=handler))
        return bound

    def get(self, name: str, version: Version) -> Endpoint:
        """Return the implementation with the highest minimum version not above ``version``.

        Raises UnknownEndpoint.
        """
        candidates = [endpoint for endpoint in self._by_name.get(name, ()) if endpoint.since <= version]
        if not candidates:
            raise UnknownEndpoint(f"No endpoint {name} for version {'{}.{}'.format(*version)}")
        return max(candidates, key=lambda endpoint: endpoint.since)

    def tier_of(self, name: str, version: Version) -> Tier | None:
        """Return the tier that answers a call, None if none does."""
        try:
            return self.get(name, version).tier
        except UnknownEndpoint:
            return None

    def __iter__(self) -> Iterator[Endpoint]:
        for implementations in self._by_name.values():
            yield from implementations


def new_request_id() -> str:
    """Return an id for a request that has none."""
    return random.randbytes(16).hex()


@dataclass
class Call:
    """One request as the envelope describes it, filled in as far as it was understood."""

    id: str = field(default_factory=new_request_id)
    trx: str = ""
    name: str = ""
    version: Version = (1, 0)
    endpoint: Endpoint | None = None
    dialect: Dialect | None = None  # of another SDK, whose addresses, answers and errors these then are
    path_parameters: Mapping[str, str] = field(default_factory=dict)

    def parse(self, path: str, method: str = "POST") -> None:
        """Read name and version from a path (API contract 1.1), or what a dialect says that it names.

        Raises MalformedRequest and BadVersion, and UnknownEndpoint for a dialect's path that names nothing.
        """
        if self.dialect:
            address = self.dialect.address(method, path)
            self.name, self.path_parameters = address.endpoint, address.parameters
            self.version = parse_version(MAX_VERSION)
            return
        found = PATH.fullmatch(path)
        if not found:
            raise MalformedRequest(f"Invalid request path {path}")
        self.name = f"{found['service']}.{found['action']}"
        self.version = parse_version(found["version"] or MAX_VERSION)

    def resolve(self, endpoints: Endpoints) -> Endpoint:
        """Find the endpoint. Raises UnknownEndpoint."""
        self.endpoint = endpoints.get(self.name, self.version)
        return self.endpoint

    def envelope(self, data: bytes, error: EventsError | None = None) -> tuple[bytes, ...]:
        """Return the body of the answer (API contract 1.6) in parts: large data is not copied.

        ``data``: JSON of the data object.
        """
        if self.dialect:
            return (self.dialect.body(data, error),)
        meta = {
            "id": self.id,
            "trx": self.trx or self.id,
            "endpoint": {
                "name": self.name,
                "requested_version": _shown(self.version, self.version),
                "actual_version": _shown(self.endpoint.since, self.version) if self.endpoint else None,
            },
            "result_code": error.code if error else 200,
            "result_subcode": error.subcode if error else 0,
            "result_msg": str(error) if error else "OK",
            "error_stack": None,
            "error_data": {},
        }
        return b'{"meta":', to_json(meta), b',"data":', data, b"}"

    def status(self, error: EventsError) -> int:
        """Return the HTTP status of an error."""
        return self.dialect.status(error) if self.dialect else error.code


def parse_version(text: str) -> Version:
    """Parse ``2.9`` into (2, 9) and ``22`` into (22, 0). Raises BadVersion."""
    found = VERSION.fullmatch(text)
    if not found:
        raise BadVersion(f"Invalid version {text}")
    return int(found[1]), int(found[2] or 0)


def _shown(version: Version, requested: Version) -> str | float:
    text = "{}.{}".format(*version)
    return text if requested >= TEXT_VERSION else float(text)
