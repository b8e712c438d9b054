"""Eventide's own page: its first curve in a real browser, and what many open pages cost while events arrive."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
from playwright.sync_api import Browser, sync_playwright

from tests.bench.bench import Bench, Service, one_process
from tests.bench.load import send_all, settle, steady
from tests.bench.measure import Figure, milliseconds, percentile
from tests.bench.reads import HISTOGRAM, reader
from tests.bench.reference import ARROW, columns, line_bodies
from tests.page.conftest import ARGUMENTS, CHROMIUM

STEPS, PER_REQUEST, VISITS = 1_000_000, 100_000, 7
STREAMS, EVENTS_PER_SECOND, EVENTS_PER_BODY, SECONDS = 50, 20_000, 1000, 20.0
PAUSE_SECONDS, PATIENCE_SECONDS = 0.1, 30
LONGEST_LINE = 1 << 24  # bytes of one notice's points
# In the page: when the frame is over in which the first curve is drawn, in ms since the navigation began.
WATCH = """
new MutationObserver((_, observer) => {
    if (!document.querySelector(".u-over")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { document.documentElement.dataset.drawn = performance.now() }));
}).observe(document, { childList: true, subtree: true });
"""


def measure(bench: Bench) -> None:
    """A long curve, then many pages."""
    with one_process() as service:
        if CHROMIUM:
            _first_curve(bench, service)
        else:
            print("without Chromium (EVENTIDE_TEST_CHROMIUM names one)")
    with one_process() as service:
        _streams(bench, service)


def _first_curve(bench: Bench, service: Service) -> None:
    """Each visit with a browser that has nothing of the page yet."""
    (task,), steps = service.tasks(1), bench.times(STEPS)
    send_all(service.clients(2), [columns(task, ["loss"], n, PER_REQUEST) for n in range(0, steps, PER_REQUEST)], ARROW)
    settle(service.pids("up"))
    address = f"{service.deployment.origins.query}/#/task/{task}/scalars"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        taken = [_visit(browser, service, address) for _ in range(VISITS)]
        browser.close()
    floor = steps / bench.floors.scan * 1000
    what = f"first curve of {steps / 1e6:g} M steps on screen"
    bench.results.add(Figure(f"{what}, p50", percentile(taken, 50), "ms", 1000, floor, "a bare scan"))
    bench.results.add(Figure(f"{what}, slowest of {VISITS}", max(taken), "ms", 1000))


def _visit(browser: Browser, service: Service, address: str) -> float:
    """ms from the navigation's begin until a curve is drawn."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    cookie = {"name": "clearml_token_basic", "value": service.api.token, "url": service.deployment.origins.query}
    context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(address)
    drawn = page.locator("html[data-drawn]").get_attribute("data-drawn")
    context.close()
    return float(drawn or "nan")


def _streams(bench: Bench, service: Service) -> None:
    """50 pages are open, each on one of the tasks that report; reads of one of these tasks go on beside them."""
    tasks, seconds = service.tasks(20), SECONDS * bench.scale
    (probed,) = service.tasks(1)
    bodies = line_bodies(tasks, EVENTS_PER_BODY, 400)
    followed = [[tasks[number % len(tasks)]] for number in range(STREAMS - 1)]
    client, body = reader(service), json.dumps({"task": tasks[0]}).encode()
    with _followed(service, [*followed, [probed]]) as seen:
        alone = milliseconds(lambda: client.send(HISTOGRAM, body))
        with steady(service.clients(4), bodies, EVENTS_PER_SECOND / EVENTS_PER_BODY) as writes:
            end, probe = time.monotonic() + seconds, _Probe(service, probed, seen)
            reads = []
            while time.monotonic() < end:
                reads += milliseconds(lambda: client.send(HISTOGRAM, body), times=1, warm=0)
                probe.report()
                time.sleep(PAUSE_SECONDS)
        waits = probe.waits()
    arrived = len(writes) * EVENTS_PER_BODY / seconds
    bench.results.add(Figure("50 pages, events arriving", arrived, "events/s", EVENTS_PER_SECOND * 0.95))
    bench.results.add(Figure("50 pages, a read of one task, no events, p50", percentile(alone, 50), "ms"))
    bench.results.add(Figure("50 pages, a read of one task, p50", percentile(reads, 50), "ms"))
    bench.results.add(Figure("50 pages, a read of one task, p99", percentile(reads, 99), "ms", 250))
    bench.results.add(Figure("50 pages, acknowledged to seen, p50", percentile(waits, 50), "ms"))
    bench.results.add(Figure("50 pages, acknowledged to seen, p99", percentile(waits, 99), "ms", 1000))


@dataclass
class _Seen:
    """When the newest of the last stream's points came, by iteration."""

    open: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    at: dict[int, float] = field(default_factory=dict)
    is_over: threading.Event = field(default_factory=threading.Event)


class _Probe:
    """A task that reports a point now and then."""

    def __init__(self, service: Service, task: str, seen: _Seen) -> None:
        self._client, self._task, self._seen = reader(service), task, seen
        self._acknowledged: list[float] = []

    def report(self) -> None:
        """One more point."""
        point = {"type": "training_stats_scalar", "task": self._task, "metric": "m", "variant": "v", "value": 1.0}
        self._client.send("events.add", json.dumps(point | {"iter": len(self._acknowledged)}).encode())
        self._acknowledged.append(time.perf_counter())

    def waits(self) -> list[float]:
        """ms from each answer until the stream told of the point."""
        end = time.monotonic() + PATIENCE_SECONDS
        while len(self._acknowledged) - 1 not in self._seen.at:
            assert time.monotonic() < end, "the stream told nothing"
            time.sleep(0.01)
        return [max(0.0, self._seen.at[n] - at) * 1000 for n, at in enumerate(self._acknowledged)]


@contextmanager
def _followed(service: Service, pages: list[list[str]]) -> Iterator[_Seen]:
    """A stream for each page, on an event loop of their own; all are open inside."""
    seen = _Seen()
    thread = threading.Thread(target=asyncio.run, args=[_follow_all(service, pages, seen)])
    thread.start()
    try:
        for _ in pages:
            assert seen.open.acquire(timeout=PATIENCE_SECONDS)
        yield seen
    finally:
        seen.is_over.set()
        thread.join()


async def _follow_all(service: Service, pages: list[list[str]], seen: _Seen) -> None:
    headers, timeout = {"Authorization": f"Bearer {service.api.token}"}, aiohttp.ClientTimeout(total=None)
    url = f"{service.deployment.origins.query}/v2.34/events.stream"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        headers=headers, timeout=timeout, connector=connector, read_bufsize=LONGEST_LINE
    ) as session:
        streams = [asyncio.create_task(_follow(session, url, page, seen, page is pages[-1])) for page in pages]
        await asyncio.to_thread(seen.is_over.wait)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)


async def _follow(session: aiohttp.ClientSession, url: str, tasks: list[str], seen: _Seen, is_probed: bool) -> None:
    async with session.get(url, params=[("task", task) for task in tasks]) as response:
        name = ""
        async for line in response.content:
            field_name, _, value = line.rstrip().partition(b": ")
            if field_name == b"event":
                name = value.decode()
                if name == "ready":
                    seen.open.release()
            elif field_name == b"data" and name == "points" and is_probed:
                for iteration in json.loads(value)["metrics"]["m"]["v"]["x"]:
                    seen.at[iteration] = time.perf_counter()
