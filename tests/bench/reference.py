"""The reference work: 1 000 000 points = 20 tasks x 50 metrics x 1000 iterations, as bodies made beforehand."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

METRICS = [f"metric {number:02}" for number in range(50)]
ITERATIONS = 1000
START_MS = 1_700_000_000_000
ARROW = "application/vnd.apache.arrow.stream"
LINES = "application/json-lines"
Event = dict[str, Any]


def events(task: str, iterations: Sequence[int]) -> Iterator[Event]:
    """The points of some iterations of a task, as an SDK sends them."""
    for iteration in iterations:
        for number, metric in enumerate(METRICS):
            yield {
                "type": "training_stats_scalar",
                "task": task,
                "metric": metric,
                "variant": "train",
                "iter": iteration,
                "timestamp": START_MS + iteration * 1000,
                "value": math.sin(iteration / 50 + number) + number,
                "worker": "trainer-1:gpu0",
            }


def line_bodies(tasks: Sequence[str], per_request: int, count: int, first: int = 0) -> list[bytes]:
    """So many json-lines bodies, of one task each, task after task."""
    sources = [events(task, range(first, first + 10**9)) for task in tasks]
    return [
        b"\n".join(json.dumps(event).encode() for event in islice(sources[place % len(sources)], per_request))
        for place in range(count)
    ]


def column_bodies(tasks: Sequence[str], per_request: int, count: int) -> list[bytes]:
    """The same as Arrow streams."""
    rounds = per_request // len(METRICS)
    return [columns(tasks[place % len(tasks)], METRICS, place // len(tasks) * rounds, rounds) for place in range(count)]


def columns(task: str, metrics: Sequence[str], first: int, iterations: int) -> bytes:
    """An Arrow stream: every metric in each of some iterations of a task."""
    count = iterations * len(metrics)
    steps = np.repeat(np.arange(first, first + iterations, dtype=np.int64), len(metrics))
    numbers = np.tile(np.arange(len(metrics)), iterations)
    one = pa.array(np.zeros(count, np.int32))
    return arrow_stream(
        pa.table(
            {
                "type": pa.DictionaryArray.from_arrays(one, ["training_stats_scalar"]),
                "task": pa.DictionaryArray.from_arrays(one, [task]),
                "metric": pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()), list(metrics)),
                "variant": pa.DictionaryArray.from_arrays(one, ["train"]),
                "worker": pa.DictionaryArray.from_arrays(one, ["trainer-1:gpu0"]),
                "iter": steps,
                "timestamp": START_MS + steps * 1000,
                "value": np.sin(steps / 50 + numbers) + numbers,
            }
        )
    )


def arrow_stream(table: pa.Table) -> bytes:
    """A table as the body of a request."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    body: bytes = sink.getvalue().to_pybytes()
    return body
