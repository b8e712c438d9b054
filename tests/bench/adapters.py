"""What other SDKs log, embedded: values a second through each adapter, until all of them can be read."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from itertools import count

import orjson

from tests.bench.bench import Bench, Service, one_process
from tests.bench.load import Client, Sent, settle, timed
from tests.bench.measure import Figure

GOAL = 100e3  # values a second
PER_REQUEST = 1000  # of a log-batch of MLflow's clients at most
KEYS = 50
TOGETHER = 20  # values that trackio's clients log in one call


def measure(bench: Bench) -> None:
    """The rates."""
    with one_process() as service:
        for clients in (1, 4):
            _warm(service)
            sent = _mlflow(bench, service, clients)
            what = f"MLflow, log-batch of {PER_REQUEST}, {clients} client{'s' * (clients > 1)}"
            bench.results.add(Figure(what, sent.rate * PER_REQUEST, "values/s", GOAL))
            per_cpu = sent.requests * PER_REQUEST / sent.cpu
            bench.results.add(Figure(f"{what}, a CPU-second of the server", per_cpu, "values/s"))
        _warm(service)
        sent = _trackio(bench, service)
        what = f"trackio, bulk_log of {PER_REQUEST} in {PER_REQUEST // TOGETHER} entries, 4 clients"
        bench.results.add(Figure(what, sent.rate * PER_REQUEST, "values/s", GOAL))


def _mlflow(bench: Bench, service: Service, clients: int) -> Sent:
    runs = [_run(client) for client in service.clients(1) for _ in range(20)]
    bodies = [_batch(runs[number % len(runs)], number) for number in range(bench.times(1000))]
    connections = service.clients(clients)
    send = "/api/2.0/mlflow/runs/log-batch"
    return timed(lambda: send_to(connections, send, bodies), connections[0], service.pids("up"), runs)


def _trackio(bench: Bench, service: Service) -> Sent:
    runs = [f"{number:032x}" for number in range(20)]
    bodies = [_entries(runs[number % len(runs)], number) for number in range(bench.times(500))]
    connections = service.clients(4)
    post(connections[0], "/api/bulk_log", orjson.dumps({"kwargs": {"logs": [_entry(run, 0) for run in runs]}}))
    return timed(lambda: send_to(connections, "/api/bulk_log", bodies), connections[0], service.pids("up"), runs)


def _entries(run: str, number: int) -> bytes:
    entries = PER_REQUEST // TOGETHER
    steps = range(number * entries, (number + 1) * entries)
    return orjson.dumps({"args": [], "kwargs": {"logs": [_entry(run, step) for step in steps], "hf_token": None}})


def _entry(run: str, step: int) -> dict[str, object]:
    metrics = {f"train/metric {key}": step / (key + 3) for key in range(TOGETHER)}
    return {"project": "bench", "run": run, "run_id": run, "metrics": metrics, "step": step, "log_id": f"{run}{step}"}


def _run(client: Client) -> str:
    answer = post(client, "/api/2.0/mlflow/runs/create", orjson.dumps({"run_name": "bench"}))
    return str(orjson.loads(answer)["run"]["info"]["run_id"])


def _batch(run: str, number: int) -> bytes:
    """A body with one point of each key at each of some steps, all of them new."""
    first, steps = number * PER_REQUEST // KEYS, PER_REQUEST // KEYS
    metrics = [
        {"key": f"train/metric {key}", "value": step / (key + 3), "timestamp": 1_700_000_000_000 + step, "step": step}
        for step in range(first, first + steps)
        for key in range(KEYS)
    ]
    return orjson.dumps({"run_id": run, "metrics": metrics})


def _warm(service: Service) -> None:
    settle(service.pids("up"))


def send_to(clients: Sequence[Client], path: str, bodies: Sequence[bytes]) -> list[float]:
    """Send every body once, each by the next free client; return the latencies in ms."""
    places, latencies = count(), list[float]()

    def work(client: Client) -> None:
        while (place := next(places)) < len(bodies):
            begun = time.perf_counter()
            post(client, path, bodies[place])
            latencies.append((time.perf_counter() - begun) * 1000)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(latencies) == len(bodies)
    return latencies


def post(client: Client, path: str, body: bytes) -> bytes:
    """The answer to a request, which must be 200."""
    client.connection.request("POST", path, body, dict(client.headers) | {"Content-Type": "application/json"})
    response = client.connection.getresponse()
    answer = response.read()
    assert response.status == 200, answer[:500]
    return answer
