"""The limits that are in force: those of the registry, and those of the settings for every company without its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from schema.quotas.kinds import Kind, Scope, Subject
from schema.registry import Quota


class Limits:
    """Limits by kind and subject. ``defaults``: of each company, by kind; 0 means none."""

    def __init__(self, quotas: Iterable[Quota] = (), defaults: Mapping[Kind, int] | None = None) -> None:
        self._set = {(quota.kind, quota.scope, quota.scope_id): quota.limit for quota in quotas}
        self._defaults = {kind: limit for kind, limit in (defaults or {}).items() if limit}
        self._kinds = frozenset(kind for kind, _, _ in self._set) | frozenset(self._defaults)

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def has(self, kind: Kind) -> bool:
        """Tell whether anybody has a limit of a kind."""
        return kind in self._kinds

    def of(self, kind: Kind, subject: Subject) -> int | None:
        """Return a limit; None if there is none."""
        found = self._set.get((kind, *subject))
        if found is None and subject.scope is Scope.COMPANY:
            found = self._defaults.get(kind)
        return found

    def among(self, kind: Kind, subjects: Iterable[Subject]) -> Iterator[tuple[Subject, int]]:
        """Yield those of some subjects that have a limit, with it."""
        for subject in subjects:
            if (limit := self.of(kind, subject)) is not None:
                yield subject, limit

    def subjects(self, kind: Kind) -> set[Subject]:
        """Return the subjects whose limit of a kind is in the registry."""
        return {Subject(Scope(scope), found) for of_kind, scope, found in self._set if of_kind == kind}
