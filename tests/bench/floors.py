"""What this machine can do at best: the raw work without a service around it, in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa

from schema.events import Context
from schema.lines import read_lines
from schema.migrate import migrate
from schema.store import EmbeddedEngine, Store
from tests.bench.reference import line_bodies

EVENTS = 100_000
PER_REQUEST = 5000
SCAN = "SELECT metric, intDiv(iter, 7) AS bucket, avg(value) FROM scalars GROUP BY metric, bucket"


class Point(msgspec.Struct):
    """A scalar event, and nothing else."""

    type: str
    task: str
    metric: str
    variant: str
    iter: int
    timestamp: int
    value: float
    worker: str


@dataclass(frozen=True)
class Floors:
    """Events or rows per second, on one core or, for the database, on what it takes."""

    decode: float
    insert: float
    scan: float


def measure(directory: Path) -> Floors:
    """Decode bodies, insert Arrow tables that are ready, group what was inserted."""
    bodies = line_bodies(["a" * 32], PER_REQUEST, EVENTS // PER_REQUEST)
    decoder = msgspec.json.Decoder(Point)
    decode = EVENTS / seconds(lambda: [decoder.decode_lines(body) for body in bodies])
    store = Store(EmbeddedEngine(directory / "floors"))
    migrate(store)
    tables = [_table(body) for body in bodies]
    insert = EVENTS / seconds(lambda: [store.insert("scalars", table) for table in tables])
    store.execute("OPTIMIZE TABLE scalars FINAL")
    scan = EVENTS / min(seconds(lambda: store.select(SCAN)) for _ in range(5))
    store.close()
    return Floors(decode, insert, scan)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _table(body: bytes) -> pa.Table:
    """Rows as the writer has them when all else is done."""
    batch = read_lines(body, Context(now_ms=0)).columns["training_stats_scalar"]
    table, count = pa.table(batch), batch.num_rows
    table = table.append_column("company", pa.array(["company"] * count))
    table = table.append_column("received_at", pa.array(range(count), pa.int64()))
    return table.append_column("seq", pa.array(range(count), pa.uint64()))
