"""``eventide query``: answers everything that only reads. Any number of them."""

from __future__ import annotations

from deploy import parts
from deploy.calls import all_calls
from deploy.first_start import Credentials
from deploy.serve import serve
from query.app import endpoints
from query.cursor import Cursors
from query.reader import Reader
from schema.health import Health
from schema.login import endpoints as login_endpoints
from schema.registry import Registry
from schema.settings import Settings
from schema.store import Store
from schema.web import create_app


async def query(settings: Settings) -> None:
    """Run until stopped. Raises ConfigError."""
    store = Store(parts.server_engine(settings), settings.readers)
    registry = Registry(parts.registry_url(settings))
    secret = await parts.token_secret(registry, settings)
    authenticator = parts.authenticator(registry, secret, settings)
    reader = Reader(store, registry, Cursors(secret))
    table = endpoints.bind(reader).merge(login_endpoints.bind(authenticator))
    health = Health({"store": store.ping, "registry": registry.ping})
    site = parts.site(settings, Credentials(settings.web_access_key, settings.web_secret_key.get_secret_value()))
    app = create_app(table, authenticator, health, parts.limits(settings), all_calls, site)
    app.on_shutdown.append(lambda _: reader.watching.close())
    await serve(app, health, settings)
    store.close()
    await registry.close()
