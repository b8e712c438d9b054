"""Documents, rows and bodies; and where files are kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.changefeed.changefeed import Changefeed
from schema.errors import BadPath
from schema.http.files_server import content_type
from schema.registry import TASKS
from schema.registry.documents import join, split, terms_of, values_at
from schema.store.object_store import key_of

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(fields=st.dictionaries(st.text(min_size=1), json_values, max_size=5), name=st.text(max_size=20))
def test_row_and_body_make_the_document(fields: dict[str, Any], name: str) -> None:
    clean = name.replace("\0", "")
    rest = {key: value for key, value in fields.items() if key not in TASKS.rows.c}
    document = rest | {"id": "i", "company": "c", "name": clean}
    assert join(*split(TASKS, document)) == document


def test_terms_are_the_texts_of_the_lists() -> None:
    document = {
        "tags": ["a", 5, None, "x" * 3000, "nul\0"],
        "system_tags": "no list",
        "models": {"input": [{"model": "m"}, {}, "odd"], "output": None},
    }
    assert terms_of(TASKS, document) == {("tags", "a"), ("system_tags", "no list"), ("models.input.model", "m")}


def test_values_through_lists() -> None:
    assert list(values_at({"a": [{"b": 1}, {"b": [2, 3]}, {}]}, ["a", "b"])) == [1, 2, 3]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("a/b.txt", "c/a/b.txt"),
        ("/a//b.txt", "c/a/b.txt"),
        ("/a/b c é.txt", "c/a/b c é.txt"),
        ("a/#1", "c/a/%231"),
        ("a/%2F", "c/a/%252F"),
        ("a\\b\n", "c/a%5Cb%0A"),
        ("...", "c/..."),
    ],
)
def test_where_files_are_kept(path: str, key: str) -> None:
    assert key_of("c", path) == key


@pytest.mark.parametrize("path", ["", "/", "..", "a/../b", "./a", "a/..", "x" * 256, "\ud800"])
def test_paths_that_no_file_can_have(path: str) -> None:
    with pytest.raises(BadPath):
        key_of("c", path)


@given(one=st.text(min_size=1), other=st.text(min_size=1))
def test_different_files_are_kept_apart(one: str, other: str) -> None:
    def key(path: str) -> str | None:
        try:
            return key_of("c", path)
        except BadPath:
            return None

    def normal(path: str) -> list[str]:
        return [part for part in path.split("/") if part]

    if key(one) is not None and normal(one) != normal(other):
        assert key(one) != key(other)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.png", "image/png"),
        ("a.html", "text/html; charset=utf-8"),
        ("a.js", "text/plain; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.csv.gz", "application/octet-stream"),
        ("a.unknown-type", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_content_types(path: str, expected: str) -> None:
    assert content_type(path) == expected


def test_changes_are_counted_for_each_entity() -> None:
    changefeed = Changefeed()
    before = changefeed.version("a"), changefeed.version("b")
    changefeed.apply(1, ["a"])
    assert (changefeed.version("a") != before[0], changefeed.version("b") == before[1]) == (True, True)


def test_forgotten_counts_do_not_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.changefeed.versions.MAX_VERSIONS", 2)
    changefeed, seen = Changefeed(), []
    for number in range(10):
        seen.append(changefeed.version("a"))
        changefeed.apply(1, ["a", f"other {number}"])
    assert len(set(seen)) == 10
