"""The table of commands: what each does, which function runs it, and which settings it takes as flags."""

from __future__ import annotations

from dataclasses import dataclass

CONNECTIONS = frozenset(("max_connections", "max_address_connections", "header_seconds", "trusted_proxies"))
LISTENER = CONNECTIONS | {"host", "port", "drain_seconds", "tls_cert", "tls_key"}
BODY_LIMITS = frozenset(("max_body_bytes", "max_inflight_bytes", "body_seconds", "body_rate"))
WEB_LOGIN = frozenset(("web_login", "web_dir", "web_access_key", "host"))
OIDC = frozenset(
    (
        "oidc_issuer",
        "oidc_client_id",
        "oidc_client_secret",
        "oidc_scopes",
        "oidc_groups_claim",
        "oidc_group_map",
        "oidc_session_seconds",
    )
)
ORIGINS = frozenset(("allowed_hosts", "allowed_origins"))
TOKENS = WEB_LOGIN | ORIGINS | {"token_secret", "token_secret_previous", "audit_days", "oidc_issuer"}
REGISTRY = frozenset(("registry_url", "registry_ca", "registry_cert", "registry_key", "data_dir"))
FILES_STORE = frozenset(("files_store", "files_endpoint", "files_region", "files_ca"))
FILES_KEYS = frozenset(("files_access_key", "files_secret_key"))
FILES = FILES_STORE | FILES_KEYS | {"max_file_bytes", "files_port"}
FIRST_USER = frozenset(("access_key", "secret_key", "web_access_key", "web_secret_key", "company"))
PAGE = frozenset(("web_dir", "web_login", "web_access_key", "web_secret_key", "company"))
CLICKHOUSE = frozenset(("clickhouse_url", "clickhouse_ca", "clickhouse_cert", "clickhouse_key"))
KAFKA_TLS = frozenset(("kafka_security_protocol", "kafka_ca", "kafka_cert", "kafka_key"))
KAFKA_SASL = frozenset(("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password"))
KAFKA_OAUTH = frozenset(("kafka_oauth_url", "kafka_oauth_scope", "kafka_oauth_token_path"))
KAFKA = KAFKA_TLS | KAFKA_SASL | KAFKA_OAUTH | {"kafka_bootstrap", "kafka_topic"}
PRODUCER = frozenset(("kafka_max_record_bytes", "kafka_timeout_seconds", "kafka_request_timeout_seconds"))
TOPIC_PLAN = frozenset(
    ("kafka_partitions", "kafka_replication", "kafka_max_record_bytes", "kafka_group", "kafka_timeout_seconds")
)
WORKER = frozenset(("kafka_group", "stall_seconds", "worker_id", "dlq_max_run", "dlq_max_ratio", "data_dir"))
FAIRNESS = frozenset(("max_company_calls", "company_weights"))
STREAMS = frozenset(("max_company_streams", "max_user_streams"))
QUOTAS = frozenset(
    (
        "quota_events_per_second",
        "quota_bytes_per_day",
        "quota_metrics_per_task",
        "quota_tasks",
        "quota_stored_bytes",
        "quota_files",
        "quota_file_bytes",
        "quota_streams",
    )
)
TRACES = frozenset(("trace_endpoint", "trace_ratio"))
ADAPTERS = frozenset(("adapters",))
CLIENT = frozenset(("data_dir", "access_key", "secret_key"))
API = LISTENER | TRACES | BODY_LIMITS | FAIRNESS | TOKENS | REGISTRY | ADAPTERS


@dataclass(frozen=True)
class Command:
    """One command of ``eventide``.

    ``function``: ``module:name``, imported only when the command runs, as a process loads what it needs.
    ``settings``: names of the settings that it reads, besides ``log_level``. ``is_internal``: started by
    another command, and listed nowhere.
    """

    summary: str
    function: str
    settings: frozenset[str]
    is_internal: bool = False


COMMANDS = {
    "up": Command(
        "gateway, writer and query service in one process, on chDB",
        "deploy.up:up",
        API | STREAMS | FILES | FIRST_USER | PAGE | OIDC | QUOTAS | {"ack", "validate_plots", "held_points", "readers"},
    ),
    "gateway": Command(
        "takes events over HTTP and puts them on Kafka",
        "deploy.gateway:gateway",
        API | KAFKA | PRODUCER | QUOTAS | {"ack", "validate_plots"},
    ),
    "worker": Command(
        "writes what is on Kafka to ClickHouse, restarted when it leaves",
        "deploy.supervisor:worker",
        LISTENER | TRACES | KAFKA | PRODUCER | CLICKHOUSE | WORKER,
    ),
    "worker-process": Command(
        "what `worker` keeps running",
        "deploy.worker:worker_process",
        LISTENER | TRACES | KAFKA | PRODUCER | CLICKHOUSE | WORKER,
        is_internal=True,
    ),
    "query": Command(
        "answers everything that only reads",
        "deploy.query:query",
        API | STREAMS | PAGE | OIDC | CLICKHOUSE | FILES_STORE | FILES_KEYS | QUOTAS | {"readers", "max_file_bytes"},
    ),
    "files": Command(
        "keeps the files that events and artifacts refer to",
        "deploy.files:files",
        LISTENER - {"port"} | TRACES | TOKENS | REGISTRY | FILES | QUOTAS | ADAPTERS,
    ),
    "env": Command(
        "prints what clients of `up` need, as exports for a shell",
        "deploy.client_environment:env",
        frozenset(("data_dir", "access_key", "secret_key")),
    ),
    "import": Command(
        "brings runs in: TensorBoard, trackio, MLflow, W&B, ClearML zips, Neptune exports, CSV, Parquet",
        "deploy.importing.command:import_runs",
        frozenset(("data_dir", "access_key", "secret_key", "host", "port", "files_port")),
    ),
    "export": Command(
        "writes a project to files: Parquet, CSV, TensorBoard",
        "deploy.exporting.command:export_project",
        frozenset(("data_dir", "access_key", "secret_key", "host", "port", "files_port")),
    ),
    "runs": Command(
        "lists tasks: a filter, columns of choice",
        "deploy.runs.commands:list_runs",
        CLIENT,
    ),
    "show": Command(
        "shows a task: status, hyper-parameters, values, and a digest of each curve",
        "deploy.runs.commands:show_run",
        CLIENT,
    ),
    "compare": Command(
        "shows tasks side by side",
        "deploy.runs.commands:compare_runs",
        CLIENT,
    ),
    "tail": Command(
        "follows the log and the scalars of a task until it ends",
        "deploy.runs.tail:tail_run",
        CLIENT,
    ),
    "mcp": Command(
        "a Model Context Protocol server on stdin and stdout: agents read runs",
        "deploy.runs.mcp_server:serve_agents",
        CLIENT,
    ),
    "sync": Command(
        "sends what trainings of Eventide's client left in their spools",
        "deploy.client_spools:sync",
        CLIENT,
    ),
    "backup": Command(
        "copies all that `up` keeps into a new directory, also while it runs",
        "deploy.backup.commands:backup",
        frozenset(("data_dir", "files_store", "registry_url")),
    ),
    "restore": Command(
        "makes an empty data directory what it was when a backup was made",
        "deploy.backup.commands:restore",
        frozenset(("data_dir", "files_store")),
    ),
    "migrate": Command(
        "brings registry, ClickHouse and topics up to date",
        "deploy.admin:migrate",
        REGISTRY | FIRST_USER | WEB_LOGIN | CLICKHOUSE | KAFKA | TOPIC_PLAN,
    ),
    "user": Command(
        "`user add|list|role|delete|revoke`: users, their roles, keys and sessions",
        "deploy.users:user",
        REGISTRY | {"company"},
    ),
    "quota": Command(
        "`quota list|set|unset|usage`: limits of companies, projects and users, and how much of them is used",
        "deploy.quotas:quota",
        REGISTRY | QUOTAS | {"company"},
    ),
    "key": Command(
        "`key create|list|revoke`: access keys, with a scope and an end",
        "deploy.keys:key",
        REGISTRY | {"company"},
    ),
    "member": Command(
        "`member set|list|remove`: who works in private projects",
        "deploy.members:member",
        REGISTRY | {"company"},
    ),
    "topics": Command(
        "partitions of the events topic, and the workers' lag",
        "deploy.admin:topics",
        REGISTRY | KAFKA | {"kafka_group"},
    ),
    "dlq": Command(
        "`dlq list|show|replay`: what workers could not write",
        "deploy.dlq:dlq",
        REGISTRY | KAFKA | PRODUCER,
    ),
}
