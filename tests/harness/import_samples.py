"""Files of other trackers (tests/data/importers), and what readers make of them."""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ingest.importers.formats import source_of
from ingest.importers.records import Details, Part, Points, Run, Skipped

SAMPLES = Path(__file__).parents[1] / "data" / "importers"


def unpacked(name: str, directory: Path) -> Path:
    """A sample that is kept packed, in a folder of its own."""
    with tarfile.open(SAMPLES / f"{name}.tar.xz") as archive:
        archive.extractall(directory, filter="data")
    return directory / name


def runs_of(path: Path | str) -> list[Run]:
    """The runs of a source."""
    return [run for run in source_of(str(path)).runs() if isinstance(run, Run)]


def parts_of(path: Path | str) -> list[Part]:
    """The parts of all runs of a source, and what there is instead of one."""
    found = source_of(str(path)).runs()
    return [part for run in found for part in (run.read() if isinstance(run, Run) else [run])]


def curves(parts: Iterable[Part]) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Steps and values by metric and variant."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for part in parts:
        if isinstance(part, Points):
            points = zip(part.steps.tolist(), part.values.tolist(), strict=True)
            found.setdefault((part.metric, part.variant), []).extend(points)
    return found


def skipped(parts: Iterable[Part]) -> Counter[str]:
    """What is not stored, by reason."""
    counts: Counter[str] = Counter()
    for part in parts:
        if isinstance(part, Skipped):
            counts[part.reason] += part.count
    return +counts


def details(parts: Iterable[Part]) -> Details:
    """The last of what is said of a run."""
    return [part for part in parts if isinstance(part, Details)][-1]
