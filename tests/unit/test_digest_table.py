"""``deploy/runs/digest_table.py``: fifty runs fit into 1500 tokens, however odd they are."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.runs.digest_table import MAX_TOKENS, digest_table, tokens


def run(number: int, value: float, step: int, *findings: str) -> dict[str, Any]:
    point = {"step": step, "value": value}
    return {"id": f"{number:032x}", "digest": {"last": point, "min": point, "max": point, "findings": list(findings)}}


@pytest.mark.parametrize("step", [3, 12_345, 123_456_789])
def test_the_oddest_runs_fit(step: int) -> None:
    findings = [f"{kind}@{step}" for kind in ("diverged down", "silent", "gap", "99 spikes", "plateau")]
    table = digest_table([run(number, -1.23456789e-12, step, "7 NaN/Inf", *findings) for number in range(60)])
    assert tokens(table) <= MAX_TOKENS
    assert len(table.splitlines()) == 51
    assert all("7 NaN/Inf" in line for line in table.splitlines()[1:])


def test_few_runs_are_told_in_full() -> None:
    refused = run(2, 1.0, 5) | {"refused_events": {"NaN": 3}}
    none = {"id": "f" * 32, "digest": None}
    assert digest_table([run(1, 0.123456, 7, "spikes", "falls"), refused, none]).splitlines() == [
        "run last min@step max@step findings",
        "00000001 0.1235 0.1235@7 0.1235@7 spikes, falls",
        "00000002 1 1@5 1@5 3 refused",
        "ffffffff no points",
    ]
