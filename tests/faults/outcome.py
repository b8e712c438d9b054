"""What a run of a fault came to."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.faults.truth import Verdict


class Skipped(Exception):
    """This machine cannot run the fault; says why."""


@dataclass
class Outcome:
    """One run, or several of one fault. ``figures``: what else was measured, the most of all runs."""

    fault: str
    verdict: Verdict = field(default_factory=Verdict)
    runs: int = 1
    recovery_seconds: float | None = None
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Nothing lost, twice or wrong."""
        return self.verdict.is_good

    def note(self, **figures: float) -> None:
        """Keep the most of what was measured."""
        for name, value in figures.items():
            self.figures[name] = max(self.figures.get(name, value), value)

    def require(self, holds: object, otherwise: str) -> None:
        """What must be."""
        if not holds:
            self.verdict.wrong.append(otherwise)

    def add(self, other: Outcome) -> None:
        """Another run of the same fault."""
        self.verdict.add(other.verdict)
        self.runs += other.runs
        known = [seconds for seconds in (self.recovery_seconds, other.recovery_seconds) if seconds is not None]
        self.recovery_seconds = max(known, default=None)
        self.note(**other.figures)
