"""What plain text there is in a regular expression: texts are found many times faster than expressions."""

from __future__ import annotations

import re
from dataclasses import dataclass

PLAIN = re.compile(r"(\^)?((?:[^\\.^$*+?{}\[\]|()]|\\[^A-Za-z0-9])*)(\$)?", re.S)
ESCAPED = re.compile(r"\\(.)", re.S)
TOKEN = re.compile(r"(?P<text>[^\\.^$*+?{}\[\]()|]|\\[^A-Za-z0-9])|\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|[.^$]", re.S)
QUANTIFIER = re.compile(r"(?:[*?]|\+|\{[\d,]*\})[?+]?")


@dataclass(frozen=True)
class Literal:
    """A text to be found; at the start or at the end, or anywhere."""

    text: str
    at_start: bool
    at_end: bool


def literal_of(pattern: str, ignore_case: bool) -> Literal | None:
    """The text that a pattern stands for, in lower case if case is ignored; None if it is a real expression."""
    found = PLAIN.fullmatch(pattern)
    if not found or (found[3] and not found[1]) or (ignore_case and not pattern.isascii()):
        return None
    text = ESCAPED.sub(r"\1", found[2])
    if found[3] and text.endswith("\n"):
        return None  # "$" also matches before a last newline
    return Literal(text.lower() if ignore_case else text, bool(found[1]), bool(found[3]))


def required_text(pattern: str) -> str:
    """The longest text that whatever matches contains; empty if there is none, or groups hide it."""
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
