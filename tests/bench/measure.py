"""A measured figure beside its goal and the raw floor of this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

MARKS = {True: "yes", False: "no", None: ""}


@dataclass(frozen=True)
class Figure:
    """``goal``: at least so much of a rate, at most so much of anything else. ``floor``: what bounds it, same unit."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    floor: float | None = None
    floor_of: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.is_rate else self.value <= self.goal

    @property
    def is_rate(self) -> bool:
        """More is better."""
        return self.unit.endswith("/s")

    @property
    def ratio(self) -> float | None:
        """How far from the floor: 1 is as fast as the floor, 0.5 half as fast."""
        if not self.floor:
            return None
        return self.value / self.floor if self.is_rate else self.floor / self.value


@dataclass
class Results:
    """Figures so far; each is shown as it comes."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Keep and show one."""
        self.figures.append(figure)
        print(_line(figure), flush=True)

    def table(self) -> str:
        """All figures as a Markdown table."""
        head = "| measure | figure | goal | met | of the floor |\n|---|---|---|---|---|"
        return "\n".join([head, *(_row(figure) for figure in self.figures)])

    def as_json(self) -> list[dict[str, Any]]:
        """All figures as plain data."""
        return [asdict(figure) | {"is_met": figure.is_met, "ratio": figure.ratio} for figure in self.figures]


def milliseconds(call: Callable[[], object], times: int = 30, warm: int = 3) -> list[float]:
    """How long each of some calls takes, after a few that are not counted."""
    for _ in range(warm):
        call()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def percentile(values: Iterable[float], percent: int) -> float:
    """Of at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _line(figure: Figure) -> str:
    goal = "" if figure.goal is None else f"goal {_number(figure.goal)}  {MARKS[figure.is_met]}"
    floor = "" if figure.ratio is None else f"{figure.ratio:.2f} of {figure.floor_of}"
    return f"{figure.what:62} {_number(figure.value):>9} {figure.unit:9} {goal:18} {floor}"


def _row(figure: Figure) -> str:
    goal = "" if figure.goal is None else f"{_number(figure.goal)} {figure.unit}"
    floor = "" if figure.ratio is None else f"{figure.ratio:.2f} ({figure.floor_of})"
    return f"| {figure.what} | {_number(figure.value)} {figure.unit} | {goal} | {MARKS[figure.is_met]} | {floor} |"


def _number(value: float) -> str:
    if value >= 10_000:
        return f"{value / 1000:,.0f} k" if value < 1e7 else f"{value / 1e6:,.1f} M"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
