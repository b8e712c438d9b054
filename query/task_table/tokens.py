"""Text of the filter language -> tokens (API contract 6.10)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from schema.errors import InvalidField

MAX_CHARACTERS = 2000
KEYWORDS = frozenset(("and", "or", "not", "in"))
BARE = r"""[^\s()<>=!~,"']"""
QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
TOKEN = re.compile(
    rf"""(?P<space>\s+)|(?P<sign>[(),]|[<>]=?|==?|!=|!~|~)|(?P<pattern>/(?:[^/\\]|\\.)*/(?=[\s),]|$))"""
    rf"""|(?P<word>(?:{BARE}|{QUOTED})+)""",
    re.S,
)
PART = re.compile(rf"(?P<quoted>{QUOTED})|(?P<bare>[^.\"']+)|(?P<dot>\.)", re.S)
ESCAPED = re.compile(r"\\(.)", re.S)

Sort = Literal["sign", "pattern", "word", "end"]


class FilterError(InvalidField):
    """A filter that cannot be read; the message names the character, counted from 1."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(f"filter, character {position + 1}: {message}")


@dataclass(frozen=True)
class Token:
    """A piece of a filter. ``text``: as it means, without quotes; ``position``: of its first character, from 0.

    ``parts``: of a word, what its dots separate, for names; ``is_quoted``: a quote is in it, so that it is no keyword.
    """

    sort: Sort
    text: str
    position: int
    parts: tuple[str, ...] = ()
    is_quoted: bool = False

    @property
    def keyword(self) -> str:
        """The keyword that it is; empty if it is none."""
        text = self.text.lower()
        return text if self.sort == "word" and not self.is_quoted and text in KEYWORDS else ""

    def is_sign(self, *signs: str) -> bool:
        """Tell whether it is one of these signs."""
        return self.sort == "sign" and self.text in signs


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a filter, the last of sort ``end``. Raises FilterError."""
    if len(text) > MAX_CHARACTERS:
        raise FilterError(MAX_CHARACTERS, f"a filter has at most {MAX_CHARACTERS} characters")
    found, place = [], 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise FilterError(place, _unreadable(text[place]))
        if match.lastgroup != "space":
            found.append(_token(match))
        place = match.end()
    return [*found, Token("end", "", len(text))]


def _unreadable(character: str) -> str:
    return "this quote is not closed" if character in "\"'" else f"{character} is not expected here"


def _token(match: re.Match[str]) -> Token:
    text, position = match[0], match.start()
    if match["sign"]:
        return Token("sign", "=" if text == "==" else text, position)
    if match["pattern"]:
        return Token("pattern", text[1:-1].replace("\\/", "/"), position)
    parts = names_of_word(text)
    is_quoted = any(quote in text for quote in "\"'")
    return Token("word", ".".join(parts) if is_quoted else text, position, parts, is_quoted)


def names_of_word(text: str) -> tuple[str, ...]:
    """Return what the dots outside of quotes separate, without the quotes: ``"a.b".c`` -> ``a.b``, ``c``."""
    parts = [""]
    for piece in PART.finditer(text):
        if piece["dot"]:
            parts.append("")
        elif piece["quoted"]:
            parts[-1] += ESCAPED.sub(r"\1", piece["quoted"][1:-1])
        else:
            parts[-1] += piece["bare"]
    return tuple(parts)
