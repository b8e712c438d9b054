"""``query/memory/answers.py``: an answer is given again as long as nobody has written what it is about."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from query.curves.latest import GetTaskLatestScalarValues
from query.memory.answers import SHARE, Memory
from schema.changes import Changes
from schema.registry import Entity
from schema.wire import Answer, Reply, to_json

TASK = Entity("t", "name", "created", "c", "c", False)
NOT_ASKED: Any = None  # the store: answers come from `read`
REQUEST = GetTaskLatestScalarValues(task="t")


class Asked:
    """A memory, and how often it had to read."""

    def __init__(self, changes: Changes | None, max_bytes: int = 1000) -> None:
        self.memory = Memory(NOT_ASKED, changes, max_bytes)
        self.reads = 0

    def ask(self, request: GetTaskLatestScalarValues = REQUEST, entities: Sequence[Entity] = (TASK,)) -> Reply:
        return asyncio.run(self.memory.answer(request, entities, self.read))

    async def read(self) -> Answer:
        self.reads += 1
        return {"reads": self.reads}


def test_what_was_not_written_is_read_once() -> None:
    asked = Asked(Changes())
    assert [asked.ask().raw_data for _ in range(3)] == [to_json({"reads": 1})] * 3


def test_what_was_written_is_read_again() -> None:
    changes = Changes()
    asked = Asked(changes)
    for reads in (1, 2, 3):
        assert asked.ask().raw_data == to_json({"reads": reads})
        changes.apply(1, ["other", "t"])


def test_a_write_while_it_is_read_counts() -> None:
    changes = Changes()
    asked = Asked(changes)

    async def read() -> Answer:
        changes.apply(1, ["t"])
        return {"old": True}

    asyncio.run(asked.memory.answer(REQUEST, [TASK], read))
    assert asked.ask().raw_data == to_json({"reads": 1})


def test_any_of_several_entities_counts() -> None:
    changes = Changes()
    asked, both = Asked(changes), [TASK, replace(TASK, id="u")]
    asked.ask(entities=both)
    changes.apply(1, ["u"])
    asked.ask(entities=both)
    assert asked.reads == 2


def test_another_request_or_another_state_of_the_task_is_another_question() -> None:
    asked = Asked(Changes())
    asked.ask()
    asked.ask(GetTaskLatestScalarValues(task="other"))
    asked.ask(entities=[replace(TASK, status="completed")])
    assert asked.reads == 3


def test_the_answers_used_last_are_kept() -> None:
    size = len(to_json({"reads": 1})) + len(REQUEST.model_dump_json())
    asked, (a, b, c) = Asked(Changes(), 2 * size), (GetTaskLatestScalarValues(task=name) for name in "abc")
    for request in (a, b, a, c, a, b):
        asked.ask(request)
    assert asked.reads == 4


def test_an_answer_takes_the_place_of_the_one_before() -> None:
    changes, other = Changes(), replace(TASK, id="u")
    asked = Asked(changes, SHARE * 100)
    asked.ask()
    for number in range(50):
        changes.apply(number, ["u"])
        asked.ask(entities=[other])
    asked.ask()
    assert asked.reads == 51


def test_one_that_is_too_large_is_not_kept() -> None:
    asked = Asked(Changes(), SHARE * 10)
    asked.ask()
    asked.ask()
    assert asked.reads == 2


def test_without_a_count_of_changes_everything_is_read() -> None:
    asked = Asked(None)
    assert [asked.ask().data for _ in range(2)] == [{"reads": 1}, {"reads": 2}]
