"""``query/cache/responses.py``: an answer is given again as long as nobody has written what it is about."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from query.cache.responses import SHARE, ResponseCache
from query.curves.latest import GetTaskLatestScalarValues
from schema.api.wire import Answer, Reply
from schema.changefeed.changefeed import Changefeed, NoChangefeed
from schema.json_encoding import to_json
from schema.registry import Entity

TASK = Entity("t", "name", "created", "c", "c", False)
NOT_ASKED: Any = None  # the store: answers come from `read`
REQUEST = GetTaskLatestScalarValues(task="t")


class Asked:
    """A cache of responses, and how often it had to read."""

    def __init__(self, changefeed: Changefeed, max_bytes: int = 1000) -> None:
        self.responses = ResponseCache(NOT_ASKED, changefeed, max_bytes)
        self.reads = 0

    def ask(self, request: GetTaskLatestScalarValues = REQUEST, entities: Sequence[Entity] = (TASK,)) -> Reply:
        return asyncio.run(self.responses.answer(request, entities, self.read))

    async def read(self) -> Answer:
        self.reads += 1
        return {"reads": self.reads}


def test_what_was_not_written_is_read_once() -> None:
    asked = Asked(Changefeed())
    assert [asked.ask().raw_data for _ in range(3)] == [to_json({"reads": 1})] * 3


def test_what_was_written_is_read_again() -> None:
    changefeed = Changefeed()
    asked = Asked(changefeed)
    for reads in (1, 2, 3):
        assert asked.ask().raw_data == to_json({"reads": reads})
        changefeed.apply(1, ["other", "t"])


def test_a_write_while_it_is_read_counts() -> None:
    changefeed = Changefeed()
    asked = Asked(changefeed)

    async def read() -> Answer:
        changefeed.apply(1, ["t"])
        return {"old": True}

    asyncio.run(asked.responses.answer(REQUEST, [TASK], read))
    assert asked.ask().raw_data == to_json({"reads": 1})


def test_any_of_several_entities_counts() -> None:
    changefeed = Changefeed()
    asked, both = Asked(changefeed), [TASK, replace(TASK, id="u")]
    asked.ask(entities=both)
    changefeed.apply(1, ["u"])
    asked.ask(entities=both)
    assert asked.reads == 2


def test_another_request_or_another_state_of_the_task_is_another_question() -> None:
    asked = Asked(Changefeed())
    asked.ask()
    asked.ask(GetTaskLatestScalarValues(task="other"))
    asked.ask(entities=[replace(TASK, status="completed")])
    assert asked.reads == 3


def test_the_answers_used_last_are_kept() -> None:
    size = len(to_json({"reads": 1})) + len(REQUEST.model_dump_json())
    asked, (a, b, c) = Asked(Changefeed(), 2 * size), (GetTaskLatestScalarValues(task=name) for name in "abc")
    for request in (a, b, a, c, a, b):
        asked.ask(request)
    assert asked.reads == 4


def test_an_answer_takes_the_place_of_the_one_before() -> None:
    changefeed, other = Changefeed(), replace(TASK, id="u")
    asked = Asked(changefeed, SHARE * 100)
    asked.ask()
    for number in range(50):
        changefeed.apply(number, ["u"])
        asked.ask(entities=[other])
    asked.ask()
    assert asked.reads == 51


def test_one_that_is_too_large_is_not_kept() -> None:
    asked = Asked(Changefeed(), SHARE * 10)
    asked.ask()
    asked.ask()
    assert asked.reads == 2


def test_without_a_changefeed_everything_is_read() -> None:
    asked = Asked(NoChangefeed())
    assert [asked.ask().data for _ in range(2)] == [{"reads": 1}, {"reads": 2}]
