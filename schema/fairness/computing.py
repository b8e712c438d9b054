"""The threads for computing in Python: parsing of large documents, drawing of curves, compression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from schema.fairness.fair_executor import FairExecutor

Result = TypeVar("Result")

THREADS = FairExecutor(4, "computing")


async def compute(work: Callable[..., Result], *arguments: Any) -> Result:
    """Return the result of work that would hold up the event loop."""
    return await THREADS.run(work, *arguments)


async def compute_if(is_large: bool, work: Callable[..., Result], *arguments: Any) -> Result:
    """Return the result of work, at once if it is small: a thread takes 0.1 ms."""
    return await compute(work, *arguments) if is_large else work(*arguments)
