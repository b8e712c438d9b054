"""The command ``eventide query``: answers everything that only reads. Any number of them."""

from __future__ import annotations

from functools import partial

from deploy import access, adapters, components
from deploy.endpoint_catalog import all_endpoints
from deploy.first_start import Credentials
from deploy.serve import serve
from deploy.single_sign_on import oidc_login
from deploy.tracing import start_tracing
from query.services import QueryServices
from schema.changefeed.changefeed import NoChangefeed
from schema.http.dispatcher import create_app
from schema.http.health import Health
from schema.http.login import endpoints as login_endpoints
from schema.settings import Settings
from schema.store import Store


async def query(settings: Settings) -> None:
    """Run until stopped. Raises ConfigError."""
    start_tracing("query", settings)
    store = Store(components.server_engine(settings), settings.readers)
    await store.check_version()
    registry = await components.registry(settings)
    secret = await access.token_secret(registry, settings)
    authenticator = components.authenticator(registry, secret, settings)
    ledger, others = await components.quota_ledger(settings, registry), access.other_token_secrets(settings)
    streams = components.stream_limits(settings)
    services = QueryServices(store, registry, secret, NoChangefeed(), ledger, other_secrets=others, streams=streams)
    silent = adapters.silent(settings)
    table = services.endpoints.merge(login_endpoints.bind(authenticator)).without(silent)
    health = Health({"store": store.ping, "registry": registry.ping})
    site = components.site(settings, Credentials(settings.web_access_key, settings.web_secret_key.get_secret_value()))
    limits, proxies = components.limits(settings), components.proxies(settings)
    files = [*filter(None, [components.own_origin_files(settings, authenticator, registry, ledger)])]
    admission = components.admission(settings)
    sso = oidc_login(settings, authenticator, registry, secret)
    described, spoken = partial(all_endpoints, silent), adapters.dialects(settings)
    app = create_app(table, authenticator, health, limits, described, site, proxies, files, admission, sso, spoken)
    app.on_shutdown.append(lambda _: services.close())
    await serve(app, health, settings, settings.port)
    await ledger.close()
    store.close()
    await registry.close()
