"""What the fixtures yield, and how they choose among the ways to run a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import pytest

from tests.servers.process import Unavailable

T = TypeVar("T")


@dataclass(frozen=True)
class Kafka:
    """Where a Kafka listens: host:port,…"""

    bootstrap: str


@dataclass(frozen=True)
class Postgres:
    """Where a PostgreSQL listens, as SQLAlchemy takes it."""

    url: str


def give_up(error: Unavailable) -> NoReturn:
    """Skip a test for what this machine cannot have; in CI that fails it."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(error), pytrace=False)
    pytest.skip(str(error))


@contextmanager
def first_of(*choices: Callable[[], AbstractContextManager[T]], required: bool) -> Iterator[T]:
    """Enter the first choice that this machine can run. If there is none, skip, or fail if one is required."""
    with ExitStack() as stack:
        yield _enter_first(stack, choices, required)


def _enter_first(stack: ExitStack, choices: tuple[Callable[[], AbstractContextManager[T]], ...], required: bool) -> T:
    reasons: list[str] = []
    for choice in choices:
        try:
            return stack.enter_context(choice())
        except Unavailable as error:
            reasons.append(str(error))
    if required:
        pytest.fail("; ".join(reasons), pytrace=False)
    pytest.skip("; ".join(reasons))
