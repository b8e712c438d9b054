"""What an import notes in a task when it has brought a whole run: unless something changed, it is not read again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.importing.report import COUNTED, Report

STATE = "import_state"  # a field of ``runtime``


@dataclass(frozen=True)
class Finished:
    """A finished import.

    ``version``: of the source, and of the options that change what comes of it. ``events``: how many the task had then;
    if it has others now, some were deleted or added.
    """

    version: str
    events: int
    counts: Mapping[str, Any]

    @classmethod
    def read(cls, runtime: Mapping[str, Any]) -> Finished | None:
        """Return what is noted in the ``runtime`` of a task; None if that is nothing, or nothing that is understood."""
        try:
            found = json.loads(runtime[STATE])
            return cls(str(found["version"]), int(found["events"]), dict(found["counts"]))
        except (KeyError, TypeError, ValueError):
            return None

    @classmethod
    def of(cls, version: str, events: int, report: Report) -> Finished:
        """Return the note of an import that had no problems."""
        counts = {name: getattr(report, name) for name in COUNTED}
        return cls(version, events, counts | {"skipped": dict(report.skipped)})

    def text(self) -> str:
        """Return it as the task keeps it."""
        return json.dumps(vars(self))

    def report(self) -> Report:
        """Return the counts of the run, of which nothing is new."""
        counts = dict(self.counts)
        report = Report(skipped=Counter(counts.pop("skipped", {})))
        for name in COUNTED:
            setattr(report, name, int(counts.get(name, 0)))
        return report
