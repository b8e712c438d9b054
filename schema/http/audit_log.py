"""Writes the audit log: a line of the logger ``eventide.audit`` at once, and soon after a row of the registry."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from schema.api.wire import Caller
from schema.errors import EventsError
from schema.registry import AuditEvent, Registry

LOGGER = "eventide.audit"
MAX_WAITING = 10_000  # events while the registry is away; beyond, only the log has them
PAUSE_SECONDS = 0.5
IMPERSONATION_SECONDS = 300.0  # in which one of the same two people is one event
MAX_PAIRS = 10_000
MAX_TEXT = 200
MAX_IDS = 20
FAILURE, IMPERSONATION, LOGIN = "auth.failure", "auth.impersonation", "auth.login"
# Calls that give or take access, or delete; a test holds this to the endpoint table.
AUDITED = frozenset(
    (
        "auth.login",
        "login.logout",
        "auth.create_credentials",
        "auth.edit_credentials",
        "auth.revoke_credentials",
        "auth.revoke_sessions",
        "auth.create_user",
        "auth.edit_user",
        "users.update",
        "users.set_role",
        "users.delete",
        "users.revoke_access",
        "quotas.set",
        "quotas.unset",
        "events.delete_for_task",
        "events.delete_for_model",
        "events.clear_task_log",
        "tasks.delete",
        "tasks.delete_many",
        "tasks.reset",
        "tasks.reset_many",
        "tasks.delete_artifacts",
        "tasks.delete_models",
        "tasks.delete_configuration",
        "tasks.delete_hyper_params",
        "tasks.make_public",
        "tasks.make_private",
        "mlflow.experiments_delete",
        "mlflow.experiments_delete_experiment_tag",
        "mlflow.runs_delete",
        "mlflow.runs_delete_tag",
        "models.delete",
        "models.delete_many",
        "models.delete_metadata",
        "models.make_public",
        "models.make_private",
        "projects.delete",
        "projects.merge",
        "projects.set_member",
        "projects.remove_member",
        "projects.make_public",
        "projects.make_private",
        "reports.delete",
        "pipelines.delete_runs",
    )
)
TARGETS = (
    *("task", "tasks", "model", "project", "ids", "user", "role", "name", "access_key", "sessions"),
    *("scope", "id", "kind", "limit", "run_id", "experiment_id"),
)

logger = logging.getLogger(LOGGER)


class AuditLog:
    """Events of one process. ``keep_days``: for how long the registry keeps them."""

    def __init__(self, registry: Registry, keep_days: int) -> None:
        self._registry = registry
        self._keep_days = keep_days
        self._waiting: list[AuditEvent] = []
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._acted: dict[tuple[str, str], float] = {}

    def record(self, event: str, caller: Caller, details: Mapping[str, Any]) -> None:
        """Log an event, and have it written. Never raises, never waits."""
        found = AuditEvent(
            int(time.time() * 1000),
            caller.company,
            event,
            caller.user,
            caller.actor,
            caller.address,
            caller.client,
            dict(details),
        )
        logger.info("%s", event, extra={"fields": vars(found)})
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(found)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    def record_acting(self, caller: Caller) -> None:
        """Record that somebody acts as another, once in IMPERSONATION_SECONDS."""
        pair, now = (caller.actor, caller.user), time.monotonic()
        if now - self._acted.get(pair, -IMPERSONATION_SECONDS) < IMPERSONATION_SECONDS:
            return
        if len(self._acted) >= MAX_PAIRS:
            self._acted.clear()
        self._acted[pair] = now
        self.record(IMPERSONATION, caller, {"actor_role": caller.actor_role})

    async def close(self) -> None:
        """Write what is waiting. A write under way is not cut off: its events are no longer among these."""
        self._closing.set()
        if self._writing:
            await self._writing
        await self._flush()

    async def _write(self) -> None:
        while self._waiting and not self._closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), PAUSE_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        events, self._waiting = self._waiting, []
        try:
            if events:
                await self._registry.add_audit_events(events, self._keep_days)
        except EventsError as error:
            self._waiting = (events + self._waiting)[:MAX_WAITING]
            logger.warning("%d audit events wait for the registry: %s", len(self._waiting), error)


def details_of(request: object) -> dict[str, Any]:
    """Return what a call was asked to change: ids and names, shortened."""
    given = {name: getattr(request, name, None) for name in TARGETS}
    return {name: _short(value) for name, value in given.items() if value or value == 0}


def _short(value: Any) -> Any:
    if isinstance(value, list | tuple):
        more = [f"and {len(value) - MAX_IDS} more"] if len(value) > MAX_IDS else []
        return [_short(one) for one in value[:MAX_IDS]] + more
    return str(value)[:MAX_TEXT]
