"""Rows of the metric index: the curves, images, plots and log metrics of an entity, and their ranges."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from query.sql.statements import MetricFilter, entities_condition, fill, filter_sql
from query.sql.threads import threads
from schema.changefeed.change_batch import EntityKey
from schema.changefeed.points import CurveName
from schema.events.tables import SINGLE_VALUE_ITER
from schema.store import Store

ROWS_READ = 5000  # for one entity, with rows of others in the same granules

IDENTITY = ("task", "event_type", "metric", "variant", "since", "since_reset")
INDEX_SQL = f"""
SELECT {", ".join(IDENTITY)}, min(min_iter) AS low, max(max_iter) AS high, max(label) AS newest
FROM metric_index WHERE $entities AND $of_type AND $filter
GROUP BY {", ".join(IDENTITY)}
"""
ROWS_SQL = "SELECT task, count() AS count FROM metric_index WHERE $entities GROUP BY task"
TYPES_SQL = "SELECT DISTINCT event_type FROM metric_index WHERE $entities"

COLUMNS = (*IDENTITY, "min_iter", "max_iter", "label")  # the columns that are kept of rows as they are written
NAMES = itemgetter(*IDENTITY[:4])
NUMBERS = itemgetter(*IDENTITY[4:], "low", "high")
NO_LABEL = (0, "")


class IndexRow(NamedTuple):
    """The events of a metric and variant between two deletions.

    ``low``, ``high``: iterations; low > high if no event has one. ``newest_label``: ``seq`` and text of the newest
    label of the x axis.
    """

    task: str
    event_type: str
    metric: str
    variant: str
    since: int
    since_reset: int
    low: int
    high: int
    newest_label: tuple[int, str] = NO_LABEL

    @classmethod
    def of(cls, names: Iterable[str], numbers: Iterable[int], label: Mapping[str, Any]) -> IndexRow:
        """Make a row of ``names`` up to the variant and ``numbers`` up to ``high``.

        Names are interned: many rows are cached, of few names.
        """
        task, event_type, metric, variant = map(sys.intern, names)
        since, since_reset, low, high = numbers
        newest = (label["seq"], label["text"]) if label["seq"] else NO_LABEL
        return cls(task, event_type, metric, variant, since, since_reset, low, high, newest)

    @property
    def identity(self) -> tuple[str | int, ...]:
        """The part that rows of the same curve have in common."""
        return self[:6]

    @property
    def name(self) -> CurveName:
        """Its metric and variant."""
        return self.metric, self.variant

    @property
    def label(self) -> str:
        """The label of the x axis; empty if it has none."""
        return self.newest_label[1]

    @property
    def is_on_axis(self) -> bool:
        """Whether it has events with an iteration, other than single values."""
        return self.low <= self.high and self.high > SINGLE_VALUE_ITER

    def merged(self, other: IndexRow) -> IndexRow:
        """Merge two rows of one identity."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        return self._replace(low=low, high=high, newest_label=max(self.newest_label, other.newest_label))

    def passes(self, variants: Mapping[str, Sequence[str]], event_type: str) -> bool:
        """Tell whether it is of this type (empty: any) and of these metrics' variants.

        No metrics: any; a metric without variants: all of its variants.
        """
        if event_type and self.event_type != event_type:
            return False
        if not variants:
            return True
        wanted = variants.get(self.metric)
        return wanted is not None and (not wanted or self.variant in wanted)


async def read_index(
    store: Store, keys: Sequence[EntityKey], filters: Sequence[MetricFilter] = (), event_type: str = ""
) -> list[IndexRow]:
    """Read the rows of these entities, of these metrics and this event type if they are given."""
    condition, parameters = filter_sql(filters)
    of_them, names = entities_condition(*companies_and_tasks(keys))
    of_type = "event_type = {event_type:String}" if event_type else "1"
    statement = fill(INDEX_SQL, {"$filter": condition, "$entities": of_them, "$of_type": of_type})
    statement += threads(len(keys) * ROWS_READ)
    rows = await store.read(statement, parameters | names | {"event_type": event_type})
    return [IndexRow.of(NAMES(row), NUMBERS(row), row["newest"]) for row in rows]


async def count_index_rows(store: Store, keys: Sequence[EntityKey]) -> dict[str, int]:
    """Count the rows of each entity, by its id: a row for each curve, and more until ClickHouse has merged them."""
    of_them, names = entities_condition(*companies_and_tasks(keys))
    rows = await store.read(fill(ROWS_SQL, {"$entities": of_them}), names)
    return {row["task"]: row["count"] for row in rows}


async def read_event_types(store: Store, key: EntityKey) -> set[str]:
    """Read the event types that an entity ever had."""
    of_it, names = entities_condition(*companies_and_tasks([key]))
    return {row["event_type"] for row in await store.read(fill(TYPES_SQL, {"$entities": of_it}), names)}


def read_tables(tables: Sequence[pa.Table]) -> Iterator[IndexRow]:
    """Yield the rows of tables of COLUMNS, merged by identity, and then labels, which few rows have."""
    if not tables:
        return
    rows = pa.concat_tables(tables).flatten()
    ranges = rows.group_by(list(IDENTITY), use_threads=False).aggregate([("min_iter", "min"), ("max_iter", "max")])
    for values in zip(*ranges.to_pydict().values(), strict=True):
        yield IndexRow.of(values[:4], values[4:], {"seq": 0})
    labels = rows.filter(pc.greater(rows["label.seq"], 0))
    for *row, seq, text in zip(*labels.to_pydict().values(), strict=True):
        yield IndexRow.of(row[:4], row[4:], {"seq": seq, "text": text})


def companies_and_tasks(keys: Sequence[EntityKey]) -> tuple[list[str], list[str]]:
    """Return the distinct companies, and the tasks."""
    return sorted({company for company, _ in keys}), [task for _, task in keys]
