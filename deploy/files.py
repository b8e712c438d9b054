"""The command ``eventide files``: the files server. Any number of them on one object store."""

from __future__ import annotations

from deploy import access, adapters, components
from deploy.serve import serve
from deploy.tracing import start_tracing
from schema.http.files_server import create_files_app
from schema.http.health import Health
from schema.settings import Settings


async def files(settings: Settings) -> None:
    """Run until stopped. Raises ConfigError."""
    start_tracing("files", settings)
    registry = await components.registry(settings)
    ledger = await components.quota_ledger(settings, registry)
    store = components.limited_files(settings, registry, ledger)
    authenticator = components.authenticator(registry, await access.token_secret(registry, settings), settings)
    health = Health({"files": store.ping, "registry": registry.ping})
    limits, others = (settings.max_file_bytes, components.proxies(settings)), adapters.other_files(settings)
    app = create_files_app(store, authenticator, health, *limits, others)
    await serve(app, health, settings, settings.files_port)
    await ledger.close()
    await registry.close()
