"""Documents as answers show them: the fields that were asked for, references as the objects they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

from query.context import QueryContext
from schema.api.visibility import may_see
from schema.api.wire import Caller
from schema.registry import MODELS, PROJECTS, TASKS, Document, Kind, names_of, owner_of

USERS, COMPANIES = "users", "companies"
REFERENCES: dict[str, dict[tuple[str, ...], Kind | str]] = {
    TASKS.name: {
        ("company",): COMPANIES,
        ("user",): USERS,
        ("project",): PROJECTS,
        ("parent",): TASKS,
        ("models", "input", "model"): MODELS,
        ("models", "output", "model"): MODELS,
    },
    MODELS.name: {
        ("company",): COMPANIES,
        ("user",): USERS,
        ("project",): PROJECTS,
        ("task",): TASKS,
        ("parent",): MODELS,
    },
    PROJECTS.name: {("company",): COMPANIES, ("user",): USERS},
}
ANY = "*"


class Tree(dict[str, "Tree"]):
    """Dotted paths by their first parts. Empty: everything."""

    @classmethod
    def of(cls, paths: Iterable[str]) -> Tree:
        """Parse paths: ``a.b``, ``a.c``, ``d`` -> {a: {b, c}, d}; a path takes precedence over longer ones."""
        tree = cls()
        for path in sorted(paths, key=len, reverse=True):
            *parents, name = names_of(path)
            inner = tree
            for parent in parents:
                inner = inner.setdefault(parent, cls())
            inner[name] = cls()
        return tree

    def at(self, path: Sequence[str]) -> Tree | None:
        """Return the tree under a path; None if nothing under it is asked for."""
        tree: Tree = self
        for name in path:
            if not tree:
                return tree
            if name not in tree and ANY not in tree:
                return None
            tree = tree[name] if name in tree else tree[ANY]
        return tree

    def without(self, paths: Iterable[Sequence[str]]) -> Tree:
        """Return the tree with everything under each of ``paths`` that is mentioned."""
        tree = Tree(self)
        for name, *rest in paths:
            if name in tree:
                tree[name] = tree[name].without([rest]) if rest else Tree()
        return tree


def pick(value: Any, tree: Tree) -> Any:
    """Return the parts of a document that a tree names, through all members of lists; ``*`` names all fields.

    It makes one call for each level and none besides: documents are nested as deeply as half of Python's stack.
    """
    if not tree:
        return value
    if isinstance(value, list):
        return list(map(pick, value, repeat(tree)))
    if not isinstance(value, Mapping):
        return value
    named = dict.fromkeys(value, tree[ANY]) if ANY in tree else {}
    named |= {name: inner for name, inner in tree.items() if name in value}
    return dict(zip(named, map(pick, map(value.get, named), named.values()), strict=True))


def leave_out(document: Document, tree: Tree) -> Document:
    """Return the document without the parts that a tree names; its id always stays."""
    kept: Document = {}
    for name, value in document.items():
        inner = tree.get(name)
        if inner and isinstance(value, Mapping):
            kept[name] = leave_out(dict(value), inner)
        elif inner is None or name == "id":
            kept[name] = value
    return kept


def select(documents: Sequence[Document], tree: Tree) -> list[Document]:
    """Return each document's id and what the tree names."""
    return [{"id": document["id"]} | pick(document, tree) if tree else document for document in documents]


def at(value: Any, path: Iterable[str]) -> Any:
    """Return the value at a path; None if there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


async def expand(
    context: QueryContext, caller: Caller, kind: Kind, documents: Sequence[Document], tree: Tree
) -> list[Document]:
    """Select fields, with references as objects: the id, and the fields that the tree names.

    ``documents`` are changed.
    """
    references = REFERENCES[kind.name]
    found = select(documents, tree.without(references))
    for path, target in references.items():
        wanted = tree.at(path) if tree else Tree()
        if wanted is not None:
            places = [place for document in found for place in _places(document, path)]
            await _fill(context, caller, target, places, path[-1], wanted)
    return found


async def _fill(
    context: QueryContext, caller: Caller, target: Kind | str, places: list[Document], name: str, wanted: Tree
) -> None:
    """Put objects in place of the ids in field ``name`` of each of ``places``."""
    ids = {place[name] for place in places if isinstance(place[name], str)}
    known = await _look_up(context, caller, target, ids, wanted) if wanted.keys() - {"id"} else {}
    for place in places:
        if isinstance(key := place[name], str):
            place[name] = {"id": key} | known.get(key, {})


async def _look_up(
    context: QueryContext, caller: Caller, target: Kind | str, ids: set[str], wanted: Tree
) -> dict[str, Document]:
    if target == COMPANIES:
        return {caller.company: pick({"id": caller.company, "name": caller.company_name}, wanted)}
    if target == USERS:
        names = await context.registry.names_of_users(ids)
        return {key: pick({"id": key, "name": name}, wanted) for key, name in names.items()}
    assert isinstance(target, Kind)
    documents = await context.registry.get_many(target, ids)
    visible = [document for document in documents if may_see(caller, owner_of(target, document))]
    return {document["id"]: document for document in await expand(context, caller, target, visible, wanted)}


def _places(value: Any, path: Sequence[str]) -> Iterator[Document]:
    """Return the objects that hold the last name of a path."""
    if isinstance(value, list):
        for member in value:
            yield from _places(member, path)
    elif isinstance(value, dict) and path[0] in value:
        if len(path) == 1:
            yield value
        else:
            yield from _places(value[path[0]], path[1:])
