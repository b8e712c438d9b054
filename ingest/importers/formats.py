"""Which format a path is in. Each format is told by what its files begin with, or are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.importers.records import Source, UnreadableSource
from ingest.importers.tensorboard import TensorBoard, is_tensorboard


@dataclass(frozen=True)
class Format:
    """One format: whether a path is in it, and its source there."""

    is_it: Callable[[Path], bool]
    open: Callable[[Path], Source]


FORMATS = (Format(is_tensorboard, TensorBoard),)  # the first that fits is taken


def source_of(path: str) -> Source:
    """Return the source at a path. Raises UnreadableSource if there is nothing, or nothing that any format fits."""
    place = Path(path)
    if not place.exists():
        raise UnreadableSource(f"{place}: there is no such file or folder")
    for known in FORMATS:
        if known.is_it(place):
            return known.open(place)
    raise UnreadableSource(f"{place}: no known format: {', '.join(NAMES)}")


NAMES = ("TensorBoard event files",)
