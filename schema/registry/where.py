"""Conditions -> SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from schema.registry.conditions import ANY_SECTION, Between, Condition, Every, Matches, Not, OneOf, Some, names_of
from schema.registry.patterns import Literal, literal_of, required_text
from schema.registry.tables import Kind

MAX_INTEGER = 2**63  # beyond, SQLite takes none


def where(kind: Kind, condition: Condition, *, often: bool | None = False) -> sa.ColumnElement[bool]:
    """Return a condition as SQL on ``kind.rows``.

    ``often``: whether it is likely to hold; None: it is tried on a great many rows.
    """
    match condition:
        case Every(parts):
            return sa.and_(sa.true(), *(where(kind, part, often=often) for part in parts))
        case Some(parts):
            return sa.or_(sa.false(), *(where(kind, part, often=often) for part in parts))
        case Not(part):
            unlikely = None if often is None else not often
            return sa.not_(sa.func.coalesce(where(kind, part, often=unlikely), sa.false()))  # null means no
        case OneOf(field, values) if field in kind.term_fields:
            return _term_is_one_of(kind, field, values, often)
        case Matches(field, pattern, ignore_case) if field in kind.term_fields:
            return _some_term(kind, field, _matches(kind.terms.c.value, pattern, ignore_case), often)
        case OneOf(field, values):
            return _is_one_of(value_of(kind, field), values)
        case Matches(field, pattern, ignore_case):
            return _matches(_text(value_of(kind, field)), pattern, ignore_case)
        case Between():
            return _between(value_of(kind, condition.field), condition)


def value_of(kind: Kind, field: str) -> sa.ColumnElement[Any]:
    """Return the SQL of a column, or of a text out of the body."""
    if (column := kind.column(field)) is not None:
        return column
    names = names_of(field)
    if is_in_any_section(field):
        text: sa.ColumnElement[str] = text_in_any(kind.bodies.c.body, _path(names[:1]), _path(names[2:]), *names)
    else:
        text = text_in(kind.bodies.c.body, _path(names), *names)
    body = sa.select(text)
    return body.where(kind.bodies.c.id == kind.rows.c.id).correlate(kind.rows).scalar_subquery()


def is_in_any_section(field: str) -> bool:
    """Tell whether a path is ``hyperparams.*.name.value``."""
    parts = field.split(".")
    return len(parts) == 4 and parts[0] == "hyperparams" and parts[1] == ANY_SECTION


def _path(names: Sequence[str]) -> str:
    """Return names as a path of SQLite's."""
    return "$" + "".join(f'."{name}"' for name in names)


class text_in(GenericFunction[str]):
    """A text inside JSON: SQLite takes the path, PostgreSQL the names on it."""

    type = sa.String()
    inherit_cache = True


@compiles(text_in)
def _json_extract_path_text(element: text_in, compiler: SQLCompiler, **options: Any) -> str:
    body, _, *names = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_extract_path_text({', '.join((body, *names))})"


@compiles(text_in, "sqlite")
def _json_extract(element: text_in, compiler: SQLCompiler, **options: Any) -> str:
    body, path = (compiler.process(clause, **options) for clause in list(element.clauses)[:2])
    return f"CAST(json_extract({body}, {path}) AS VARCHAR)"


class text_in_any(GenericFunction[str]):
    """A text inside the first object, by its name, of an object inside JSON that has it.

    Arguments: the JSON; the paths of the outer object and, in each of its objects, of the text; then all four names.
    """

    type = sa.String()
    inherit_cache = True


@compiles(text_in_any)
def _first_of_json_each(element: text_in_any, compiler: SQLCompiler, **options: Any) -> str:
    body, _, _, outer, _, *inner = (compiler.process(clause, **options) for clause in element.clauses)
    text = f"json_extract_path_text(section.value, {', '.join(inner)})"
    object = f"json_extract_path({body}, {outer})"
    sections = f"json_each(CASE json_typeof({object}) WHEN 'object' THEN {object} END) AS section"
    return f'(SELECT {text} FROM {sections} WHERE {text} IS NOT NULL ORDER BY section.key COLLATE "C" LIMIT 1)'  # noqa: S608


@compiles(text_in_any, "sqlite")
def _first_of_json_tree(element: text_in_any, compiler: SQLCompiler, **options: Any) -> str:
    body, outer, inner = (compiler.process(clause, **options) for clause in list(element.clauses)[:3])
    text = f"json_extract(section.value, {inner})"
    sections = f"json_each({body}, {outer}) AS section"
    found = f"section.type = 'object' AND {text} IS NOT NULL"
    return f"(SELECT CAST({text} AS VARCHAR) FROM {sections} WHERE {found} ORDER BY section.key LIMIT 1)"  # noqa: S608


def _is_one_of(value: sa.ColumnElement[Any], wanted: Sequence[Any]) -> sa.ColumnElement[bool]:
    given = [one for one in (_of_type(value.type, one) for one in wanted if one is not None) if one is not None]
    found = value == given[0] if len(given) == 1 else value.in_(given)
    return sa.or_(found, value.is_(None)) if None in wanted else found


def _of_type(column: sa.types.TypeEngine[Any], value: Any) -> Any:
    """Return a value as a column of a type may have it; None if none equals it: PostgreSQL compares no others."""
    if isinstance(column, sa.Integer):
        is_one = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MAX_INTEGER
        return value if is_one else None
    if isinstance(column, sa.Boolean):
        return value if isinstance(value, bool) else None
    return as_text(value)


def _text(value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return value if isinstance(value.type, sa.String) else sa.cast(value, sa.String)


def as_text(value: Any) -> str:
    """Return a value as it stands in JSON, without quotes."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _term_is_one_of(kind: Kind, field: str, values: Sequence[Any], often: bool | None) -> sa.ColumnElement[bool]:
    given = [value for value in values if value is not None]
    found = _some_term(kind, field, _is_one_of(kind.terms.c.value, given), often)
    return sa.or_(found, sa.not_(_some_term(kind, field, sa.true(), True))) if None in values else found


def _some_term(kind: Kind, field: str, holds: sa.ColumnElement[bool], often: bool | None) -> sa.ColumnElement[bool]:
    """Return the condition on terms: tried on each row if it holds often, else looked up first."""
    terms = kind.terms.c
    if often:
        return sa.exists().where(terms.id == kind.rows.c.id, terms.field == field, holds)
    return kind.rows.c.id.in_(sa.select(terms.id).where(terms.field == field, holds))


def _between(value: sa.ColumnElement[Any], condition: Between) -> sa.ColumnElement[bool]:
    bounds = []
    if condition.low is not None:
        bounds.append(value > condition.low if condition.strict else value >= condition.low)
    if condition.high is not None:
        bounds.append(value < condition.high if condition.strict else value <= condition.high)
    return sa.and_(sa.true(), *bounds)


def _matches(value: sa.ColumnElement[Any], pattern: str, ignore_case: bool) -> sa.ColumnElement[bool]:
    """Return the condition of a pattern; plain text, which clients mostly send, costs no regular expression."""
    literal = literal_of(pattern, ignore_case)
    if literal is not None:
        return _is_literally(sa.func.lower(value) if ignore_case else value, literal)
    if ignore_case:
        return value.regexp_match(f"(?i){pattern}")
    contained = _is_literally(value, Literal(required_text(pattern), False, False))
    # PostgreSQL would try the expression first, as it counts functions; CASE keeps the order
    return sa.case((contained, value.regexp_match(pattern)), else_=sa.false())


def _is_literally(value: sa.ColumnElement[Any], literal: Literal) -> sa.ColumnElement[bool]:
    if literal.at_start and literal.at_end:
        return value == literal.text
    if literal.at_start:
        return sa.func.substr(value, 1, len(literal.text)) == literal.text
    return position(value, sa.literal(literal.text)) > 0


class position(GenericFunction[int]):
    """The place where a text first stands in another, from 1; 0 if it does not."""

    type = sa.Integer()
    inherit_cache = True


@compiles(position)
def _strpos(element: position, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(position, "sqlite")
def _instr(element: position, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"
