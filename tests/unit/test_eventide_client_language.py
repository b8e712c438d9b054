"""The client runs where Python 3.9 is, with nothing installed: its grammar, and what it imports."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import eventide_client

FOLDER = Path(eventide_client.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))
OPTIONAL = {"pyarrow"}  # imported where it is used
NEW_NAMES = {"StrEnum", "Self", "UTC", "tomllib", "TaskGroup", "batched", "pairwise", "override", "slots", "kw_only"}


def test_the_grammar_is_that_of_python_3_9() -> None:
    assert len(MODULES) > 15
    for module in MODULES:
        tree = ast.parse(module.read_text(), feature_version=(3, 9))
        assert "from __future__ import annotations" in module.read_text(), module
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
        assert names & (NEW_NAMES | {"strict"}) == set(), module
        assert not any(isinstance(node, ast.Match) for node in ast.walk(tree)), module


def test_nothing_but_the_standard_library_is_imported() -> None:
    allowed = sys.stdlib_module_names | {"eventide_client"} | OPTIONAL
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text())):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= allowed, module


def test_it_is_a_distribution_of_its_own() -> None:
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())["project"]
    assert project["name"] == "eventide-client"
    assert project["version"] == eventide_client.__version__
    assert project["requires-python"] == ">=3.9"
    assert project["dependencies"] == []
