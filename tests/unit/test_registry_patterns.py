"""The plain text in regular expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.registry.patterns import Literal, literal_of, required_text

texts = st.text(alphabet="ab.*+?^$[](){}|\\ -#é\n_%", max_size=12)
patterns = st.lists(
    st.sampled_from(["a", "b", "ab", ".", r"\.", "a*", "b+", "b?", "[ab]", "[^a]", "a{2}", "^", "$", r"\d", r"\ "])
).map("".join)


@given(text=texts, other=texts)
def test_an_escaped_text_is_a_literal(text: str, other: str) -> None:
    """As the SDK sends exact names."""
    if text.endswith("\n"):
        return
    literal = literal_of(f"^{re.escape(text)}$", ignore_case=False)
    assert literal == Literal(text, True, True)
    assert (re.search(f"^{re.escape(text)}$", other) is not None) == (other in (text, f"{text}\n"))


@given(pattern=patterns, text=st.text(alphabet="ab. 1", max_size=8))
def test_a_literal_finds_what_its_pattern_finds(pattern: str, text: str) -> None:
    literal = literal_of(pattern, ignore_case=False)
    if literal is None:
        return
    if literal.at_start:
        found = text == literal.text if literal.at_end else text.startswith(literal.text)
    else:
        found = literal.text in text
    assert found == (re.search(pattern, text) is not None)


@given(pattern=patterns, text=st.text(alphabet="ab. 1", max_size=12))
def test_what_matches_contains_the_required_text(pattern: str, text: str) -> None:
    if re.search(pattern, text):
        assert required_text(pattern) in text


@pytest.mark.parametrize(
    ("pattern", "required"),
    [
        ("exp.*lr=0\\.1", "lr=0.1"),
        ("^train_[0-9]+$", "train_"),
        ("abc?", "ab"),
        ("abc+", "ab"),
        ("a|bcd", ""),
        ("(?i)abc", ""),
        ("(abc)+", ""),
        ("[abc]def", "def"),
        (r"\bword\b", "word"),
        ("a{2,3}bc", "bc"),
        ("", ""),
    ],
)
def test_required_texts(pattern: str, required: str) -> None:
    assert required_text(pattern) == required


@pytest.mark.parametrize("pattern", ["a|b", "a.b", "a$", "[a]", "(a)", "a*", r"\d", "a^b", "É"])
def test_real_expressions_are_no_literals(pattern: str) -> None:
    assert literal_of(pattern, ignore_case=True) is None
