"""Answers that are encoded field by field are what they are encoded at once."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from schema.api.wire import to_json
from schema.http import responses

ANSWERS: list[dict[str, Any]] = [
    {},
    {"one": 1},
    {"a": [1, 2.5, None, float("nan")], 'é "quoted"': {"b": "ü"}, "": np.arange(5)},
    {"big": 2**70, "small": 1},
    {f"metric {number}": {"x": list(range(100))} for number in range(50)},
]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("at_once", [0, 1 << 19])
def test_fields_are_encoded_as_the_whole(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], at_once: int) -> None:
    monkeypatch.setattr(responses, "ENCODED_AT_ONCE_BYTES", at_once)
    assert asyncio.run(responses.encoded(answer)) == to_json(answer)


def test_others_run_between_the_fields_of_a_large_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "ENCODED_AT_ONCE_BYTES", 0)

    async def turns() -> int:
        encoding, count = asyncio.create_task(responses.encoded({str(n): n for n in range(10)})), 0
        while not encoding.done():
            await asyncio.sleep(0)
            count += 1
        return count

    assert asyncio.run(turns()) >= 10
