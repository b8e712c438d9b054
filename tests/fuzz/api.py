"""Every endpoint, sent what its schema says and what it does not, in every format: it answers or refuses.

Properties: no answer is a 5xx, none takes longer than MAX_SECONDS, the process lives within MAX_MEBIBYTES, and what
another company stores is neither read nor changed. A deployment of its own is fuzzed, and the seed repeats the
requests, but for ids: ``python -m tests.fuzz.api --seconds 60 --seed 7``.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core.result import Ok

from schema.api.openapi import EVENT_STREAMS
from tests.fuzz.bodies import Body, body_of
from tests.fuzz.canary import Canary
from tests.fuzz.values import changed
from tests.harness.access import id_of, new_user
from tests.harness.api import Api, Data
from tests.harness.deployment import Deployment, embedded
from tests.harness.events import image, model_events, one_of_each, plot, scalar

MAX_SECONDS = 20.0  # of an answer, on a machine that does other things too
MAX_MEBIBYTES = 3000  # of the process: chDB takes 700, and bodies on their way up to 512
EXAMPLES = 4  # of a call in a round; the first round is whole, however long it takes
CHECK_EVERY = 200  # requests
BATCHES = frozenset(("events.add", "events.add_batch"))
METHODS = ("POST",) * 6 + ("GET", "PUT", "DELETE", "PATCH")


@dataclass(frozen=True)
class Operation:
    """One implementation of a call. ``examples``: a strategy of requests that its schema allows."""

    path: str
    examples: Any

    @property
    def action(self) -> str:
        """The name of the call."""
        return self.path.rpartition("/")[2]


class ApiFuzzer:
    """The requests of one run, and what became of them."""

    def __init__(self, deployment: Deployment, seed_number: int) -> None:
        self._deployment = deployment
        self._seed = seed_number
        self._source = random.Random(seed_number)
        self._process = psutil.Process(deployment.processes["up"].pid)
        self._api = self._new_caller()
        victim = new_user(deployment, "admin", "canaries")
        self.canary = Canary(victim)
        self._ids = self._own_ids()
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0

    def run(self, seconds: float) -> None:
        """Send requests until the time is over. Raises AssertionError for the first that breaks a property."""
        until, operations, rounds = time.monotonic() + seconds, list(self._operations()), 0
        while not rounds or time.monotonic() < until:
            self._source.shuffle(operations)
            for operation in operations:
                if rounds and time.monotonic() >= until:
                    break
                self._fuzz(operation, rounds)
            rounds += 1
        self._check_server()

    def _operations(self) -> Iterator[Operation]:
        description = self._api.ask(f"{self._api.origins.query}/openapi.json", method="GET").json()
        for found in schemathesis.openapi.from_dict(description).get_all_operations():
            assert isinstance(found, Ok)
            yield Operation(found.ok().path, found.ok().as_strategy())

    def _fuzz(self, operation: Operation, round_number: int) -> None:
        source = random.Random(f"{self._seed} {round_number} {operation.path}")

        @seed(source.getrandbits(64))
        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.examples)
        def take(case: schemathesis.Case[Any]) -> None:
            cases.append(case)

        cases: list[schemathesis.Case[Any]] = []
        take()
        for case in cases:
            method = "POST" if operation.action in BATCHES else source.choice(METHODS)
            self._send(operation, self._body_of(operation, case, source), method)

    def _body_of(self, operation: Operation, case: schemathesis.Case[Any], source: random.Random) -> Body:
        if isinstance(case.body, str | bytes) and source.random() < 0.3:
            raw = case.body if isinstance(case.body, bytes) else case.body.encode("utf-8", "replace")
            return Body(raw, {"Content-Type": case.media_type or "text/plain"})
        parameters = (case.body if isinstance(case.body, dict) else {}) | dict(case.query or {})
        return body_of(source, changed(source, parameters, self._ids), operation.action in BATCHES)

    def _send(self, operation: Operation, body: Body, method: str) -> None:
        url = f"{self._api.origins.query}{operation.path}{'?' if body.query else ''}{body.query}"
        told = f"seed {self._seed}: {method} {url[:2000]} {body.headers} {body.content[:4000].hex()}"
        started = time.monotonic()
        answer = self._answer(operation, method, url, body)
        taken = time.monotonic() - started
        self.slowest = max(self.slowest, taken)
        self.statuses[answer.status_code] += 1
        assert answer.status_code < 500, f"{told}: {answer.status_code} {answer.text[:2000]}"
        assert taken < MAX_SECONDS, f"{told}: {taken:.1f} s"
        assert self.canary.mark not in answer.text, f"{told}: it reads another company's data"
        if answer.status_code == 401:
            self._api = self._new_caller()  # it has deleted or demoted itself, or ended its session
        if self.statuses.total() % CHECK_EVERY == 0:
            self._check_server()

    def _answer(self, operation: Operation, method: str, url: str, body: Body) -> httpx.Response:
        """Return the answer; of a stream, which has no end, its head alone."""
        sent = body.headers | {"Authorization": f"Bearer {self._api.token}"}
        headers = [(name.encode(), value.encode("utf-8", "replace")) for name, value in sent.items()]
        with self._api._client.stream(method, url, content=body.content, headers=headers) as answer:
            if operation.action not in EVENT_STREAMS or answer.status_code != 200:
                answer.read()
            else:
                answer._content = b""
        self._api._client.cookies.clear()
        return answer

    def _check_server(self) -> None:
        assert self._process.is_running(), f"seed {self._seed}: the process has ended"
        mebibytes = self._process.memory_info().rss >> 20
        assert mebibytes < MAX_MEBIBYTES, f"seed {self._seed}: {mebibytes} MiB after {self.statuses.total()} requests"
        self.canary.check()

    def _new_caller(self) -> Api:
        return new_user(self._deployment, "admin", "fuzzers")

    def _own_ids(self) -> dict[str, list[str]]:
        """Return documents to call things on: the caller's, which calls may delete, and the other company's."""
        project = self._api.call("projects.create", name="fuzzed/inner")["id"]
        tasks = [self._api.create_task(project=project) for _ in range(20)]
        models = [self._api.create_model(uri="file:///model") for _ in range(20)]
        for task, model in zip(tasks, models, strict=True):
            self._api.add(*one_of_each(task), *model_events([scalar(model), plot(model), image(model)]))
        own: Data = {"task": tasks, "model": models, "project": [project], "user": [id_of(self._api)]}
        return {kind: own[kind] + self.canary.ids[kind] for kind in own}


def run(seed_number: int, seconds: float) -> None:
    """Fuzz a new deployment, and tell what it answered."""
    print(f"seed {seed_number}", flush=True)
    with tempfile.TemporaryDirectory() as directory, embedded(Path(directory)) as deployment:
        fuzzer = ApiFuzzer(deployment, seed_number)
        fuzzer.run(seconds)
        print(
            f"seed {seed_number}: {fuzzer.statuses.total()} requests, slowest {fuzzer.slowest:.1f} s, {fuzzer.statuses}"
        )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    run(arguments.seed, arguments.seconds)


if __name__ == "__main__":
    main()
