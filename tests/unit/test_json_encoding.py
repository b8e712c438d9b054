"""Answers that are encoded in pieces are what they are encoded at once."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from schema import json_encoding
from schema.json_encoding import to_json

ANSWERS: list[dict[str, Any]] = [
    {},
    {"one": 1},
    {"a": [1, 2.5, None, float("nan")], 'é "quoted"': {"b": "ü"}, "": np.arange(5), "none": [], "nothing": {}},
    {"big": 2**70, "small": 1},
    {"pair": (1, [2, {"deep": ({"er": "x" * 100},)}]), "true": True},
    {f"metric {number}": {"x": list(range(100))} for number in range(50)},
]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("at_once", [0, 7, 10_000])
def test_pieces_are_encoded_as_the_whole(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], at_once: int) -> None:
    monkeypatch.setattr(json_encoding, "PIECE_VALUES", at_once)
    assert json_encoding.encode_only([answer]) == asyncio.run(json_encoding.encode(answer)) == to_json(answer)


def test_a_deep_document_is_encoded() -> None:
    deep: Any = ["x" * 100] * 20_000
    for _ in range(480):
        deep = {"a": deep}
    assert json_encoding.encode_only([deep]) == to_json(deep)


@pytest.mark.parametrize(
    "value", ["x" * 16 * 10_000, np.zeros(10_001), [1] * 10_000, {str(n): n for n in range(10_000)}, [[[]]] * 5000]
)
def test_large_values_are_known_as_such(value: Any) -> None:
    assert not json_encoding.is_small(value)
    assert json_encoding.is_small(
        value[: len(value) // 3] if not isinstance(value, dict) else dict(list(value.items())[:9])
    )


def test_a_large_answer_is_encoded_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set()

    def noted(value: Any) -> bytes:
        threads.add(threading.current_thread())
        return to_json(value)

    monkeypatch.setattr(json_encoding, "to_json", noted)
    asyncio.run(json_encoding.encode({"small": 1}))
    assert threads == {threading.main_thread()}
    threads.clear()
    asyncio.run(json_encoding.encode({"large": [0.5] * 20_000}))
    assert threads
    assert threading.main_thread() not in threads


def test_a_large_answer_that_nobody_keeps_is_freed_beside_the_event_loop() -> None:
    threads = []

    class Freed(dict[str, Any]):
        def __del__(self) -> None:
            threads.append(threading.current_thread())

    asyncio.run(json_encoding.encode(Freed(large=[0.5] * 20_000)))
    assert len(threads) == 1
    assert threads != [threading.main_thread()]
