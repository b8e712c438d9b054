"""Clients that send prepared bodies as fast as they are answered: threads with a connection each."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

import orjson
import psutil

from tests.bench.reference import LINES

SETTLE_SECONDS = 60
IDLE_CPU = 0.08  # seconds of CPU in a second


@dataclass
class Client:
    """One connection of one user."""

    origin: str
    headers: Mapping[str, str]
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(self.origin).netloc, timeout=120)

    def send(self, action: str, body: bytes, content_type: str = "application/json", ack: str | None = None) -> bytes:
        """The body of the answer, which must be 200."""
        return self.post(
            f"/v2.34/{action}", body, {"Content-Type": content_type} | ({"X-Eventide-Ack": ack} if ack else {})
        )

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The body of the answer to a request at any path, which must be 200."""
        self.connection.request("POST", path, body, dict(self.headers) | dict(headers))
        response = self.connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer[:500]
        return answer


@dataclass(frozen=True)
class Sent:
    """What came of a load. ``cpu``: of the watched processes, in seconds."""

    requests: int
    seconds: float
    cpu: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def send_all(
    clients: Sequence[Client],
    bodies: Sequence[bytes],
    content_type: str = LINES,
    pids: Sequence[int] = (),
    ack: str | None = None,
    tasks: Sequence[str] = (),
) -> Sent:
    """Every body once, each by the next free client; and until all of it can be read, if ``tasks`` are named."""

    def send(client: Client, body: bytes) -> None:
        client.send("events.add_batch", body, content_type, ack)

    return timed(lambda: in_threads(clients, bodies, send), clients[0], pids, tasks)


def timed(send: Callable[[], list[float]], reader: Client, pids: Sequence[int], tasks: Sequence[str]) -> Sent:
    """What comes of ``send``, which returns the latencies of its requests (ms), until ``tasks`` can be read."""
    before, started = cpu_seconds(pids), time.perf_counter()
    latencies = send()
    if tasks:
        reader.send("events.get_multi_task_metrics", orjson.dumps({"tasks": tasks, "event_type": "plot"}))
    return Sent(len(latencies), time.perf_counter() - started, cpu_seconds(pids) - before, latencies)


def in_threads(
    clients: Sequence[Client], bodies: Sequence[bytes], send: Callable[[Client, bytes], object]
) -> list[float]:
    """Send every body once, each by the next free client; return the latencies in ms."""
    places, latencies = count(), list[float]()

    def work(client: Client) -> None:
        while (place := next(places)) < len(bodies):
            begun = time.perf_counter()
            send(client, bodies[place])
            latencies.append((time.perf_counter() - begun) * 1000)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(latencies) == len(bodies)
    return latencies


@contextmanager
def steady(clients: Sequence[Client], bodies: Sequence[bytes], per_second: float) -> Iterator[list[float]]:
    """Bodies over and over, so many a second, while inside; yields the latencies in ms, as they come."""
    stop, places, latencies = threading.Event(), count(), list[float]()
    started = time.perf_counter()

    def work(client: Client) -> None:
        while not stop.is_set():
            place = next(places)
            stop.wait(max(0, started + place / per_second - time.perf_counter()))
            begun = time.perf_counter()
            client.send("events.add_batch", bodies[place % len(bodies)], LINES)
            latencies.append((time.perf_counter() - begun) * 1000)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield latencies
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of these processes so far."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def settle(pids: Sequence[int]) -> None:
    """Wait until the processes have nothing left to do: merges, flushes. At most SETTLE_SECONDS."""
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        before = cpu_seconds(pids)
        time.sleep(1)
        if cpu_seconds(pids) - before < IDLE_CPU:
            return


def resident_mb(pid: int) -> float:
    """Memory of a process that is its own: without files that it maps, which the kernel may drop."""
    memory = psutil.Process(pid).memory_info()
    return float(memory.rss - memory.shared) / 1e6
