"""Clients that never give up: the same bytes again and again, at one gateway after the other, until there is a 2xx."""

from __future__ import annotations

import base64
import itertools
import json
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from schema.events.blocks import partition_of
from tests.faults.system import PARTITIONS, System
from tests.faults.truth import OVERWRITTEN, Batch, Deletion, Event, Ledger
from tests.harness.api import JSON_LINES, json_lines
from tests.harness.plain import plain_client

REQUEST_SECONDS = 30
RETRY_SECONDS = 0.2
PAGE = 10_000
Data = dict[str, Any]
Trace = Callable[[str, Any], None]


class Refused(Exception):
    """A 4xx: the test itself is wrong, or the gateway is."""


class Caller:
    """Calls of one thread, as the first user."""

    def __init__(
        self,
        system: System,
        token: str = "",
        *,
        gateways: Sequence[str] = (),
        patience: Callable[[], float] = lambda: REQUEST_SECONDS,
    ) -> None:
        self._client = plain_client(timeout=REQUEST_SECONDS)
        self._patience = patience
        self._gateways = itertools.cycle(gateways or [unit.origin for unit in system.gateways])
        self._queries = itertools.cycle([unit.origin for unit in system.queries])
        user = (system.credentials.access_key, system.credentials.secret_key)
        self.token = token or self._until_answered(self._queries, "auth.login", auth=httpx.BasicAuth(*user))["token"]
        self._headers = {"Authorization": f"Bearer {self.token}"}

    @property
    def company(self) -> str:
        """The first user's."""
        claims = json.loads(base64.urlsafe_b64decode(self.token.split(".")[1] + "=="))
        return str(claims["identity"]["company"])

    def write_once(self, body: bytes, ack: str, trace: Trace | None = None) -> httpx.Response:
        """One attempt of a batch; ``trace`` is told httpx's events of it. Raises httpx.HTTPError."""
        headers = self._headers | {"Content-Type": JSON_LINES, "X-Eventide-Ack": ack}
        extensions = {"trace": trace} if trace else {}
        return self._send("events.add_batch", headers, content=body, extensions=extensions)

    def change_once(self, action: str, body: Data) -> httpx.Response:
        """One attempt of another call of the gateway. Raises httpx.HTTPError."""
        return self._send(action, self._headers, json=body)

    def write(self, events: Iterable[Event], ack: str = "visible") -> None:
        """A batch that is repeated until it is taken, all of it."""
        headers = self._headers | {"Content-Type": JSON_LINES, "X-Eventide-Ack": ack}
        answer = self._until_answered(self._gateways, "events.add_batch", content=json_lines(events), headers=headers)
        if answer["errors"]:
            raise Refused(str(answer))

    def change(self, action: str, **body: Any) -> Data:
        """A call of the gateway that is repeated until it is answered."""
        return self._until_answered(self._gateways, action, json=body, headers=self._headers)

    def read(self, action: str, **body: Any) -> Data:
        """A call of the query service, another replica each time, repeated until it is answered."""
        return self._until_answered(self._queries, action, json=body, headers=self._headers)

    def events(self, task: str, event_type: str = "*") -> Iterator[Event]:
        """All events of a task; its pages come from different replicas."""
        scroll = ""
        while True:
            body = {"task": task, "event_type": event_type, "batch_size": PAGE, "scroll_id": scroll}
            page = self.read("events.get_task_events", count_total=False, **body)
            yield from page["events"]
            scroll = page["scroll_id"]
            if page["returned"] < PAGE:
                return

    def new_tasks(self, count: int) -> list[str]:
        """Tasks, of which one after the other falls into another partition."""
        found: dict[int, list[str]] = {partition: [] for partition in range(PARTITIONS)}
        while any(len(found[number % PARTITIONS]) <= number // PARTITIONS for number in range(count)):
            task = str(self.change("tasks.create", name="task", type="training")["id"])
            found[partition_of(self.company, task, PARTITIONS)].append(task)
        return [found[number % PARTITIONS][number // PARTITIONS] for number in range(count)]

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _send(self, action: str, headers: Mapping[str, str], **content: Any) -> httpx.Response:
        url = f"{next(self._gateways)}/{action}"
        return self._client.post(url, headers=headers, timeout=self._patience(), **content)

    def _until_answered(self, origins: Iterator[str], action: str, **options: Any) -> Data:
        end = time.monotonic() + 300
        while True:
            try:
                response = self._client.post(f"{next(origins)}/{action}", **options)
            except httpx.HTTPError as error:
                if time.monotonic() > end:
                    raise Refused(f"{action}: {error!r}") from error
            else:
                if response.status_code == 200:
                    data: Data = response.json()["data"]
                    return data
                if response.status_code < 500 or time.monotonic() > end:
                    raise Refused(f"{action}: {response.status_code} {response.text[:500]}")
            time.sleep(RETRY_SECONDS)


@dataclass
class Attempts:
    """How writes fared: when each was answered, and how. 0: no answer."""

    answers: list[tuple[float, int]] = field(default_factory=list)
    slowest_seconds: float = 0.0

    def count(self, status: int, since: float = 0.0, until: float = math.inf) -> int:
        """Answers of that status in a time."""
        return sum(since <= at <= until and answer == status for at, answer in self.answers)


class Clients:
    """Threads that write, delete and probe until told to stop; then each brings its last request to an end."""

    def __init__(self, system: System, seed: int) -> None:
        self.ledger = Ledger()
        self.attempts = Attempts()
        self.probes: list[tuple[float, float]] = []  # when it was first sent, when it was acknowledged
        self._system = system
        self._patience_seconds: float = REQUEST_SECONDS
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._give_up = threading.Event()
        self._threads: list[threading.Thread] = []
        self.caller = Caller(system)

    def add_writer(self, tasks: Sequence[str], *, ack: str = "durable", pause_seconds: float) -> None:
        """A client that writes batches of two tasks each."""
        self._start(self._write, f"w{len(self._threads)}", list(tasks), ack, pause_seconds)

    def add_deleter(self, tasks: Sequence[str], pause_seconds: float) -> None:
        """A client that deletes the events, or the log, of one of the tasks again and again."""
        self._start(self._delete, list(tasks), pause_seconds, random.Random(self._random.random()))

    def add_prober(self, tasks: Sequence[str], pause_seconds: float) -> None:
        """A client whose batches reach every partition: `visible`, and read by the next request."""
        self._start(self._probe, f"p{len(self._threads)}", tuple(tasks), pause_seconds)

    def wait_for_answers(self, seconds: float) -> float:
        """How long each request waits from now on; returns how long they did before."""
        before, self._patience_seconds = self._patience_seconds, seconds
        return before

    def stop(self, seconds: float = 300) -> None:
        """Returns when every client has the answer to its last request, or has given up after that time."""
        self._stop.set()
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._give_up.set()
        for thread in self._threads:
            thread.join()

    def recovery(self, since: float, seconds: float = 300) -> float:
        """Seconds from ``since`` to the first probe that was acknowledged later."""
        end = time.monotonic() + seconds
        while not (later := [acked for _, acked in self.probes if acked > since]):
            if time.monotonic() > end:
                self.ledger.complain(f"no visible write within {seconds:g} s after the fault")
                return seconds
            time.sleep(0.02)
        return later[0] - since

    def _start(self, target: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=self._guarded, args=(target, *arguments), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, target: Any, *arguments: Any) -> None:
        caller = Caller(self._system, self.caller.token, patience=lambda: self._patience_seconds)
        try:
            target(caller, *arguments)
        except Exception as error:  # whatever it is, it is a finding
            self.ledger.complain(f"a client failed: {error!r}")
        finally:
            caller.close()

    def _write(self, caller: Caller, name: str, tasks: Sequence[str], ack: str, pause_seconds: float) -> None:
        for number in itertools.count(1):
            if self._stop.is_set():
                return
            chosen = {tasks[number % len(tasks)], tasks[(number // 2) % len(tasks)]}
            batch = Batch(name, number, tuple(sorted(chosen)), time.monotonic())
            self._acknowledge(caller, batch, ack)
            self._stop.wait(pause_seconds)

    def _acknowledge(self, caller: Caller, batch: Batch, ack: str) -> bool:
        """Send a batch until it is acknowledged; False if that is given up."""
        self.ledger.begin(batch)
        body = batch.body()
        while not self._give_up.is_set():
            if self._attempt(lambda: caller.write_once(body, ack), batch):
                return True
            time.sleep(RETRY_SECONDS)
        return False

    def _attempt(self, send: Callable[[], httpx.Response], entry: Batch | Deletion) -> bool:
        started, status = time.monotonic(), 0
        try:
            response = send()
            status = response.status_code
        except httpx.HTTPError:
            return False
        finally:
            now = time.monotonic()
            self.attempts.answers.append((now, status))
            self.attempts.slowest_seconds = max(self.attempts.slowest_seconds, now - started)
        if 400 <= status < 500:
            raise Refused(response.text[:500])
        if status == 503 and "Retry-After" not in response.headers:
            self.ledger.complain("a 503 without Retry-After")
        if status >= 500 and status != 503:
            self.ledger.complain(f"{status}: {response.text[:300]}")
        if status == 200:
            entry.acked = time.monotonic()
        return status == 200

    def _delete(self, caller: Caller, tasks: Sequence[str], pause_seconds: float, choice: random.Random) -> None:
        while not self._stop.wait(pause_seconds):
            deletion = Deletion(choice.choice(tasks), choice.random() < 0.3, time.monotonic())
            self.ledger.begin(deletion)
            action = "events.clear_task_log" if deletion.is_logs else "events.delete_for_task"
            send = partial(caller.change_once, action, {"task": deletion.task})
            while not self._give_up.is_set():
                if self._attempt(send, deletion):
                    break
                time.sleep(RETRY_SECONDS)

    def _probe(self, caller: Caller, name: str, tasks: tuple[str, ...], pause_seconds: float) -> None:
        for number in itertools.count(1):
            if self._stop.is_set():
                return
            batch = Batch(name, number, tasks, time.monotonic())
            if self._acknowledge(caller, batch, "visible"):
                self.probes.append((batch.invoked, batch.acked or 0.0))
                self._look(caller, batch)
            self._stop.wait(pause_seconds)

    def _look(self, caller: Caller, batch: Batch) -> None:
        """What was answered `visible` is what the next request reads."""
        wanted = [{"metric": OVERWRITTEN, "variants": [batch.client]}]
        answer = caller.read("events.multi_task_scalar_metrics_iter_histogram", tasks=batch.tasks, metrics=wanted)
        curves = answer["metrics"].get(OVERWRITTEN, {}).get(batch.client, {})
        if any(curves.get(task, {}).get("y") != [batch.number] for task in batch.tasks):
            self.ledger.complain(f"{batch.number} was visible, but the next read gives {curves}")
