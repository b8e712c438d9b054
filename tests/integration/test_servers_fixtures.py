"""Which server a fixture takes, and what happens where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.servers.choice import first_of
from tests.servers.kafka import find_java
from tests.servers.process import StartFailed, Unavailable


def choice(name: str, log: list[str], error: Exception | None = None) -> Callable[[], AbstractContextManager[str]]:
    @contextmanager
    def server() -> Iterator[str]:
        if error:
            raise error
        log.append(f"+{name}")
        yield name
        log.append(f"-{name}")

    return server


def test_the_first_that_can_run_is_taken() -> None:
    log: list[str] = []
    choices = [choice("a", log, Unavailable("no a")), choice("b", log), choice("c", log)]
    with first_of(*choices, required=True) as server:
        assert (server, log) == ("b", ["+b"])
    assert log == ["+b", "-b"]


@pytest.mark.parametrize(("required", "outcome"), [(False, pytest.skip.Exception), (True, pytest.fail.Exception)])
def test_without_any_it_skips_or_fails_with_every_reason(required: bool, outcome: type[BaseException]) -> None:
    choices = [choice(name, [], Unavailable(f"no {name}")) for name in "ab"]
    with pytest.raises(outcome, match="no a; no b"), first_of(*choices, required=required):
        pass


def test_one_that_does_not_come_up_is_no_reason_to_skip() -> None:
    choices = [choice("a", [], StartFailed("a is broken")), choice("b", [])]
    with pytest.raises(StartFailed), first_of(*choices, required=False):
        pass


def test_no_java_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="no Java"):
        find_java()
