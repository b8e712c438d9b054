"""Statements are texts that are fixed at import: no value ever becomes a part of one (architecture, invariant 10)."""

from __future__ import annotations

import ast
import re

from tests.unit.docs.documents import PACKAGES, ROOT, files

STATEMENT = re.compile(
    r"\b(select\s.*\bfrom\b|insert\s+into\b|delete\s+from\b|alter\s+table\b|update\s.*\bset\b)", re.I | re.S
)
# What functions fill in: names of tables and of columns, texts of statements that are fixed themselves, and clauses
# that SQLAlchemy has compiled, with parameters where values belong.
IN_FUNCTIONS = {
    ("ingest/writing/deletes.py", "run"),
    ("ingest/writing/writer.py", "_count_sql"),
    ("schema/registry/where.py", "_first_of_json_each"),
    ("schema/registry/where.py", "_first_of_json_tree"),
    ("schema/store/engines.py", "insert"),
    ("schema/store/tombstone_filters.py", "_since_by_task"),
}


def is_statement(node: ast.JoinedStr) -> bool:
    """Whether an f-string with something filled in is SQL."""
    texts = [part.value for part in node.values if isinstance(part, ast.Constant)]
    return len(texts) < len(node.values) and bool(STATEMENT.search(" ".join(map(str, texts))))


def in_functions(path: str) -> set[tuple[str, str]]:
    """The functions of a module in which a statement is made when they are called."""
    tree = ast.parse((ROOT / path).read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {
        (path, function.name)
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.JoinedStr) and is_statement(node)
    }


def test_statements_are_made_at_import() -> None:
    modules = [path for path in sorted(files()) if path.endswith(".py") and path.partition("/")[0] in PACKAGES]
    assert len(modules) > 200
    assert {found for path in modules for found in in_functions(path)} == IN_FUNCTIONS


def test_a_value_in_a_statement_would_be_found() -> None:
    (function,) = ast.parse("def f(x):\n    return f'SELECT a FROM t WHERE b = {x}'").body
    assert any(isinstance(node, ast.JoinedStr) and is_statement(node) for node in ast.walk(function))
