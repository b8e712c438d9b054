"""What the tests of reads share: one running application, and how it is spoken to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from schema.store import EmbeddedEngine, Store
from schema.store.migrate import migrate
from tests.harness.api import LATEST, Api, Data


@dataclass(frozen=True)
class Service:
    """Calls of the events service as its first user."""

    api: Api

    def call(self, action: str, version: str | None = None, **body: Any) -> Data:
        """The data of a call that succeeds."""
        return self.api.call(f"events.{action}", body, version=version or LATEST)

    def fail(self, action: str, version: str | None = None, **body: Any) -> tuple[int, int]:
        """Code and subcode of a call that is refused."""
        return self.api.fail(f"events.{action}", body, version=version or LATEST)

    def new_task(self) -> str:
        """A task of its own."""
        return self.api.create_task()

    def new_model(self) -> str:
        """A model of its own."""
        return self.api.create_model()

    def send(self, lines: Iterable[Data]) -> None:
        """Store events, all of them, with one request."""
        self.api.add(*lines)

    def scroll(self, action: str, version: str | None = None, **body: Any) -> Iterator[Data]:
        """The answers of a scroll up to and with the one that ends it."""
        answer = self.call(action, version, **body)
        yield answer
        while answer["returned"]:
            answer = self.call(action, version, **body | {"scroll_id": answer["scroll_id"]})
            yield answer


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An embedded store of the module's own, with its tables."""
    opened = Store(EmbeddedEngine(tmp_path_factory.mktemp("store")), 2)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def service(api: Api) -> Service:
    """The running application."""
    return Service(api)
