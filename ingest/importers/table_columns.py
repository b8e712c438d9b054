"""What the columns of a table mean, guessed by their names: a curve in each (wide), or a point in each row (long)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ingest.importers.records import UnreadableSource

STEPS = ("step", "_step", "iter", "iteration", "global_step", "trainer/global_step", "steps", "epoch")
TIMES = ("timestamp", "_timestamp", "time", "wall_time", "datetime", "date")
RUNS = ("run", "run_id", "run_name", "run_uuid", "task", "experiment", "trial")
KEYS = ("key", "metric", "name", "tag", "attribute", "attribute_path", "series")
VALUES = ("value", "metric_value", "float_value")
VARIANT = "variant"


@dataclass(frozen=True)
class Columns:
    """The names of columns by what they mean; None: there is none, so that rows are counted, or of one run.

    ``key`` and ``value`` are there in the long form, ``curves`` in the wide one.
    """

    step: str | None
    time: str | None
    run: str | None
    key: str | None = None
    variant: str | None = None
    value: str | None = None
    curves: tuple[str, ...] = ()

    @property
    def is_long(self) -> bool:
        """Whether each row is a point."""
        return self.value is not None


def columns_of(names: Iterable[str], step: str | None = None) -> Columns:
    """Return what columns mean. ``step``: the one with the step, if it is known.

    Raises UnreadableSource if that is not there.
    """
    known = {name.strip().lower(): name for name in names}
    if step is not None and step not in known.values():
        raise UnreadableSource(f"there is no column {step}, but {', '.join(known.values())}")
    step = step or _first(known, STEPS)
    time, run = _first(known, TIMES), _first(known, RUNS)
    key, value = _first(known, KEYS), _first(known, VALUES)
    if key and value:
        return Columns(step, time, run, key, known.get(VARIANT), value)
    curves = tuple(name for name in known.values() if name not in (step, time, run))
    return Columns(step, time, run, curves=curves)


def _first(known: dict[str, str], names: Iterable[str]) -> str | None:
    return next((known[name] for name in names if name in known), None)
