"""Writers that a deployment must not lose an event of: what was answered 200 is counted, all else is sent again."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.harness.api import JSON_LINES, Api, until
from tests.harness.events import scalar

EVENTS = 50  # in a batch
PAUSE_SECONDS = 0.05
AGAIN_SECONDS = 0.2
GIVE_UP_SECONDS = 120.0
READABLE_SECONDS = 120
WRITTEN = re.compile(r'^eventide_http_requests_total\{code="200",endpoint="events\.add_batch"\} (\S+)$', re.MULTILINE)
METRICS = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8008/metrics').read().decode())"


@dataclass
class Load:
    """One writer of a task's curve. ``answers``: how often each status, or each kind of a broken connection, came."""

    api: Api
    task: str
    answers: Counter[str] = field(default_factory=Counter)
    batches: int = 0  # acknowledged

    @property
    def events(self) -> int:
        """How many events were acknowledged."""
        return self.batches * EVENTS

    def write_until(self, stop: threading.Event) -> None:
        """Write batch after batch, each again until it is answered 200."""
        while not stop.is_set():
            self._write(self.batches)
            self.batches += 1
            time.sleep(PAUSE_SECONDS)

    def _write(self, number: int) -> None:
        """Raises AssertionError if a batch is never acknowledged."""
        steps = range(number * EVENTS, (number + 1) * EVENTS)
        body = "\n".join(json.dumps(scalar(self.task, step, 1.0)) for step in steps).encode()
        end = time.monotonic() + GIVE_UP_SECONDS
        while (answer := self._answer(body)) != "200":
            assert time.monotonic() < end, f"batch {number} was answered {answer} to the end: {self.answers}"
            time.sleep(AGAIN_SECONDS)

    def _answer(self, body: bytes) -> str:
        headers = {"Content-Type": JSON_LINES, "X-Eventide-Ack": "durable"}
        try:
            answer = str(self.api.raw("events.add_batch", content=body, headers=headers).status_code)
        except httpx.TransportError as error:
            answer = type(error).__name__
        self.answers[answer] += 1
        return answer


@contextmanager
def under_load(api: Api) -> Iterator[Load]:
    """Write to a new task for as long as the block runs; afterwards everything written was acknowledged."""
    load, stop = Load(api, api.create_task()), threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            load.write_until(stop)
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=write, name="load")
    writer.start()
    try:
        yield load
    finally:
        stop.set()
        writer.join()
    assert not failures, failures[0]


def check_counts(api: Api, load: Load) -> None:
    """Every acknowledged event becomes readable, once."""
    assert load.batches > 0
    until(lambda: count(api, load.task) >= load.events, seconds=READABLE_SECONDS)
    assert count(api, load.task) == load.events


def batches_in(metrics: str) -> float:
    """How many batches a gateway has answered 200, by what METRICS prints there."""
    found = WRITTEN.search(metrics)
    return float(found[1]) if found else 0.0


def count(api: Api, task: str) -> int:
    """How many points a task has to a reader; repeated ones would count."""
    answer = api.call("events.get_task_events", task=task, event_type="training_stats_scalar", batch_size=1)
    return int(answer["total"])
