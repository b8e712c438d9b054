"""Every setting: environment variable ``EVENTIDE_<NAME>``, flag ``--<name>``, default, unit, one line of help.

A value may also stand in a file: ``EVENTIDE_<NAME>_FILE`` names it (for secrets). Only ``deploy`` reads these.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from schema.errors import ConfigError

PREFIX = "EVENTIDE_"


class Settings(BaseModel):
    """The settings of one process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address of this process's HTTP server")
    port: int = Field(8008, ge=0, le=65535, description="port of this process's HTTP server")
    files_port: int = Field(8081, ge=0, le=65535, description="up, files: port of the files server")
    tls_cert: str = Field(
        "", description="file of this process's own certificate and its chain: its listeners then speak HTTPS alone"
    )
    tls_key: str = Field("", description="file of its key, if it is not in the same file; both are watched")
    files_store: str = Field(
        "",
        description="up, files, query (at `/files/`): directory or `s3://bucket/prefix` of the files; `files` in the "
        "data directory",
    )
    files_endpoint: str = Field(
        "",
        description="address of an S3 other than Amazon's, `https://s3.example.com`: TLS, verified; AWS_ENDPOINT_URL",
    )
    files_region: str = Field("", description="its region; AWS_REGION")
    files_access_key: str = Field("", description="access key of S3; AWS_ACCESS_KEY_ID, or what the machine provides")
    files_secret_key: SecretStr = Field(SecretStr(""), description="its secret; AWS_SECRET_ACCESS_KEY")
    files_ca: str = Field("", description="file of further authorities that sign the object store's certificate")
    max_file_bytes: int = Field(64 << 30, ge=1, description="bytes of the largest uploaded file; beyond: 413")
    data_dir: Path = Field(Path("eventide-data"), description="embedded: chDB, registry, credentials")
    access_key: str = Field("", description="access key of the first user; made at the first start")
    secret_key: SecretStr = Field(SecretStr(""), description="secret key of the first user; made at the first start")
    adapters: str = Field(
        "mlflow,trackio,wandb",
        description="other SDKs whose protocols are spoken, of `mlflow,trackio,wandb`; empty: none beside ClearML's",
    )
    audit_days: int = Field(90, ge=1, description="days that the registry keeps the audit log for")
    allowed_hosts: str = Field(
        "",
        description="further names of this server, `eventide.example.com,.example.org` (`*`: any); without them the "
        "host's own, loopback, and, listening on other addresses, names that no public DNS has",
    )
    allowed_origins: str = Field(
        "", description="further pages that may call with a person's cookie, `https://web.example.com`"
    )
    web_dir: str = Field(
        "", description="up, query: folder of the ClearML web app's build, served at `/` in place of Eventide's page"
    )
    web_login: Literal["", "name", "keys"] = Field(
        "",
        description="how people log in to the ClearML web app: `name`: by any name; `keys`: by access and secret key; "
        "unset: `name` if the host is a loopback address, else `keys`",
    )
    web_access_key: str = Field("", description="the web app's own credential; made at the first start")
    web_secret_key: SecretStr = Field(SecretStr(""), description="its secret; made at the first start")
    company: str = Field("eventide", min_length=1, description="company of the first user")
    token_secret: SecretStr = Field(
        SecretStr(""),
        description="HS256 key of tokens and cursors, the same for all tiers; made in the data directory",
    )
    token_secret_previous: SecretStr = Field(
        SecretStr(""),
        description="another key whose tokens and cursors are accepted: the old one after a change of `TOKEN_SECRET`, "
        "or the next one before it",
    )
    registry_url: str = Field(
        "",
        description="SQLAlchemy URL of the registry; SQLite in the data directory; "
        "`postgresql://…?sslmode=verify-full`: TLS, verified",
    )
    registry_ca: str = Field(
        "", description="file of the authorities that sign PostgreSQL's certificate; makes `sslmode` `verify-full`"
    )
    registry_cert: str = Field("", description="file of the client certificate for PostgreSQL, if it asks for one")
    registry_key: str = Field("", description="file of its key, if it is not in the same file")
    oidc_issuer: str = Field(
        "", description="single sign-on: address of the OpenID Connect provider; without it there is none"
    )
    oidc_client_id: str = Field("", description="the id by which the provider knows this server")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="its secret; none: a public client (PKCE alone)")
    oidc_scopes: str = Field("openid profile email", description="what the provider is asked to tell")
    oidc_groups_claim: str = Field("groups", description="the claim that has a person's groups")
    oidc_group_map: str = Field(
        "",
        description="companies and roles of groups, `ml-admins=acme:admin; ml=acme:user` (`*`: everybody), the highest "
        "role counts; without it everybody whom the provider knows is a `user` of `EVENTIDE_COMPANY`",
    )
    oidc_session_seconds: int = Field(
        43_200, ge=60, le=31_536_000, description="seconds that a log-in by it is good for"
    )
    clickhouse_url: SecretStr = Field(
        SecretStr(""),
        description="worker, query, migrate: `http://user:password@host:8123/database`; `https://…`: TLS, verified",
    )
    clickhouse_ca: str = Field(
        "", description="file of the authorities that sign ClickHouse's certificate; the system's"
    )
    clickhouse_cert: str = Field("", description="file of the client certificate for ClickHouse, if it asks for one")
    clickhouse_key: str = Field("", description="file of its key, if it is not in the same file")
    kafka_bootstrap: str = Field("", description="gateway, worker, migrate: `host:port,host:port`")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="of every connection to Kafka; with SSL the brokers are verified"
    )
    kafka_ca: str = Field("", description="file of the authorities that sign the brokers' certificates; the system's")
    kafka_cert: str = Field("", description="file of the client certificate for Kafka, if it asks for one")
    kafka_key: str = Field("", description="file of its key, if it is not in the same file")
    kafka_sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        "", description="how Kafka is told who this is: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `OAUTHBEARER`"
    )
    kafka_sasl_username: str = Field("", description="user of Kafka; `OAUTHBEARER`: client of the token endpoint")
    kafka_sasl_password: SecretStr = Field(SecretStr(""), description="its password, or its secret")
    kafka_oauth_url: str = Field("", description="`OAUTHBEARER`: token endpoint, `https://…` (client credentials)")
    kafka_oauth_scope: str = Field("", description="`OAUTHBEARER`: scope that the token endpoint is asked for")
    kafka_oauth_token_path: str = Field(
        "", description="`OAUTHBEARER` without a token endpoint: file of the token, read anew for each connection"
    )
    kafka_topic: str = Field(
        "events", description="topic of the events; `.applied` and `.dlq` are added for the others"
    )
    kafka_partitions: int = Field(12, ge=1, le=1000, description="partitions of the events topic when it is created")
    kafka_replication: int = Field(1, ge=1, description="replicas of each topic when it is created; 3 in production")
    kafka_max_record_bytes: int = Field(32 << 20, ge=1 << 20, description="bytes of the largest record (one huge plot)")
    kafka_group: str = Field("eventide", description="consumer group of the workers")
    kafka_timeout_seconds: float = Field(
        8.0, gt=0, description="gateway: seconds until an unanswered produce is a 503, and its records count no more"
    )
    kafka_request_timeout_seconds: float = Field(
        15.0, gt=0, description="seconds after which a broker that says nothing is given up"
    )
    stall_seconds: float = Field(
        120.0, gt=0, description="worker: not alive after so long without progress, with records to write"
    )
    worker_id: str = Field("", description="static membership: this worker's own lasting name; `hostname`: the host's")
    dlq_max_run: int = Field(100, ge=0, description="worker: stops after so many unwritable records in a row")
    dlq_max_ratio: float = Field(0.1, ge=0, le=1, description="worker: stops beyond this share of unwritable records")
    ack: Literal["durable", "visible"] = Field(
        "durable", description="when a write is answered; the header `X-Eventide-Ack` overrides it"
    )
    max_body_bytes: int = Field(128 << 20, ge=16 << 20, description="bytes of the largest request body; beyond: 413")
    max_inflight_bytes: int = Field(512 << 20, ge=16 << 20, description="bytes of all bodies at once; beyond: 503")
    body_seconds: float = Field(900.0, gt=0, description="seconds until a request body must be there; beyond: 400")
    body_rate: int = Field(
        1024, ge=1, description="bytes a second that a request body must arrive with, after its first 30 seconds"
    )
    header_seconds: float = Field(
        20.0, gt=0, description="seconds until a new connection has sent a request's head; beyond: it is closed"
    )
    max_connections: int = Field(
        0, ge=0, description="open connections; of more the longest idle are closed; 0: half of the file descriptors"
    )
    max_address_connections: int = Field(
        0, ge=0, description="open connections of one address (IPv6: /64 network); 0: half of `MAX_CONNECTIONS`"
    )
    trusted_proxies: str = Field(
        "",
        description="networks, addresses or names of proxies, `10.0.0.0/8,nginx`, whose `X-Forwarded-For` counts",
    )
    quota_events_per_second: int = Field(
        0, ge=0, description="events a second of each company without a quota of its own; 0: any number"
    )
    quota_bytes_per_day: int = Field(
        0, ge=0, description="bytes of events a day (UTC) of each company without a quota of its own; 0: any number"
    )
    quota_metrics_per_task: int = Field(
        0, ge=0, description="metrics of a task or model, of each company without a quota of its own; 0: any number"
    )
    quota_tasks: int = Field(0, ge=0, description="tasks of each company without a quota of its own; 0: any number")
    max_company_calls: int = Field(
        512,
        ge=1,
        description="calls of one company at once, of reads and of changes each, waiting ones too; beyond: 429",
    )
    company_weights: str = Field(
        "", description="shares of companies in a busy process, `COMPANY=4,COMPANY=0.5` by their ids; others: 1"
    )
    max_company_streams: int = Field(256, ge=1, description="open streams of one company; beyond: 429")
    max_user_streams: int = Field(64, ge=1, description="open streams of one user; beyond: 429")
    quota_stored_bytes: int = Field(
        0, ge=0, description="bytes of stored events of each company without a quota of its own; 0: any number"
    )
    quota_streams: int = Field(
        0, ge=0, description="open streams of each company without a quota of its own; 0: any number"
    )
    quota_files: int = Field(0, ge=0, description="files of each company without a quota of its own; 0: any number")
    quota_file_bytes: int = Field(
        0, ge=0, description="bytes of files of each company without a quota of its own; 0: any number"
    )
    validate_plots: bool = Field(False, description="check that plots are JSON and hide others from get_task_plots")
    held_points: int = Field(16 << 20, ge=0, description="up: points of curves kept in memory, 12 bytes each; 0: none")
    readers: int = Field(4, ge=1, le=64, description="concurrent ClickHouse queries of this process")
    drain_seconds: float = Field(
        17.0,
        ge=0,
        description="seconds for running requests to end after SIGTERM; a visible write may take 16; `up`: 2 at most",
    )
    trace_endpoint: str = Field(
        "",
        description="where traces are sent, OTLP over HTTP: `http://collector:4318/v1/traces`; unset: none are made",
    )
    trace_ratio: float = Field(0.01, ge=0, le=1, description="share of requests that are traced")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe log line")


def read_settings(environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Read settings from flags, then environment, then defaults. Raises ConfigError, which names the setting."""
    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        variable = PREFIX + name.upper()
        file, value = environment.get(f"{variable}_FILE"), environment.get(variable)
        if value or (value is not None and not file):
            values[name] = value
        elif file:
            values[name] = _read(variable, file)
        if flags.get(name) is not None:
            values[name] = flags[name]
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{PREFIX}{str(first['loc'][0]).upper()}: {first['msg']}") from error


def _read(variable: str, file: str) -> str:
    """Return the text in a setting's file. Raises ConfigError, also for none: it would count as not set."""
    try:
        text = Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{variable}_FILE: {error}") from error
    if not text:
        raise ConfigError(f"{variable}_FILE: {file} is empty")
    return text


def markdown_table() -> str:
    """Return the table of settings that the README shows."""
    rows = [f"| `{PREFIX}{n.upper()}` | {default_text(f.default, '`')} | {f.description} |" for n, f in _fields()]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows])


def _fields() -> list[tuple[str, Any]]:
    return list(Settings.model_fields.items())


def default_text(value: Any, quote: str = "") -> str:
    """Return a default as people read it, between backticks; a dash for nothing."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return "–" if value == "" else f"{quote}{value}{quote}"
