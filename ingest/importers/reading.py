"""Readers at work on files that nobody has promised anything about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from ingest.importers.records import UnreadableSource

Item = TypeVar("Item")


def readable(items: Iterable[Item], name: str) -> Iterator[Item]:
    """Yield what a reader yields. Raises UnreadableSource for whatever the reader stumbles over, and names the source.

    What is done with an item is not in here, so that errors of a server are never taken for those of a file.
    """
    try:
        yield from items
    except (UnreadableSource, GeneratorExit):
        raise
    except Exception as error:
        raise UnreadableSource(f"{name}: not as expected: {type(error).__name__}: {error}") from error
