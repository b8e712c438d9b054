"""``eventide query``: answers everything that only reads. Any number of them."""

from __future__ import annotations

from deploy import first_start
from deploy.serve import serve
from query.app import endpoints
from query.cursor import Cursors
from query.reader import Reader
from schema.auth import Authenticator
from schema.health import Health
from schema.login import endpoints as login_endpoints
from schema.registry import Registry
from schema.settings import Settings
from schema.store import Store
from schema.web import create_app


async def query(settings: Settings) -> None:
    """Run until stopped. Raises ConfigError."""
    store = Store(first_start.server_engine(settings), settings.readers)
    registry = Registry(first_start.registry_url(settings))
    secret = await first_start.token_secret(registry, settings)
    authenticator = Authenticator(registry, secret)
    table = endpoints.bind(Reader(store, registry, Cursors(secret))).merge(login_endpoints.bind(authenticator))
    health = Health({"store": store.ping, "registry": registry.ping})
    await serve(create_app(table, authenticator, health, settings.max_body_bytes), health, settings)
    store.close()
    await registry.close()
