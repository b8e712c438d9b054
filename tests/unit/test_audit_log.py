"""``schema/http/audit_log.py``: events that are being written when a process ends are not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from schema.api.wire import Caller
from schema.http.audit_log import AuditLog
from schema.registry import AuditEvent, Registry


class SlowRegistry:
    """Writes as slowly as a database under load, on the same loop."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.is_writing = asyncio.Event()

    async def add_audit_events(self, events: Sequence[AuditEvent], keep_days: int) -> None:
        self.is_writing.set()
        await asyncio.sleep(0.05)
        self.written += [event.event for event in events]


def test_a_write_under_way_and_what_waits_behind_it_end_before_the_log_is_closed() -> None:
    async def scenario() -> list[str]:
        registry = SlowRegistry()
        log = AuditLog(cast("Registry", registry), 1)
        log.record("first", Caller("u", "c", "user"), {})
        await registry.is_writing.wait()
        log.record("second", Caller("u", "c", "user"), {})
        await log.close()
        return registry.written

    assert asyncio.run(scenario()) == ["first", "second"]
