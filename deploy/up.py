"""``eventide up``: gateway, writer and query service in one process, on chDB. No service needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from textwrap import dedent

from aiohttp import web

from deploy import first_start, parts
from deploy.calls import all_calls
from deploy.first_start import Credentials
from deploy.serve import start, until_stopped
from ingest.app import endpoints as write_endpoints
from ingest.gateway import Gateway
from ingest.local.journal import Journal
from ingest.local.log import LocalLog
from ingest.roller import Roller
from ingest.touch import Toucher
from query.app import endpoints as read_endpoints
from query.cursor import Cursors
from query.reader import Reader
from schema.changes import Changes
from schema.files import create_files_app
from schema.health import Health
from schema.login import endpoints as login_endpoints
from schema.migrate import migrate
from schema.registry import Registry
from schema.settings import Settings
from schema.store import EmbeddedEngine, Store
from schema.web import create_app
from schema.wire import Endpoints, Tier

DRAIN_SECONDS = 2.0  # no request waits for another process here: only a client that is slow takes longer


async def up(settings: Settings) -> None:
    """Run until stopped. Raises ConfigError."""
    with first_start.lock_directory(settings.data_dir):
        credentials = first_start.first_credentials(settings)
        async with embedded(settings, credentials) as (app, files_app, health):
            brief = settings.model_copy(update={"drain_seconds": min(settings.drain_seconds, DRAIN_SECONDS)})
            runner, port = await start(app, brief)
            files_runner, files_port = await start(files_app, brief, settings.files_port)
            print(welcome(settings, port, files_port, credentials), flush=True)
            await until_stopped(health)
            await asyncio.gather(files_runner.cleanup(), runner.cleanup())


@asynccontextmanager
async def embedded(
    settings: Settings, credentials: Credentials
) -> AsyncIterator[tuple[web.Application, web.Application, Health]]:
    """The API and the files server over a data directory, whose lock the caller holds."""
    registry = Registry(parts.registry_url(settings))
    store = Store(EmbeddedEngine(settings.data_dir / "chdb"), settings.readers)
    await registry.create_schema()
    await first_start.ensure_first_user(registry, settings, credentials)
    web_credentials = first_start.web_credentials(settings)
    await first_start.ensure_web_user(registry, settings, web_credentials)
    secret = await parts.token_secret(registry, settings)
    migrate(store)
    roller, changes = Roller(store), Changes()
    log = LocalLog(store, Journal(settings.data_dir / "journal.sqlite"), changes, roller.wrote)
    toucher, reader = Toucher(registry), Reader(store, registry, Cursors(secret), changes, settings.held_points)
    authenticator = parts.authenticator(registry, secret, settings)
    gateway = Gateway(registry, log, toucher, settings.ack, settings.validate_plots)
    endpoints = Endpoints(Tier.BOTH).merge(
        write_endpoints.bind(gateway),
        read_endpoints.bind(reader),
        login_endpoints.bind(authenticator),
    )
    health = Health(ready={"store": store.ping, "registry": registry.ping, "log": log.check}, alive={"log": log.check})
    files_app = create_files_app(parts.file_store(settings), authenticator, health, settings.max_file_bytes)
    site = parts.site(settings, web_credentials)
    app = create_app(endpoints, authenticator, health, parts.limits(settings), all_calls, site)
    app.on_shutdown.append(lambda _: reader.watching.close())
    roller.start()
    try:
        yield app, files_app, health
    finally:
        await log.close()
        await asyncio.to_thread(roller.close)
        await toucher.close()
        store.close()
        await registry.close()


def welcome(settings: Settings, port: int, files_port: int, credentials: Credentials) -> str:
    """What a person needs for the first minute; the curl lines work when pasted."""
    url, user = f"http://{settings.host}:{port}", f"{credentials.access_key}:{credentials.secret_key}"
    return dedent(f"""\
        Eventide listens on {url}, its files server on http://{settings.host}:{files_port}

          access key  {credentials.access_key}
          secret key  {credentials.secret_key}

        {to_look_at(settings, url, user)}

        A task, a batch of events, and its curve:

        TASK=$(curl -s -u {user} -H 'Content-Type: application/json' {url}/tasks.create -d '{{"name":"first task","type":"training"}}' | sed 's/.*"id":"\\([0-9a-f]*\\)".*/\\1/')
        for i in 1 2 3 4 5; do echo '{{"type":"training_stats_scalar","task":"'$TASK'","iter":'$i',"metric":"loss","variant":"train","value":0.'$((9-i))'}}'; done | curl -s -u {user} -H 'Content-Type: application/json-lines' {url}/events.add_batch --data-binary @-
        curl -s -u {user} -H 'Content-Type: application/json' {url}/events.scalar_metrics_iter_histogram -d '{{"task":"'$TASK'"}}'
        """)  # noqa: E501 - each is one line to paste


def to_look_at(settings: Settings, url: str, user: str) -> str:
    """What is at ``/``, and how to log in there."""
    if not settings.web_dir:
        return f"The page, logged in with them:  {url}/#login={user}"
    if settings.web_login == "keys":
        return f"The ClearML web app, with the two keys as name and password:  {url}/"
    return f"The ClearML web app, where any name logs in:  {url}/"
