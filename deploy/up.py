"""The command ``eventide up``: gateway, writer and query service in one process, on chDB. No service needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from deploy import access, adapters, components, first_start, preflight, tls
from deploy.backup import control
from deploy.backup.contents import make_backup
from deploy.client_environment import addresses, record
from deploy.data_directory import LOG, STORE
from deploy.disks import measure_disk
from deploy.endpoint_catalog import all_endpoints
from deploy.first_start import Credentials
from deploy.serve import start, until_stopped
from deploy.single_sign_on import oidc_login
from deploy.tracing import start_tracing
from deploy.welcome import welcome
from ingest.app import endpoints as write_endpoints
from ingest.gateway import Gateway
from ingest.last_update import LastUpdateRecorder
from ingest.local.log import LocalLog
from ingest.local.wal import WriteAheadLog
from ingest.metric_quotas import MetricQuotas
from ingest.quotas import WriteQuotas
from ingest.refused_events import RefusedEvents
from ingest.rollups.scheduler import RollupScheduler
from query.services import QueryServices
from schema.api.wire import Endpoints, Tier
from schema.changefeed.changefeed import Changefeed
from schema.http.auth import Authenticator
from schema.http.dispatcher import create_app
from schema.http.files_server import OWN_ORIGIN, Files, create_files_app
from schema.http.health import Health
from schema.http.login import endpoints as login_endpoints
from schema.http.static_site import Site
from schema.loop_delay import watch_loop
from schema.settings import Settings
from schema.store import EmbeddedEngine, Store
from schema.store.migrate import migrate
from schema.store.object_store import FileStore

if TYPE_CHECKING:  # loaded where a provider is set
    from schema.http.oidc_login import OidcLogin

DRAIN_SECONDS = 2.0  # no request waits for another process here: only a client that is slow takes longer


async def up(settings: Settings) -> None:
    """Run until stopped. Raises ConfigError."""
    preflight.check(settings)
    start_tracing("up", settings)
    with first_start.lock_directory(settings.data_dir):
        measure_disk("data", settings.data_dir.resolve())
        is_new = first_start.are_to_be_made(settings)
        credentials = first_start.first_credentials(settings)
        async with embedded(settings, credentials) as (app, files_app, health):
            brief = settings.model_copy(update={"drain_seconds": min(settings.drain_seconds, DRAIN_SECONDS)})
            connections = components.connections(settings)
            certificate = tls.server_certificate(settings)
            watch_loop()
            runner, port = await start(app, brief, settings.port, connections, certificate)
            files_runner, files_port = await start(files_app, brief, settings.files_port, connections, certificate)
            known = addresses(settings.host, port, files_port, "https" if certificate else "http")
            record(settings.data_dir, known)
            print(welcome(settings, known, credentials if is_new else None), flush=True)
            await until_stopped(health)
            await asyncio.gather(files_runner.cleanup(), runner.cleanup())


@asynccontextmanager
async def embedded(
    settings: Settings, credentials: Credentials
) -> AsyncIterator[tuple[web.Application, web.Application, Health]]:
    """Yield the API and the files server over a data directory, whose lock the caller holds."""
    registry = components.unchecked_registry(settings)
    store = Store(EmbeddedEngine(settings.data_dir / STORE), settings.readers)
    await registry.create_schema()
    await first_start.ensure_first_user(registry, settings, credentials)
    web_credentials = await first_start.ensure_web_user(registry, settings)
    secret = await access.token_secret(registry, settings)
    migrate(store)
    rollup_scheduler, changefeed = RollupScheduler(store), Changefeed()
    log = LocalLog(store, WriteAheadLog(settings.data_dir / LOG), changefeed, rollup_scheduler.wrote)
    last_update_recorder = LastUpdateRecorder(registry)
    refused_events = RefusedEvents(registry)
    ledger = await components.quota_ledger(settings, registry, is_gateway=True)
    others, streams = access.other_token_secrets(settings), components.stream_limits(settings)
    services = QueryServices(store, registry, secret, changefeed, ledger, settings.held_points, others, streams)
    authenticator = components.authenticator(registry, secret, settings)
    quotas = WriteQuotas(ledger, MetricQuotas(ledger, registry))
    gateway = Gateway(
        registry, log, last_update_recorder, quotas, refused_events, settings.ack, settings.validate_plots
    )
    own = write_endpoints.bind(gateway), services.endpoints, login_endpoints.bind(authenticator)
    endpoints = Endpoints(Tier.BOTH).merge(*own).without(adapters.silent(settings))
    health = Health(ready={"store": store.ping, "registry": registry.ping, "log": log.check}, alive={"log": log.check})
    store_of_files = components.limited_files(settings, registry, ledger)
    site = components.site(settings, web_credentials)
    sso = oidc_login(settings, authenticator, registry, secret)
    app, files_app = _apps(settings, endpoints, authenticator, health, store_of_files, site, sso)
    app.on_shutdown.append(lambda _: services.close())
    rollup_scheduler.start()
    back_up = partial(make_backup, settings, store, log.keeping_log)
    try:
        async with control.listening(settings.data_dir, back_up):
            yield app, files_app, health
    finally:
        await log.close()
        await asyncio.to_thread(rollup_scheduler.close)
        await last_update_recorder.close()
        await refused_events.close()
        await ledger.close()
        store.close()
        await registry.close()


def _apps(
    settings: Settings,
    endpoints: Endpoints,
    authenticator: Authenticator,
    health: Health,
    store_of_files: FileStore,
    site: Site,
    sso: OidcLogin | None,
) -> tuple[web.Application, web.Application]:
    """Create the applications of the API, which also has the files, and of the files server."""
    limits, proxies = components.limits(settings), components.proxies(settings)
    others = adapters.other_files(settings)
    kept = store_of_files, authenticator, settings.max_file_bytes, proxies
    files = [kind(*kept, prefix=OWN_ORIGIN) for kind in (*others, Files)]
    admission, spoken = components.admission(settings), adapters.dialects(settings)
    described = partial(all_endpoints, adapters.silent(settings))
    app = create_app(endpoints, authenticator, health, limits, described, site, proxies, files, admission, sso, spoken)
    of_files = settings.max_file_bytes, proxies, others
    return app, create_files_app(store_of_files, authenticator, health, *of_files)
