"""Text of the filter language -> tree, by recursive descent (API contract 6.10)."""

from __future__ import annotations

import re
from typing import cast

from query.registry.filters import pattern
from query.task_table.syntax import EVERY_TASK, AllOf, AnyOf, Comparison, Expression, NotSo, Operator, Search
from query.task_table.tokens import FilterError, Token, tokens_of
from schema.errors import InvalidRegex

MAX_TERMS = 50
MAX_DEPTH = 20
MAX_LISTED = 200  # values of one ``in``
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "~", "!~")
NO_VALUE = ("null", "none")
BEYOND_ASCII_WORD = re.compile(r"[^A-Za-z0-9]")


def parse(text: str) -> Expression:
    """Return what a filter says. Raises FilterError, which names the character."""
    tokens = tokens_of(text)
    if len(tokens) == 1:
        return EVERY_TASK
    parser = _Parser(tokens)
    expression = parser.alternatives(0)
    if parser.next.sort != "end":
        raise FilterError(parser.next.position, f"{parser.next.text} is not expected here")
    return expression


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._terms = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._place]

    @property
    def _after_next(self) -> Token:
        return self._tokens[min(self._place + 1, len(self._tokens) - 1)]

    def alternatives(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise FilterError(self.next.position, f"parentheses and nots are at most {MAX_DEPTH} deep")
        parts = [self._conjunction(depth)]
        while self.next.keyword == "or":
            self._take()
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _conjunction(self, depth: int) -> Expression:
        parts = [self._negation(depth)]
        while not self._ends():
            if self.next.keyword == "and":
                self._take()
            parts.append(self._negation(depth))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _ends(self) -> bool:
        return self.next.sort == "end" or self.next.is_sign(")") or self.next.keyword == "or"

    def _negation(self, depth: int) -> Expression:
        if self.next.keyword == "not":
            self._take()
            if depth >= MAX_DEPTH:
                raise FilterError(self.next.position, f"parentheses and nots are at most {MAX_DEPTH} deep")
            return NotSo(self._negation(depth + 1))
        if not self.next.is_sign("("):
            return self._term()
        opened = self._take()
        inner = self.alternatives(depth + 1)
        if not self.next.is_sign(")"):
            raise FilterError(opened.position, "this parenthesis is not closed")
        self._take()
        return inner

    def _term(self) -> Expression:
        token = self.next
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise FilterError(token.position, f"a filter has at most {MAX_TERMS} terms")
        if token.sort == "pattern":
            return Search(_checked(self._take()), token.position)
        if token.sort != "word" or token.keyword in ("and", "or"):
            raise FilterError(token.position, "a word, a comparison or a parenthesis is expected")
        self._take()
        operator = self._operator()
        if operator is None:
            return Search(BEYOND_ASCII_WORD.sub(_escaped, token.text), token.position)
        return Comparison(token.parts, operator, self._values(operator), token.position)

    def _operator(self) -> Operator | None:
        """Take the operator that follows, if one does; ``in`` is one before a parenthesis alone."""
        if self.next.is_sign(*COMPARISONS):
            return cast(Operator, self._take().text)
        if self.next.keyword == "in" and self._after_next.is_sign("("):
            self._take()
            return "in"
        if self.next.keyword == "not" and self._after_next.keyword == "in":
            self._take()
            self._take()
            return "not in"
        return None

    def _values(self, operator: Operator) -> tuple[str | None, ...]:
        if operator in ("~", "!~"):
            return (_checked(self._value_token()),)
        if operator not in ("in", "not in"):
            return (_value(self._value_token()),)
        if not self.next.is_sign("("):
            raise FilterError(self.next.position, f"( is expected after {operator}")
        opened = self._take()
        values = [_value(self._value_token())]
        while self.next.is_sign(","):
            self._take()
            values.append(_value(self._value_token()))
        if not self.next.is_sign(")"):
            raise FilterError(self.next.position, ", or ) is expected")
        self._take()
        if len(values) > MAX_LISTED:
            raise FilterError(opened.position, f"a list has at most {MAX_LISTED} values")
        return tuple(values)

    def _value_token(self) -> Token:
        if self.next.sort not in ("word", "pattern") or self.next.keyword:
            raise FilterError(self.next.position, "a value is expected")
        return self._take()

    def _take(self) -> Token:
        token = self.next
        self._place += 1
        return token


def _value(token: Token) -> str | None:
    """Return the value that a token is; None for ``null``."""
    if token.sort == "pattern":
        return f"/{token.text}/"
    return None if not token.is_quoted and token.text.lower() in NO_VALUE else token.text


def _checked(token: Token) -> str:
    """Return a regular expression. Raises FilterError if it is none."""
    try:
        return pattern("filter", token.text).pattern
    except InvalidRegex as error:
        raise FilterError(token.position, str(error)) from error


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match[0]}" if match[0].isascii() else match[0]
