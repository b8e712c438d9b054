"""Regular expressions with a time limit, and the plain text in them, which is found many times faster."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import regex

from schema.errors import InvalidRegex

MATCH_SECONDS = 0.1  # of one text
ALL_SECONDS = 2.0  # of many, outside of a statement
TOO_SLOW = f"The pattern takes more than {MATCH_SECONDS} seconds for a text"
PLAIN = re.compile(r"(\^)?((?:[^\\.^$*+?{}\[\]|()]|\\[^A-Za-z0-9])*)(\$)?", re.S)
ESCAPED = re.compile(r"\\(.)", re.S)
TOKEN = re.compile(r"(?P<text>[^\\.^$*+?{}\[\]()|]|\\[^A-Za-z0-9])|\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|[.^$]", re.S)
QUANTIFIER = re.compile(r"(?:[*?]|\+|\{[\d,]*\})[?+]?")


@dataclass(frozen=True)
class Literal:
    """A text to find at the start, at the end, or anywhere."""

    text: str
    at_start: bool
    at_end: bool


def is_found(pattern: str, text: str, seconds: float = MATCH_SECONDS) -> bool:
    """Tell whether a text matches, without Python's lock. Raises InvalidRegex if that takes longer than ``seconds``."""
    try:
        return _compiled(pattern).search(text, timeout=seconds, concurrent=True) is not None
    except TimeoutError as error:
        raise InvalidRegex(TOO_SLOW) from error


def matching(pattern: str, texts: Iterable[str]) -> list[str]:
    """Return the texts that match. Raises InvalidRegex for a pattern that takes too long for one, or for all."""
    found, end = [], time.monotonic() + ALL_SECONDS
    for text in texts:
        left = end - time.monotonic()
        if left <= 0:
            raise InvalidRegex(f"The pattern takes more than {ALL_SECONDS} seconds for all texts")
        if is_found(pattern, text, min(left, MATCH_SECONDS)):
            found.append(text)
    return found


_compiled = lru_cache(100)(regex.compile)


def literal_of(pattern: str, ignore_case: bool) -> Literal | None:
    """Return the text that a pattern stands for, in lower case if case is ignored; None if it is more than a text."""
    found = PLAIN.fullmatch(pattern)
    if not found or (found[3] and not found[1]) or (ignore_case and not pattern.isascii()):
        return None
    text = ESCAPED.sub(r"\1", found[2])
    if found[3] and text.endswith("\n"):
        return None  # "$" also matches before a last newline
    return Literal(text.lower() if ignore_case else text, bool(found[1]), bool(found[3]))


def required_text(pattern: str) -> str:
    """Return the longest text that every match contains; empty if there is none, or groups hide it."""
    runs, place = [""], 0
    while place < len(pattern):
        token = TOKEN.match(pattern, place)
        if token is None:
            return ""
        quantifier = QUANTIFIER.match(pattern, token.end())
        place = quantifier.end() if quantifier else token.end()
        if token["text"] and not quantifier:
            runs[-1] += token["text"][-1]
        else:
            runs.append("")
    return max(runs, key=len)
