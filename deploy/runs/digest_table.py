"""Digests of many runs as a table that fits into a share of a model's context, however odd the runs are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.runs.text import number, short_id

MAX_TOKENS = 1500
MAX_ROWS = 50
# Tokenizers split digits into groups of up to three, and rarely words into pieces of fewer than four letters.
TOKEN = re.compile(r"\d{1,3}|[A-Za-z]{1,4}|[^\sA-Za-z\d]|\n")


@dataclass(frozen=True)
class Detail:
    """How much a row tells: significant digits, whether extremes, and at most so many findings."""

    digits: int
    has_extremes: bool
    findings: int


DETAILS = (Detail(4, True, 9), Detail(3, True, 9), Detail(3, True, 2), Detail(2, True, 1), Detail(2, False, 1))


def tokens(text: str) -> int:
    """Return an upper estimate of the tokens that a text takes."""
    return len(TOKEN.findall(text))


def digest_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return a line a run, at most 50, in as much detail as 1500 tokens allow. ``runs``: as ``RunReader.digests``."""
    for detail in DETAILS:
        text = "\n".join([_header(detail), *(_row(run, detail) for run in runs[:MAX_ROWS])])
        if tokens(text) <= MAX_TOKENS:
            break
    return text


def _header(detail: Detail) -> str:
    return "run last min@step max@step findings" if detail.has_extremes else "run last findings"


def _row(run: Mapping[str, Any], detail: Detail) -> str:
    found = run["digest"]
    if not found or "last" not in found:
        return f"{short_id(run['id'])} no points"
    values = [number(found["last"]["value"], detail.digits)]
    if detail.has_extremes:
        ends = (found["min"], found["max"])
        values += [f"{number(end['value'], detail.digits)}@{end['step']}" for end in ends]
    refused = [f"{sum(run['refused_events'].values())} refused"] if run.get("refused_events") else []
    return " ".join([short_id(run["id"]), *values, ", ".join([*refused, *found["findings"]][: detail.findings])])
