"""What this machine can do at best: the raw work without a service around it, in the same run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa

from ingest.parsing.json_lines import read_lines
from schema.events.normalize import ParseContext
from schema.store import EmbeddedEngine, Store
from schema.store.migrate import migrate
from tests.bench.measure import milliseconds
from tests.bench.reference import line_bodies

EVENTS = 100_000
PER_REQUEST = 5000
TIMES = 5
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
    """Decode bodies, insert Arrow tables that are ready, group what was inserted: each the best of a few times."""
    bodies = line_bodies(["a" * 32], PER_REQUEST, EVENTS // PER_REQUEST)
    decoder = msgspec.json.Decoder(Point)
    decode = EVENTS / best(lambda: [decoder.decode_lines(body) for body in bodies])
    store = Store(EmbeddedEngine(directory / "floors"))
    migrate(store)
    tables = [_table(body) for body in bodies]

    def insert_tables() -> None:
        for table in tables:
            store.insert("scalars", table)

    insert = EVENTS / best(insert_tables)
    store.execute("OPTIMIZE TABLE scalars FINAL")
    scan = EVENTS / best(lambda: store.select(SCAN))
    store.close()
    return Floors(decode, insert, scan)


def best(work: Callable[[], object]) -> float:
    """How many seconds it takes at least: other work on the machine may double a single time."""
    return min(milliseconds(work, TIMES, warm=0)) / 1000


def _table(body: bytes) -> pa.Table:
    """Rows as the writer has them when all else is done."""
    batch = read_lines(body, ParseContext(now_ms=0)).columns["training_stats_scalar"]
    table, count = pa.table(batch), batch.num_rows
    table = table.append_column("company", pa.array(["company"] * count))
    table = table.append_column("received_at", pa.array(range(count), pa.int64()))
    return table.append_column("seq", pa.array(range(count), pa.uint64()))
