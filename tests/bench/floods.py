"""What one tenant does to the others in the fairness benchmark: loads in a process of their own, until it is ended."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import urlsplit

from tests.bench.reference import LINES, line_bodies

JSON = "application/json"
CONNECTIONS, SMALL_CONNECTIONS, STREAMS_A_USER = 8, 32, 64
WARM_SECONDS = 1.0


@dataclass(frozen=True)
class Request:
    """A call, its body and its content type."""

    action: str
    body: bytes
    content_type: str = JSON


@dataclass(frozen=True)
class Tenant:
    """Where a tenant sends its calls, as which users, and about which tasks."""

    origin: str
    tokens: Sequence[str]
    tasks: Sequence[str]


Flood = Callable[[Tenant], None]


@contextmanager
def running(flood: Flood, tenant: Tenant) -> Iterator[None]:
    """Run a flood in a process of its own, so that it does not hold up who measures."""
    process = multiprocessing.get_context("spawn").Process(target=_from_afar, args=(flood, tenant), daemon=True)
    process.start()
    time.sleep(WARM_SECONDS)
    try:
        yield
        assert process.is_alive(), "the flood has ended"
    finally:
        process.terminate()
        process.join()


def _from_afar(flood: Flood, tenant: Tenant) -> None:
    """Run a flood at the lowest priority: its clients' own CPU time would be another machine's."""
    os.nice(19)
    flood(tenant)


def quiet(_: Tenant) -> None:
    """Do nothing."""
    threading.Event().wait()


def writes(tenant: Tenant) -> None:
    """Send batches of 5000 lines over 8 connections."""
    _repeat(tenant, _batches(tenant, 5000, 40), CONNECTIONS)


def small_writes(tenant: Tenant) -> None:
    """Send single events over 32 connections."""
    _repeat(tenant, _batches(tenant, 1, 400), SMALL_CONNECTIONS)


def orders(tenant: Tenant) -> None:
    """Ask for all tasks in an order of as many and as long paths as there may be."""
    paths = [f"hyperparams.{'a' * 100}{number}.{'.'.join('b' * 18)}" for number in range(20)]
    _repeat(tenant, [_call("tasks.get_all", order_by=paths, page_size=500, only_fields=["id"])], CONNECTIONS)


def patterns(tenant: Tenant) -> None:
    """Search for regular expressions that backtrack over long names."""
    _repeat(tenant, [_call("tasks.get_all", name=f"(a|aa)+{n}b$", only_fields=["id"]) for n in range(50)], CONNECTIONS)


def histograms(tenant: Tenant) -> None:
    """Read all curves of 10 tasks."""
    action = "events.multi_task_scalar_metrics_iter_histogram"
    many = [_call(action, tasks=list(tenant.tasks[:10]), samples=5000 + n) for n in range(200)]
    _repeat(tenant, many, CONNECTIONS)


def wrong_ids(tenant: Tenant) -> None:
    """Ask for 10 000 tasks that do not exist, and write to as many."""
    ids = [f"{number:032x}" for number in range(10_000)]
    lines = b"\n".join(json.dumps({"type": "log", "task": key, "msg": "x"}).encode() for key in ids)
    asked = [_call("events.get_multi_task_plots", tasks=ids), Request("events.add_batch", lines, LINES)]
    _repeat(tenant, asked, CONNECTIONS)


def archiving(tenant: Tenant) -> None:
    """Archive 1000 tasks at once, over and over."""
    ids = [tenant.tasks[number % len(tenant.tasks)] for number in range(1000)]
    _repeat(tenant, [_call("tasks.archive_many", ids=ids)], CONNECTIONS)


def streams(tenant: Tenant) -> None:
    """Open all streams that 8 users may have, and write to the tasks that they watch."""
    watched = tenant.tasks[:20]
    for token in tenant.tokens:
        for _ in range(STREAMS_A_USER):
            connection = http.client.HTTPConnection(urlsplit(tenant.origin).netloc)
            query = "&".join(f"task={task}" for task in watched)
            headers = {"Authorization": f"Bearer {token}"}
            connection.request("GET", f"/v2.34/events.stream?{query}", headers=headers)
            threading.Thread(target=_drain, args=(connection,), daemon=True).start()
    _repeat(Tenant(tenant.origin, tenant.tokens, watched), _batches(tenant, 50, 400), 2)


FLOODS: dict[str, Flood] = {
    "8 connections write 5000 lines at once": writes,
    "32 connections write single events": small_writes,
    "lists ordered by 20 long paths": orders,
    "regular expressions over long names": patterns,
    "all curves of 10 tasks": histograms,
    "10 000 wrong ids": wrong_ids,
    "archive_many of 1000 tasks": archiving,
    "512 streams of 8 users": streams,
}


def _call(action: str, **fields: object) -> Request:
    return Request(action, json.dumps(fields).encode())


def _batches(tenant: Tenant, per_request: int, count: int) -> list[Request]:
    return [Request("events.add_batch", body, LINES) for body in line_bodies(tenant.tasks[:20], per_request, count)]


def _repeat(tenant: Tenant, requests: Sequence[Request], connections: int) -> None:
    """Send the requests over and over, each over the next free connection, whatever is answered."""
    rest, lock = cycle(requests), threading.Lock()

    def work() -> None:
        connection = http.client.HTTPConnection(urlsplit(tenant.origin).netloc, timeout=120)
        while True:
            with lock:
                request = next(rest)
            headers = {"Authorization": f"Bearer {tenant.tokens[0]}", "Content-Type": request.content_type}
            connection.request("POST", f"/v2.34/{request.action}", request.body, headers)
            connection.getresponse().read()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _drain(connection: http.client.HTTPConnection) -> None:
    """Read a stream until it ends."""
    response = connection.getresponse()
    while response.read1(1 << 16):
        pass
