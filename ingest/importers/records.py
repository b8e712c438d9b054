"""What a reader yields: runs, and the parts that a run consists of. The same for every source format.

A reader holds only a bounded number of points at once, so parts are small: some 100 000 points, some 1000 lines. Parts
of one run come in the order in which they were logged: where two have the same identity, the later one is the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

SINGLE_VALUE = -(2**31)  # the step of values that have none (API contract 2.2)
Status = Literal["completed", "failed", "stopped", "in_progress"]
Integers = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


class UnreadableSource(Exception):
    """A source, or a run of one, of which nothing more can be read; the text is one line that names the place."""


@dataclass(frozen=True)
class Points:
    """Points of one curve, in the order in which they were logged.

    ``steps``: whole numbers, or decimal ones. ``times``: ms since the epoch.
    """

    metric: str
    variant: str
    steps: Integers | Doubles
    values: Doubles
    times: Integers


@dataclass(frozen=True)
class Line:
    """A line of a console log. ``time``: ms since the epoch."""

    time: int
    text: str
    level: str = "info"


@dataclass(frozen=True)
class Lines:
    """Lines of a console log, in order."""

    lines: Sequence[Line]


@dataclass(frozen=True)
class Image:
    """A picture, or another file that is shown as one. ``name``: of the file, with its ending."""

    metric: str
    variant: str
    step: float
    time: int
    name: str
    content: bytes | Path
    key: str | None = None  # tells several of one step apart


@dataclass(frozen=True)
class Plot:
    """A figure, as plotly describes it. ``time``: ms since the epoch."""

    metric: str
    variant: str
    step: float
    time: int
    figure: Mapping[str, Any]


@dataclass(frozen=True)
class Artifact:
    """A file that a run made. ``key``: its path among the files of the run."""

    key: str
    content: Path


@dataclass(frozen=True)
class Scalars:
    """Scalars of any curves in columns that are named as their fields (API contract 6.1), without type and task."""

    table: pa.Table

    def curves(self) -> Iterator[Points]:
        """Yield the points of each curve."""
        grouped = self.table.group_by(["metric", "variant"], use_threads=False).aggregate(
            [(name, "list") for name in ("iter", "value", "timestamp")]
        )
        for row in grouped.to_batches():
            for number in range(row.num_rows):
                names = (row["metric"][number].as_py(), row["variant"][number].as_py())
                columns = [row[f"{name}_list"][number].values for name in ("iter", "value", "timestamp")]
                steps, values, times = (column.to_numpy(zero_copy_only=False) for column in columns)
                yield Points(*names, steps, values, times)


@dataclass(frozen=True)
class Events:
    """Events as the API takes them, without ``task``. ``files``: path and content of those that events name by URL."""

    events: Sequence[Mapping[str, Any]]
    files: Mapping[str, tuple[str, Path]] = field(default_factory=dict)


@dataclass(frozen=True)
class Details:
    """What is said of a run beside its events. ``fields``: what a task has no field of its own for.

    ``started`` and ``ended``: ms since the epoch.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] = ()
    comment: str = ""
    status: Status = "completed"
    status_reason: str = ""
    started: int | None = None
    ended: int | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)  # further fields of the task, as the API has them


@dataclass(frozen=True)
class Skipped:
    """Something of a source that is not stored: how often, and why. ``message``: a line for stderr, of bad input."""

    reason: str
    count: int = 1
    message: str = ""


Part = Points | Scalars | Lines | Image | Plot | Events | Artifact | Details | Skipped


@dataclass(frozen=True)
class Run:
    """One run. ``id`` tells it from all others of its format, however often and from wherever it is read.

    ``read`` yields its parts; Details among them replace ``details``. It raises UnreadableSource. ``weight``: how much
    work it is beside others, in bytes or rows. ``log``: tells the logs of several sources of one run apart.
    ``version``: changes with the source; empty if that cannot be told without reading all of it.
    """

    id: str
    name: str
    project: str
    read: Callable[[], Iterator[Part]]
    details: Details = Details()
    weight: int = 1
    log: str = ""
    version: str = ""


class Source(Protocol):
    """A place in one format."""

    @property
    def format(self) -> str:
        """The format's name."""

    def runs(self) -> Iterable[Run | Skipped]:
        """Return its runs, and what cannot be read instead of one. Raises UnreadableSource."""
