"""What other SDKs log, embedded: values a second through each adapter, until all of them can be read."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from tests.bench.bench import Bench, Service, one_process
from tests.bench.load import Client, Sent, in_threads, settle, timed
from tests.bench.measure import Figure

GOAL = 100e3  # values a second
PER_REQUEST = 1000  # of a log-batch of MLflow's clients at most
KEYS = 50
TOGETHER = 20  # values that trackio's clients log in one call


def measure(bench: Bench) -> None:
    """The rates."""
    with one_process() as service:
        for clients in (1, 4):
            settle(service.pids("up"))
            sent = _mlflow(bench, service, clients)
            what = f"MLflow, log-batch of {PER_REQUEST}, {clients} client{'s' * (clients > 1)}"
            bench.results.add(Figure(what, sent.rate * PER_REQUEST, "values/s", GOAL))
            per_cpu = sent.requests * PER_REQUEST / sent.cpu
            bench.results.add(Figure(f"{what}, a CPU-second of the server", per_cpu, "values/s"))
        settle(service.pids("up"))
        sent = _trackio(bench, service)
        what = f"trackio, bulk_log of {PER_REQUEST} in {PER_REQUEST // TOGETHER} entries, 4 clients"
        bench.results.add(Figure(what, sent.rate * PER_REQUEST, "values/s", GOAL))


def _mlflow(bench: Bench, service: Service, clients: int) -> Sent:
    runs = [_run(client) for client in service.clients(1) for _ in range(20)]
    bodies = [_batch(runs[number % len(runs)], number) for number in range(bench.times(1000))]
    connections = service.clients(clients)
    send = "/api/2.0/mlflow/runs/log-batch"
    return timed(lambda: _send_to(connections, send, bodies), connections[0], service.pids("up"), runs)


def _trackio(bench: Bench, service: Service) -> Sent:
    runs = [f"{number:032x}" for number in range(20)]
    bodies = [_entries(runs[number % len(runs)], number) for number in range(bench.times(500))]
    connections = service.clients(4)
    _post(connections[0], "/api/bulk_log", orjson.dumps({"kwargs": {"logs": [_entry(run, 0) for run in runs]}}))
    return timed(lambda: _send_to(connections, "/api/bulk_log", bodies), connections[0], service.pids("up"), runs)


def _entries(run: str, number: int) -> bytes:
    entries = PER_REQUEST // TOGETHER
    steps = range(number * entries, (number + 1) * entries)
    return orjson.dumps({"args": [], "kwargs": {"logs": [_entry(run, step) for step in steps], "hf_token": None}})


def _entry(run: str, step: int) -> dict[str, object]:
    metrics = {f"train/metric {key}": step / (key + 3) for key in range(TOGETHER)}
    return {"project": "bench", "run": run, "run_id": run, "metrics": metrics, "step": step, "log_id": f"{run}{step}"}


def _run(client: Client) -> str:
    answer = _post(client, "/api/2.0/mlflow/runs/create", orjson.dumps({"run_name": "bench"}))
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


def _send_to(clients: Sequence[Client], path: str, bodies: Sequence[bytes]) -> list[float]:
    return in_threads(clients, bodies, lambda client, body: _post(client, path, body))


def _post(client: Client, path: str, body: bytes) -> bytes:
    return client.post(path, body, {"Content-Type": "application/json"})
