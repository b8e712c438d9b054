"""What every measurement is given: where figures go, the floors, a folder, and how large it may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.floors import Floors
from tests.bench.load import Client
from tests.bench.measure import Results
from tests.harness.api import Api
from tests.harness.deployment import Deployment, embedded


@dataclass(frozen=True)
class Bench:
    """``scale``: 1 for the figures of docs/performance.md, less for a quick look."""

    results: Results
    floors: Floors
    scale: float

    def times(self, count: int) -> int:
        """So many at scale 1; at least one."""
        return max(1, round(count * self.scale))


@dataclass(frozen=True)
class Service:
    """A running Eventide and its first user."""

    deployment: Deployment
    api: Api
    directory: Path

    def clients(self, count: int) -> list[Client]:
        """Connections to the gateway."""
        headers = {"Authorization": f"Bearer {self.api.token}"}
        return [Client(self.deployment.origins.gateway, headers) for _ in range(count)]

    def tasks(self, count: int) -> list[str]:
        """New ones."""
        return [self.api.create_task(f"bench {number}") for number in range(count)]

    def pids(self, *names: str) -> Sequence[int]:
        """Of the deployment's processes of these names."""
        return [self.deployment.processes[name].pid for name in names]


@contextmanager
def one_process(settings: Mapping[str, str] | None = None) -> Iterator[Service]:
    """``eventide up`` on an empty directory. ``settings``: by their names without EVENTIDE_."""
    with TemporaryDirectory(prefix="eventide-bench-") as path:
        directory = Path(path)
        with embedded(directory, settings) as deployment, Api(deployment.origins, deployment.credentials) as api:
            yield Service(deployment, api, directory)
