"""Quotas of open streams: of a company, of a user, and of a project whose tasks a stream follows."""

from __future__ import annotations

from collections.abc import Iterable

from schema.api.wire import Caller
from schema.quotas.kinds import Kind, Scope, Subject, subjects_of
from schema.quotas.ledger import QuotaLedger
from schema.quotas.refusals import stream_refusal
from schema.registry import Entity


class StreamQuotas:
    """Counts the streams of this process in its ledger, which knows those of the others."""

    def __init__(self, ledger: QuotaLedger) -> None:
        self._ledger = ledger

    def open(self, caller: Caller, entities: Iterable[Entity]) -> frozenset[Subject]:
        """Count a stream, and return of whom it is one, for ``close``. Raises TooManyStreams, having counted nothing.

        Projects of other companies, whose public tasks anybody may follow, are not counted.
        """
        own = {entity.project for entity in entities if entity.project and entity.company == caller.company}
        projects = {Subject(Scope.PROJECT, project) for project in own}
        subjects = frozenset(projects.union(subjects_of(caller.company, caller.user, None)))
        for subject, limit in self._ledger.limits.among(Kind.STREAMS, subjects):
            if self._ledger.used(Kind.STREAMS, subject) >= limit:
                raise stream_refusal(subject, limit)
        self._count(subjects, 1)
        return subjects

    def close(self, subjects: Iterable[Subject]) -> None:
        """Count a stream no more."""
        self._count(subjects, -1)

    def _count(self, subjects: Iterable[Subject], amount: int) -> None:
        for subject in subjects:
            self._ledger.add(Kind.STREAMS, subject, amount)
