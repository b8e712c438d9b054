"""Names in the patterns by which lists are asked for."""

from __future__ import annotations


def escaped(name: str) -> str:
    """Return a pattern (RE2) that only this name matches."""
    return "".join(character if character.isalnum() or character in "_ /" else f"\\{character}" for character in name)
