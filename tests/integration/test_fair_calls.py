"""Calls of two companies at one process: who waits, who is refused, and what becomes of calls whose client left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.endpoint_catalog import all_endpoints
from deploy.serve import start
from schema.api.requests import Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.fairness.admission import Admission
from schema.fairness.shares import current_share
from schema.http.auth import Authenticator
from schema.http.bodies import Limits
from schema.http.dispatcher import create_app
from schema.http.health import Health
from schema.registry import Registry
from schema.settings import Settings

COMPANIES = ("noisy", "quiet")
MOST_CALLS = 3


class Blocking(Request):
    """Nothing to say."""


@dataclass
class Desk:
    """The service of the test's endpoints: calls block here until they are let go."""

    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    started: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    async def serve(self, company: str) -> Answer:
        self.started.append(company)
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.cancelled.append(company)
            raise
        self.done.append(company)
        return {"share": current_share.get().company}


reads, changes = Endpoints(Tier.QUERY), Endpoints(Tier.GATEWAY)


@reads.add("desk.read")
async def read(desk: Desk, caller: Caller, request: Blocking) -> Answer:
    """Block."""
    return await desk.serve(caller.company)


@changes.add("desk.change")
async def change(desk: Desk, caller: Caller, request: Blocking) -> Answer:
    """Block, and change something."""
    return await desk.serve(caller.company)


@reads.add("desk.answer")
async def answer(desk: Desk, caller: Caller, request: Blocking) -> Answer:
    """Answer at once."""
    return {}


@dataclass
class Office:
    """A process with a desk, and clients of both companies."""

    desk: Desk
    origin: str
    client: aiohttp.ClientSession
    companies: dict[str, str]  # id by name

    def call(self, company: str, action: str) -> asyncio.Task[tuple[int, str | None, Any]]:
        """Begin a call; its result is the status, Retry-After and the body."""

        async def sent() -> tuple[int, str | None, Any]:
            headers = {"Authorization": aiohttp.encode_basic_auth(company, "a secret")}
            async with self.client.post(f"{self.origin}/{action}", json={}, headers=headers) as response:
                return response.status, response.headers.get("Retry-After"), await response.json()

        return asyncio.create_task(sent())

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(10):
            while not is_so():  # noqa: ASYNC110 - what happens in the server sets no event
                await asyncio.sleep(0.005)


@asynccontextmanager
async def office(directory: Path) -> AsyncIterator[Office]:
    registry = Registry(f"sqlite:///{directory / 'registry.db'}")
    await registry.create_schema()
    users = [await registry.add_user(name, "somebody", "user", name, "a secret") for name in COMPANIES]
    desk = Desk()
    table = Endpoints(Tier.BOTH).merge(reads.bind(desk), changes.bind(desk))
    limits, admission = Limits(1 << 20, 1 << 20), Admission(MOST_CALLS)
    app = create_app(table, Authenticator(registry, "secret"), Health(), limits, all_endpoints, admission=admission)
    runner, port = await start(app, Settings(drain_seconds=0.1), 0)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        ids = dict(zip(COMPANIES, (user.company for user in users), strict=True))
        yield Office(desk, f"http://127.0.0.1:{port}", client, ids)
    await runner.cleanup()
    await registry.close()


def run(directory: Path, steps: Callable[[Office], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with office(directory) as opened:
            await steps(opened)

    asyncio.run(scenario())


def test_a_company_with_too_many_calls_is_told_to_come_again_and_others_are_served(tmp_path: Path) -> None:
    async def steps(office: Office) -> None:
        running = [office.call("noisy", "desk.read") for _ in range(MOST_CALLS)]
        await office.until(lambda: len(office.desk.started) == MOST_CALLS)
        status, retry_after, body = await office.call("noisy", "desk.answer")
        assert (status, retry_after) == (429, "1")
        assert (body["meta"]["result_code"], body["meta"]["result_subcode"], body["data"]) == (429, 40, {})
        assert (await office.call("quiet", "desk.answer"))[0] == 200
        office.desk.let_go.set()
        assert [(await call)[0] for call in running] == [200] * MOST_CALLS
        assert (await office.call("noisy", "desk.answer"))[0] == 200

    run(tmp_path, steps)


def test_changes_do_not_wait_for_reads(tmp_path: Path) -> None:
    async def steps(office: Office) -> None:
        running = [office.call("noisy", "desk.read") for _ in range(MOST_CALLS)]
        await office.until(lambda: len(office.desk.started) == MOST_CALLS)
        changing = office.call("noisy", "desk.change")
        await office.until(lambda: len(office.desk.started) == MOST_CALLS + 1)
        office.desk.let_go.set()
        assert [(await call)[0] for call in (*running, changing)] == [200] * (MOST_CALLS + 1)

    run(tmp_path, steps)


def test_the_work_of_a_call_counts_for_its_company(tmp_path: Path) -> None:
    async def steps(office: Office) -> None:
        office.desk.let_go.set()
        for name in COMPANIES:
            assert (await office.call(name, "desk.read"))[2]["data"] == {"share": office.companies[name]}

    run(tmp_path, steps)


def test_a_read_ends_when_its_client_leaves(tmp_path: Path) -> None:
    async def steps(office: Office) -> None:
        calls = [office.call("noisy", "desk.read") for _ in range(MOST_CALLS)]
        await office.until(lambda: len(office.desk.started) == MOST_CALLS)
        calls[0].cancel()
        await office.until(lambda: len(office.desk.cancelled) == 1)
        assert (await office.call("noisy", "desk.answer"))[0] == 200  # its place is free again
        office.desk.let_go.set()
        assert [(await call)[0] for call in calls[1:]] == [200] * (MOST_CALLS - 1)

    run(tmp_path, steps)


def test_a_change_is_done_even_if_its_client_leaves(tmp_path: Path) -> None:
    async def steps(office: Office) -> None:
        call = office.call("noisy", "desk.change")
        await office.until(lambda: len(office.desk.started) == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(0.05)  # for the server to notice
        office.desk.let_go.set()
        await office.until(lambda: len(office.desk.done) == 1)
        assert not office.desk.cancelled

    run(tmp_path, steps)


def test_who_leaves_while_waiting_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.fairness.admission.CONTESTED_CALLS", 2)
    monkeypatch.setattr("schema.fairness.admission.FEWEST_CALLS", 1)

    async def steps(office: Office) -> None:
        assert (await office.call("quiet", "desk.answer"))[0] == 200
        first = office.call("noisy", "desk.change")
        await office.until(lambda: len(office.desk.started) == 1)
        second, third = office.call("noisy", "desk.change"), office.call("noisy", "desk.change")
        await asyncio.sleep(0.1)  # they have come, and wait
        second.cancel()
        await asyncio.sleep(0.1)
        assert len(office.desk.started) == 1
        office.desk.let_go.set()
        done = await asyncio.gather(first, second, third, return_exceptions=True)
        assert sum(isinstance(one, tuple) and one[0] == 200 for one in done) == 2
        assert len(office.desk.started) == 2

    run(tmp_path, steps)
