"""What an import has done, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

COUNTED = ("tasks", "points", "logs", "images", "plots", "files")  # of what was read


@dataclass
class Report:
    """Counts of what was read, and of what of it was not there before.

    ``points``: without those that a later one of the same step replaces. ``added``: points, lines, images and plots
    that the server did not have. ``skipped``: what is not stored, by reason. ``messages``: a line for each bad input.
    """

    tasks: int = 0
    points: int = 0
    logs: int = 0
    images: int = 0
    plots: int = 0
    files: int = 0
    added: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)
    verified: int = 0
    differences: int = 0

    def add(self, other: Report) -> None:
        """Add the numbers of another report; its messages are left out, as they were shown."""
        for name in (*COUNTED, "added", "verified", "differences"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.skipped.update(other.skipped)

    def skip(self, reason: str, count: int = 1, message: str = "") -> None:
        """Count something that is not stored."""
        if count:
            self.skipped[reason] += count
        if message:
            self.messages.append(message)

    def document(self, *, is_verified: bool) -> dict[str, Any]:
        """Return the object that ``--json`` prints."""
        counts: dict[str, Any] = {name: getattr(self, name) for name in COUNTED}
        counts |= {"skipped": dict(self.skipped.most_common()), "added": self.added}
        if is_verified:
            counts |= {"verified": self.verified, "differences": self.differences}
        return counts

    def text(self, *, is_verified: bool) -> str:
        """Return the lines for people."""
        shown = [f"{self.tasks} tasks: {self.points} points, {self.logs} log lines, {self.images} images,"]
        shown[0] += f" {self.plots} plots, {self.files} files; {self.added} events were new"
        if is_verified:
            shown.append(f"verified: {self.verified} points are as in the source, {self.differences} are not")
        if self.skipped:
            shown.append("not stored:")
            shown += [f"  {count:>10}  {reason}" for reason, count in self.skipped.most_common()]
        return "\n".join(shown)
