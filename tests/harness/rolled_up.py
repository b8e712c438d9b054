"""An independent model of the curves with minimum and maximum, in plain Python; and a log whose records are written."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

import pyarrow as pa

from ingest.rollups.builder import Bounds, Rollups
from ingest.writing.writer import Writer
from query.cache.read_caches import ReadCaches
from query.curves.histograms import MultiTaskScalarMetricsIterHistogram, read_curves
from schema.changefeed.changefeed import NoChangefeed
from schema.events.blocks import EVENTS, MAX_ROWS, Block, Deletion, Place, Record
from schema.events.tables import SCALAR, TABLES
from schema.registry import Entity
from schema.store import Store
from tests.harness.reference import FIRST_ITERATION, Point, float32, intervals

COMPANY = "company"
SPIKES: Final = "minmax"
BOUNDS = Bounds(long=1000, enough_rows=1, slice_rows=2000)  # so that tests need few events

Curve = tuple[str, str, str]  # task, metric, variant
Identity = tuple[str, str, str, int, str]  # and iteration, discriminator


@dataclass(frozen=True)
class Row:
    """An event as it is written."""

    task: str
    metric: str
    iteration: int
    value: float | None
    discriminator: str = ""
    has_iter: bool = True
    variant: str = "v"

    @property
    def identity(self) -> Identity:
        return (self.task, self.metric, self.variant, self.iteration, self.discriminator)


@dataclass
class Rolled:
    """A store, its writer and its roll-ups, and what is in it by the rules. ``epoch``: of the topic."""

    store: Store
    epoch: int = 1
    offset: int = 0
    truth: dict[Identity, tuple[int, Row]] = field(default_factory=dict)  # ``seq`` and row
    deleted: dict[str, int] = field(default_factory=dict)
    written: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writer = Writer(self.store)
        self.rollups = Rollups(self.store, bounds=BOUNDS)

    def place(self) -> Place:
        """The next in the log."""
        self.offset += 1
        return Place(self.epoch, 0, self.offset)

    def write(self, rows: Sequence[Row], first: Place | None = None) -> Record:
        """One record. ``first``: the place that it had when it was parked; it comes again now."""
        assert len(rows) <= MAX_ROWS
        place = self.place()
        record = Record(first or place, block(rows), place.seq if first else 0)
        self.apply(record)
        return record

    def apply(self, *records: Record) -> None:
        """Write records, maybe once more."""
        self.writer.write(records)
        for record in records:
            self.written.append(record)
            if isinstance(record.content, Block):
                for number, row in enumerate(rows_of(record.content)):
                    self._store(record.place.seq + number, row)

    def delete(self, task: str) -> None:
        """All events of a task."""
        record = Record(self.place(), Deletion(COMPANY, task, EVENTS, 1))
        self.writer.write([record])
        self.written.append(record)
        self.deleted[task] = record.place.seq
        self.truth = {identity: found for identity, found in self.truth.items() if identity[0] != task}

    def roll(self, task: str) -> bool:
        """As the roller does when it is quiet."""
        return self.rollups.roll((COMPANY, task))

    def read(self, tasks: Sequence[str], samples: int, **fields: Any) -> dict[Curve, dict[str, list[Any]]]:
        """The curves as the query service draws them."""
        request = MultiTaskScalarMetricsIterHistogram(tasks=[*tasks], samples=samples, aggregation=SPIKES, **fields)
        entities = [Entity(task, task, "created", COMPANY, COMPANY, False) for task in tasks]
        context: Any = SimpleNamespace(store=self.store, caches=ReadCaches(self.store, NoChangefeed()))
        drawn = asyncio.run(read_curves(context, entities, request))
        return {
            (curve.task, curve.metric, curve.variant): {name: shown(points[name]) for name in points}
            for curve, points in drawn
        }

    def expected(
        self, tasks: Sequence[str], samples: int, x_min: int = -(2**63), x_max: int = 2**63 - 1
    ) -> dict[Curve, dict[str, list[Any]]]:
        """The same by the rules."""
        found: dict[Curve, dict[str, list[Any]]] = {}
        for task in tasks:
            points: dict[tuple[str, str], list[Point]] = {}
            for _, row in self.truth.values():
                if row.task == task and row.has_iter and x_min <= row.iteration <= x_max:
                    points.setdefault((row.metric, row.variant), []).append(Point(row.iteration, 1, row.value))
            widths = intervals(points, samples, "iter")
            found |= {(task, *name): drawn(points[name], coarse(width)) for name, width in widths.items()}
        return found

    def _store(self, seq: int, row: Row) -> None:
        known, _ = self.truth.get(row.identity, (0, row))
        if seq >= known and seq > self.deleted.get(row.task, 0):
            self.truth[row.identity] = (seq, row)


def coarse(width: int) -> int:
    """What the README says of wide buckets."""
    return math.ceil(width / 100) * 100 if width > 300 else width


def drawn(points: Sequence[Point], width: int) -> dict[str, list[Any]]:
    """Buckets of a curve, each with mean, minimum and maximum."""
    buckets: dict[int, list[float]] = {}
    for point in points:
        if point.iteration is not None and point.iteration > FIRST_ITERATION:
            bucket = buckets.setdefault(point.iteration // width * width, [])
            if point.value is not None:
                bucket.append(float32(point.value))
    starts = sorted(buckets)
    values = [buckets[start] for start in starts]
    return {
        "x": starts,
        "y": [math.fsum(of) / len(of) if of else None for of in values],
        "y_min": [min(of, default=None) for of in values],
        "y_max": [max(of, default=None) for of in values],
    }


def shown(values: Any) -> list[Any]:
    """An array as the answer's JSON has it."""
    return [None if value != value else value for value in values.tolist()]


def block(rows: Sequence[Row]) -> Block:
    """The events of a record."""
    constant = {"timestamp": 1, "worker": "w", "model_event": False, "extras": "", "x_axis_label": None}
    columns: dict[str, list[Any]] = {name: [value] * len(rows) for name, value in constant.items()}
    columns |= {name: [getattr(row, name) for row in rows] for name in ("task", "metric", "variant")}
    columns |= {name: [getattr(row, name) for row in rows] for name in ("has_iter", "discriminator", "value")}
    columns["iter"] = [row.iteration for row in rows]
    return Block(COMPANY, SCALAR, 1, pa.RecordBatch.from_pydict(columns, schema=TABLES[SCALAR].block_schema))


def rows_of(content: Block) -> list[Row]:
    """The inverse of ``block``."""
    return [
        Row(r["task"], r["metric"], r["iter"], r["value"], r["discriminator"], r["has_iter"], r["variant"])
        for r in content.columns.to_pylist()
    ]
