"""Settings -> the parts that several commands are made of."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deploy import access, tls
from deploy.data_directory import REGISTRY, files_place
from deploy.disks import measure_disk
from schema.errors import ConfigError
from schema.http.loopback import is_loopback
from schema.settings import Settings

if TYPE_CHECKING:  # a process imports only what it needs: a restarted worker is back a second sooner
    from deploy.first_start import Credentials
    from ingest.kafka.brokers import Brokers
    from ingest.kafka.producer import Producer
    from query.live.stream_hub import StreamLimits
    from schema.fairness.admission import Admission
    from schema.http.auth import Authenticator
    from schema.http.bodies import Limits
    from schema.http.client_address import Proxies
    from schema.http.connections import ConnectionTable
    from schema.http.files_server import Files
    from schema.http.origin_policy import OriginPolicy
    from schema.http.static_site import Site
    from schema.quotas.kinds import Kind
    from schema.quotas.ledger import QuotaLedger
    from schema.registry import Registry
    from schema.store import ServerEngine
    from schema.store.object_store import FileStore, StoreAccess


WEIGHT = re.compile(r"\d{1,4}(\.\d{1,4})?", re.A)
NO_CREDENTIALS = {"userKey": "", "userSecret": "", "companyID": ""}  # the web app then has none of its own


def _registry_url(settings: Settings) -> str:
    """Return the registry's URL; SQLite in the data directory unless set."""
    return settings.registry_url or f"sqlite:///{settings.data_dir.resolve() / REGISTRY}"


async def registry(settings: Settings) -> Registry:
    """Return the registry, for a process that does not migrate it. Raises ConfigError if `migrate` has not run."""
    found = unchecked_registry(settings)
    await found.check_schema()
    return found


def unchecked_registry(settings: Settings) -> Registry:
    """Return the registry, which connects when it is asked. Raises ConfigError for a URL or a file that is none."""
    from schema.registry import Registry

    return Registry(_registry_url(settings), tls.registry_files(settings))


@asynccontextmanager
async def migrated_registry(settings: Settings) -> AsyncIterator[Registry]:
    """Yield the registry, brought up to date, to a command that changes it. Raises ConfigError as the others do."""
    found = unchecked_registry(settings)
    await found.create_schema()
    try:
        yield found
    finally:
        await found.close()


def producer(settings: Settings, brokers: Brokers) -> Producer:
    """Make a producer, which connects at once."""
    from ingest.kafka.producer import Producer

    seconds = settings.kafka_timeout_seconds, settings.kafka_request_timeout_seconds
    return Producer(brokers, settings.kafka_max_record_bytes, *seconds)


def server_engine(settings: Settings) -> ServerEngine:
    """Make the engine of the ClickHouse server. Raises ConfigError if its URL is missing or wrong."""
    from schema.store import ServerEngine

    url = required(settings.clickhouse_url.get_secret_value(), "EVENTIDE_CLICKHOUSE_URL")
    if not _is_http(url):
        raise ConfigError("EVENTIDE_CLICKHOUSE_URL: http(s)://user:password@host:port/database is expected")
    return ServerEngine(url, tls.clickhouse_files(settings))


def _is_http(url: str) -> bool:
    try:
        address = urlsplit(url)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # no number, or beyond 65535
        return False


def file_store(settings: Settings, make: Callable[[str, StoreAccess], FileStore] | None = None) -> FileStore:
    """Make the object store of files; Raises ConfigError if the setting names none.

    ``make``: makes it of its URL and how it is reached.
    """
    from schema.store.object_store import BadStore, FileStore

    url = files_place(settings)
    if "://" not in url:
        measure_disk("files", Path(url))
    try:
        return (make or FileStore)(url, _store_access(settings))
    except BadStore as error:
        raise ConfigError(f"EVENTIDE_FILES_STORE: {error}") from error


def _store_access(settings: Settings) -> StoreAccess:
    from schema.store.object_store import StoreAccess

    files = tls.files_store_files(settings)
    files.check()
    secret = settings.files_secret_key.get_secret_value()
    return StoreAccess(settings.files_endpoint, settings.files_region, settings.files_access_key, secret, files.ca)


def limited_files(settings: Settings, registry: Registry, ledger: QuotaLedger) -> FileStore:
    """Make the object store of files, under quotas, for which they are counted. Raises ConfigError."""
    from schema.quotas.limited_files import LOOK_SECONDS, FileUsage, LimitedFiles

    store = file_store(settings, lambda url, reached: LimitedFiles(url, ledger, reached))
    ledger.repeat(FileUsage(store, registry, ledger).measure, LOOK_SECONDS, "files are not counted")
    return store


def own_origin_files(
    settings: Settings, authenticator: Authenticator, registry: Registry, ledger: QuotaLedger
) -> Files | None:
    """Return the files below ``/files/`` of a query service that has their address. Raises ConfigError."""
    from schema.http.files_server import OWN_ORIGIN, Files

    if not settings.files_store:
        return None
    store = limited_files(settings, registry, ledger)
    return Files(store, authenticator, settings.max_file_bytes, proxies(settings), prefix=OWN_ORIGIN)


def limits(settings: Settings) -> Limits:
    """Return the limits of bodies."""
    from schema.http.bodies import Limits

    sizes = settings.max_body_bytes, settings.max_inflight_bytes
    return Limits(*sizes, settings.body_seconds, settings.body_rate)


async def quota_ledger(settings: Settings, registry: Registry, *, is_gateway: bool = False) -> QuotaLedger:
    """Return the ledger of quotas of this process, started."""
    from schema.quotas.ledger import QuotaLedger

    ledger = QuotaLedger(registry, quota_defaults(settings), is_gateway=is_gateway)
    await ledger.start()
    return ledger


def quota_defaults(settings: Settings) -> dict[Kind, int]:
    """Return the limits of companies without their own, by kind; 0: none."""
    from schema.quotas.kinds import Kind

    return {
        Kind.EVENTS_PER_SECOND: settings.quota_events_per_second,
        Kind.BYTES_PER_DAY: settings.quota_bytes_per_day,
        Kind.METRICS_PER_TASK: settings.quota_metrics_per_task,
        Kind.TASKS: settings.quota_tasks,
        Kind.STORED_BYTES: settings.quota_stored_bytes,
        Kind.FILES: settings.quota_files,
        Kind.FILE_BYTES: settings.quota_file_bytes,
        Kind.STREAMS: settings.quota_streams,
    }


def admission(settings: Settings) -> Admission:
    """Return the admission of calls, by company. Raises ConfigError for weights that are none."""
    from schema.fairness.admission import Admission

    weights: dict[str, float] = {}
    for part in filter(None, settings.company_weights.split(",")):
        company, _, weight = part.strip().rpartition("=")
        if not company or not WEIGHT.fullmatch(weight) or not float(weight):
            raise ConfigError(f"EVENTIDE_COMPANY_WEIGHTS: COMPANY=NUMBER is expected, with more than 0, not {part}")
        weights[company] = float(weight)
    return Admission(settings.max_company_calls, weights)


def stream_limits(settings: Settings) -> StreamLimits:
    """Return how many streams there may be."""
    from query.live.stream_hub import StreamLimits

    return StreamLimits(settings.max_company_streams, settings.max_user_streams)


def proxies(settings: Settings) -> Proxies:
    """Return the proxies that requests may come through. Raises ConfigError for what is no network."""
    from schema.http.client_address import Proxies

    try:
        return Proxies(settings.trusted_proxies)
    except ValueError as error:
        raise ConfigError(f"EVENTIDE_TRUSTED_PROXIES: {error}") from error


def connections(settings: Settings) -> ConnectionTable:
    """Return the connections of this process, over all of its ports. Raises ConfigError."""
    from schema.http.connections import ConnectionLimits, ConnectionTable, descriptors

    total = settings.max_connections or descriptors() // 2
    limits = ConnectionLimits(total, settings.max_address_connections or total // 2, settings.header_seconds)
    return ConnectionTable(limits, proxies(settings))


def site(settings: Settings, web: Credentials) -> Site:
    """Return what is served at ``/``. Raises ConfigError if something is missing.

    ``web``: the web application's own credentials.
    """
    import query
    from schema.http.static_site import PageFiles, WebApp

    if not settings.web_dir:
        return PageFiles(Path(query.__file__).parent / "page")
    if not access.names_log_in(settings):
        return WebApp(web_directory(settings), NO_CREDENTIALS)
    key = required(web.access_key, "EVENTIDE_WEB_ACCESS_KEY")
    secret = required(web.secret_key, "EVENTIDE_WEB_SECRET_KEY")
    return WebApp(web_directory(settings), {"userKey": key, "userSecret": secret, "companyID": settings.company})


def web_directory(settings: Settings) -> Path:
    """Return the folder of the web app's build. Raises ConfigError if it is none."""
    from schema.http.static_site import INDEX

    directory = Path(settings.web_dir).resolve()
    if not (directory / INDEX).is_file():
        raise ConfigError(f"EVENTIDE_WEB_DIR: {directory} has no {INDEX}")
    return directory


def required(value: str, variable: str) -> str:
    """Return a setting that this command cannot do without. Raises ConfigError."""
    if not value:
        raise ConfigError(f"{variable} is not set")
    return value


def authenticator(registry: Registry, secret: str, settings: Settings) -> Authenticator:
    """Make the authenticator. ``secret``: the key of tokens."""
    from schema.http.auth import Authenticator

    by_name = access.names_log_in(settings)
    if by_name and not is_loopback(settings.host):
        message = "EVENTIDE_WEB_LOGIN=name: whoever reaches %s logs in as anybody, without a password"
        logging.getLogger("eventide.access").warning(message, settings.host)
    return Authenticator(
        registry,
        secret,
        asks_password=not by_name,
        origins=origin_policy(settings),
        has_sso=bool(settings.oidc_issuer),
        audit_days=settings.audit_days,
        other_secrets=access.other_token_secrets(settings),
    )


def origin_policy(settings: Settings) -> OriginPolicy:
    """Return the policy of hosts and origins. Raises ConfigError for what is no origin."""
    from schema.http.origin_policy import OriginPolicy

    origins = access.names_in(settings.allowed_origins)
    if wrong := [origin for origin in origins if not access.is_origin(origin)]:
        raise ConfigError(f"EVENTIDE_ALLOWED_ORIGINS: scheme://host is expected, or scheme://host:port, not {wrong[0]}")
    return OriginPolicy(settings.host, access.names_in(settings.allowed_hosts), origins)
