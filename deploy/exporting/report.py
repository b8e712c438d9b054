"""What an export has written, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

KINDS = ("tasks", "models", "points", "logs", "images", "plots", "vectors", "files", "unchanged")


@dataclass
class Report:
    """Counts. ``unchanged``: tasks and models of an earlier export. ``skipped``: what is not there, by reason."""

    counts: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, other: Report) -> None:
        """Add the numbers of another report."""
        self.counts.update(other.counts)
        self.skipped.update(other.skipped)

    def document(self) -> dict[str, Any]:
        """Return the object that ``--json`` prints."""
        return {**{kind: self.counts[kind] for kind in KINDS}, "skipped": dict(self.skipped)}

    def text(self) -> str:
        """Return the lines for people."""
        told = [f"{self.counts[kind]} {kind}" for kind in KINDS if self.counts[kind]]
        return "\n".join([", ".join(told) or "nothing", *(f"  {n:>10}  {why}" for why, n in self.skipped.items())])
