"""The tiers behind one address, as deploy/ serves them: which is what an SDK and a browser know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.harness.api import Origins
from tests.harness.deployment import Deployment, distributed
from tests.servers.nginx import OWN_ADDRESS, nginx


@contextmanager
def fronted(
    directory: Path, bootstrap: str, clickhouse_url: str, settings: Mapping[str, str] | None = None
) -> Iterator[Deployment]:
    """Separate processes, all tiers at one address. Raises Unavailable if nginx is not installed."""
    own = {"TRUSTED_PROXIES": OWN_ADDRESS} | dict(settings or {})
    with (
        distributed(directory, bootstrap, clickhouse_url, own) as deployment,
        nginx(directory, deployment.origins.gateway, deployment.origins.query, deployment.files) as address,
    ):
        origins = Origins(address.api, address.api)
        yield replace(deployment, origins=origins, files=address.files, tiers=deployment.origins)
