"""Paths of the repository that any of its files names, in comments for one, lead to files that exist."""

from __future__ import annotations

import re

from tests.unit.docs.documents import PACKAGES, ROOT, files

PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(PACKAGES)}|tests|docs)/[\w./-]*\w(?![\w*{{<])")
READ = (".py", ".sql", ".md", ".js", ".yml", ".yaml", ".toml", ".conf", "Makefile", "Dockerfile")
MADE = {"schema/revision.txt"}  # by the build


def is_there(path: str) -> bool:
    return path in files() or f"{path}.py" in files() or path in MADE


def named_paths(text: str) -> set[str]:
    """The paths that a text names."""
    return set(PATH.findall(text))


def test_every_path_that_is_named_exists() -> None:
    ours = [path for path in files() if path.endswith(READ) and "/vendor/" not in path and (ROOT / path).is_file()]
    texts = {path: (ROOT / path).read_text() for path in ours if path != "tests/unit/docs/test_paths.py"}
    named = {path: named_paths(text) for path, text in texts.items()}
    assert sum(map(len, named.values())) > 100
    assert {path: dead for path, paths in named.items() if (dead := {p for p in paths if not is_there(p)})} == {}


def test_paths_are_found_within_a_sentence() -> None:
    assert named_paths("as ``schema/errors.py`` (docs/adr/README.md, tests/none) says: /opt/docs/x") == {
        "schema/errors.py",
        "docs/adr/README.md",
        "tests/none",
    }
