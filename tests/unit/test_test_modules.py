"""Each module has a test module that bears its name, or a line here that says which test modules cover it and why."""

from __future__ import annotations

import re

import pytest

from tests.unit.docs.documents import PACKAGES, files

TEST_FILE = re.compile(r"\b[a-z0-9]+/(?:docs/)?test_[a-z0-9_]+\.py")  # below tests/

COVERED_BY = {
    "deploy/__main__.py": "a command line is whole only as a process: e2e/test_up.py, e2e/test_wrong_settings.py",
    "deploy/access.py": "what it refuses and makes at a start: integration/test_data_directory.py",
    "deploy/admin.py": "commands on a running installation: e2e/test_fresh_directory.py, faults/test_short.py",
    "deploy/arguments.py": "flags are those of the commands: unit/test_commands.py",
    "deploy/client_environment.py": "the command `env` beside a running `up`: e2e/test_up.py",
    "deploy/components.py": "parts of processes: integration/test_static_site.py, integration/test_registry_files.py",
    "deploy/dlq.py": "operators' commands on a real Kafka: faults/test_short.py",
    "deploy/disks.py": "one of the measures: integration/test_measured.py",
    "deploy/endpoint_catalog.py": "every endpoint of it is asked: conformance/test_openapi.py",
    "deploy/first_start.py": "what a start makes: integration/test_data_directory.py, e2e/test_up.py",
    "deploy/gateway.py": "a process of the distributed deployment: e2e/test_conformance_distributed.py",
    "deploy/keys.py": "commands, as an operator types them: integration/test_key_command.py",
    "deploy/kafka.py": "settings that contradict each other: unit/test_kafka_settings.py, e2e/test_kafka_security.py",
    "deploy/members.py": "commands, as an operator types them: integration/test_member_command.py",
    "deploy/preflight.py": "refused starts leave nothing behind: e2e/test_up.py",
    "deploy/query.py": "a process of the distributed deployment: e2e/test_conformance_distributed.py",
    "deploy/secret_flags.py": "one of the places where secrets are hidden: unit/test_redaction.py",
    "deploy/serve.py": "the end of a process on SIGTERM: e2e/test_up.py",
    "deploy/single_sign_on.py": "settings, right and wrong: integration/test_oidc_login.py",
    "deploy/tls.py": "certificates of real connections: e2e/test_https.py, integration/test_postgres_tls.py",
    "deploy/users.py": "commands, as an operator types them: integration/test_user_commands.py",
    "deploy/welcome.py": "the text is tested by what it names: integration/test_static_site.py, e2e/test_up.py",
    "deploy/worker.py": "a process of the distributed deployment: e2e/test_conformance_distributed.py",
    "ingest/app.py": "the table of the tier: integration/test_wrong_tier.py, unit/test_deploy_files.py",
    "ingest/gateway.py": "endpoints, through the API: conformance/test_add.py, conformance/test_deletes.py",
    "ingest/kafka/access.py": "brokers that refuse: e2e/test_kafka_security.py",
    "ingest/kafka/admin.py": "needs a broker: integration/test_kafka_producer.py, faults/test_short.py",
    "ingest/kafka/applied_offsets.py": "visible writes need workers and gateways: e2e/test_conformance_distributed.py",
    "ingest/kafka/brokers.py": "connections to a broker that asks for names: e2e/test_kafka_security.py",
    "ingest/kafka/dlq.py": "needs a broker and poison: faults/test_short.py",
    "ingest/kafka/dlq_replay.py": "needs a broker and poison: faults/test_short.py",
    "ingest/kafka/faust_worker.py": "killed, paused and rebalanced under traffic: faults/test_short.py",
    "ingest/kafka/lag.py": "needs a consumer group: e2e/test_nobody_consumes.py, faults/test_short.py",
    "ingest/kafka/log.py": "publishes to a real broker: e2e/test_conformance_distributed.py",
    "ingest/kafka/members.py": "needs a consumer group: faults/test_short.py",
    "ingest/kafka/oauth_tokens.py": "tokens that a broker takes and refuses: e2e/test_kafka_security.py",
    "ingest/kafka/measurement.py": "loop of two measurements: e2e/test_nobody_consumes.py, e2e/test_dlq_depth.py",
    "ingest/kafka/offset_tracker.py": "commits of a worker that is killed: faults/test_short.py",
    "ingest/kafka/reachable.py": "brokers that are away: faults/test_short.py",
    "ingest/kafka/sink.py": "retries and poison of a real worker: faults/test_short.py",
    "ingest/kafka/topic_lease.py": "the state of a topic: unit/test_topic.py, faults/test_short.py",
    "ingest/kafka/topic_names.py": "names alone: faults/test_short.py",
    "ingest/kafka/topic_setup.py": "several migrations at once on a real broker: faults/test_short.py",
    "ingest/kafka/unapplied.py": "needs a topic without workers: e2e/test_nobody_consumes.py",
    "ingest/last_update.py": "seen in documents: integration/test_registry_documents.py",
    "ingest/local/applier.py": "works for the local log: integration/test_local_log.py",
    "ingest/local/row_codec.py": "the form of rows in the journal: integration/test_wal.py",
    "ingest/log.py": "a protocol, as both logs have it: integration/test_local_log.py, faults/test_short.py",
    "ingest/parsing/batch.py": "the two ways to a batch: unit/test_json_lines.py, unit/test_arrow_stream.py",
    "ingest/parsing/fast_path.py": "compared with the exact path: unit/test_json_lines.py",
    "ingest/permission.py": "a rule of all changes: conformance/test_tenants.py, conformance/test_private_projects.py",
    "ingest/registry/administration.py": "endpoints: integration/test_registry_users.py, conformance/test_acting.py",
    "ingest/registry/belonging.py": "endpoints: integration/test_registry_tasks.py, conformance/test_projects.py",
    "ingest/registry/cloning.py": "an endpoint: integration/test_registry_tasks.py, conformance/test_task_documents.py",
    "ingest/registry/credentials.py": "endpoints: conformance/test_revocation.py",
    "ingest/registry/foreign.py": "all calls: conformance/test_foreign_references.py",
    "ingest/registry/model_removal.py": "endpoints: conformance/test_model_lifecycle.py",
    "ingest/registry/old_forms.py": "forms of older clients: conformance/test_task_documents.py",
    "ingest/registry/pipeline_steps.py": "endpoints of tasks with steps: conformance/test_task_removal.py",
    "ingest/registry/pipelines.py": "endpoints: conformance/test_projects.py",
    "ingest/registry/project_members.py": "endpoints: conformance/test_private_projects.py",
    "ingest/registry/project_merge.py": "an endpoint: integration/test_registry_projects.py",
    "ingest/registry/project_removal.py": "endpoints: integration/test_registry_projects.py",
    "ingest/registry/publishing.py": "endpoints: conformance/test_model_lifecycle.py",
    "ingest/registry/references.py": "what tasks refer to: integration/test_registry_tasks.py",
    "ingest/registry/removal.py": "endpoints: conformance/test_task_removal.py",
    "ingest/registry/task_parts.py": "endpoints: conformance/test_task_documents.py",
    "ingest/registry/task_status.py": "endpoints: integration/test_registry_tasks.py",
    "ingest/rollups/builder.py": "with the reader of what it builds: integration/test_rollups.py",
    "ingest/rollups/scheduler.py": "with the builder that it calls: integration/test_rollups.py",
    "ingest/writing/backoff.py": "waits of workers while ClickHouse is away: faults/test_short.py",
    "ingest/writing/change_collector.py": "with the caches that it fills: integration/test_cached_answers.py",
    "ingest/writing/changed_log_tails.py": "log tails: unit/test_log_tail.py, integration/test_cache_log_tails.py",
    "ingest/writing/changed_points.py": "points: unit/test_points.py, integration/test_cache_points.py",
    "ingest/writing/rejected_rows.py": "rows that are parked: integration/test_local_log.py, faults/test_short.py",
    "ingest/writing/rollup_marks.py": "watermarks with their builder and reader: integration/test_rollups.py",
    "ingest/writing/tombstones.py": "deletions and replays: integration/test_deletes.py, conformance/test_deletes.py",
    "ingest/writing/writer.py": "on a store: integration/test_deletes.py, integration/test_local_log.py",
    "query/app.py": "the table of the tier: integration/test_wrong_tier.py, unit/test_deploy_files.py",
    "query/cache/cached_log_tail.py": "one entry of a cache: integration/test_cache_log_tails.py",
    "query/cache/log_counts.py": "counts of long logs: integration/test_cache_log_tails.py",
    "query/cache/metric_columns.py": "columns of sorted lists: integration/test_registry_lists.py",
    "query/cache/page_ends.py": "estimates of the reader of logs: integration/test_log_reader.py",
    "query/cache/read_caches.py": "all caches, each answer compared: integration/test_cached_answers.py",
    "query/curves/stored_values.py": "latest values from rows: conformance/test_latest_values.py",
    "query/curves/cached_source.py": "curves from memory: integration/test_cache_points.py",
    "query/curves/curve_index.py": "the curves that rows are read of: integration/test_row_source.py",
    "query/curves/downsampling.py": "compared with a reference: conformance/test_histogram_reference.py",
    "query/curves/latest.py": "an endpoint: conformance/test_latest_values.py, integration/test_cached_answers.py",
    "query/curves/point_tables.py": "arrays of curves: integration/test_row_source.py, integration/test_rollups.py",
    "query/curves/rollup_source.py": "compared with all rows: integration/test_rollups.py",
    "query/curves/sources.py": "which source answers: integration/test_cache_rollup_coverage.py",
    "query/live/messages.py": "messages of the hub: unit/test_stream_hub.py, conformance/test_stream.py",
    "query/live/new_points.py": "messages of the hub: unit/test_stream_hub.py, conformance/test_stream.py",
    "query/live/subscription.py": "queues of the hub: unit/test_stream_hub.py, integration/test_stream_hub.py",
    "query/logs/arrivals.py": "an endpoint: conformance/test_new_task_log.py",
    "query/logs/download.py": "an endpoint: conformance/test_download_log.py",
    "query/logs/log_scroll.py": "an endpoint's old version: conformance/test_task_log.py, conformance/test_scrolls.py",
    "query/logs/snapshot.py": "what pages are cut from: conformance/test_download_log.py, conformance/test_scrolls.py",
    "query/media/walk_cursors.py": "scroll ids of walks: conformance/test_debug_images.py, conformance/test_samples.py",
    "query/media/window_walk.py": "walks: conformance/test_debug_images.py, integration/test_query_debug_images.py",
    "query/pagination/cursor.py": "scroll ids, whole and forged: conformance/test_scrolls.py",
    "query/pagination/log_page.py": "pages of the reader of logs: integration/test_log_reader.py",
    "query/pagination/paging.py": "sizes and states of scrolls: conformance/test_scrolls.py",
    "query/pagination/time_range.py": "ranges of the reader of logs: integration/test_log_reader.py",
    "query/registry/agents.py": "endpoints that answer nothing: conformance/test_web_app_pages.py",
    "query/registry/cloud_storage.py": "an endpoint that answers nothing: conformance/test_web_app_pages.py",
    "query/registry/column_values.py": "endpoints: integration/test_registry_projects.py",
    "query/registry/conform.py": "documents for older clients: conformance/test_task_documents.py",
    "query/registry/csv_download.py": "an endpoint: conformance/test_web_app_pages.py",
    "query/registry/organization.py": "endpoints: conformance/test_web_app_pages.py, conformance/test_projects.py",
    "query/registry/project_choice.py": "parameters of lists of projects: integration/test_registry_projects.py",
    "query/registry/project_contents.py": "statistics of projects: integration/test_registry_projects.py",
    "query/registry/project_members.py": "an endpoint: conformance/test_private_projects.py",
    "query/registry/statistics_order.py": "lists sorted by metrics: integration/test_registry_lists.py",
    "query/registry/tags.py": "an endpoint: conformance/test_projects.py, conformance/test_web_app_pages.py",
    "query/services.py": "the assembly of a process; whatever reads runs on it: conformance/test_http.py",
    "query/snapshot_scroll.py": "an endpoint's scrolls: conformance/test_task_events.py, conformance/test_scrolls.py",
    "query/sql/metric_names.py": "names by statement: conformance/test_metrics_and_variants.py",
    "query/sql/threads.py": "a number in statements, without effect on answers: conformance/test_statistics.py",
    "query/sql/tombstone_filter.py": "conditions in statements: integration/test_log_reader.py",
    "query/sql/tombstones.py": "reads of deletions: integration/test_cache_entity_index.py",
    "query/sql/union.py": "a statement over all event types: conformance/test_task_events.py",
    "schema/api/docstrings.py": "seen in the description: conformance/test_openapi.py",
    "schema/api/json_limits.py": "requests beyond the limits: conformance/test_odd_requests.py",
    "schema/api/roles.py": "who may do what: conformance/test_acting.py, integration/test_registry_users.py",
    "schema/api/visibility.py": "a rule of all reads: conformance/test_tenants.py, conformance/test_scopes.py",
    "schema/build.py": "the version that is printed: unit/test_commands.py, e2e/test_wheel.py",
    "schema/changefeed/change_batch.py": "a record without behaviour, of the feed: unit/test_changefeed.py",
    "schema/changefeed/read_barrier.py": "a part of the feed: unit/test_changefeed.py, integration/test_local_log.py",
    "schema/errors.py": "each class where it is raised; codes: conformance/test_odd_requests.py, unit/test_wire.py",
    "schema/events/tables.py": "declarations, checked by their use: unit/test_blocks.py, unit/test_normalize.py",
    "schema/fairness/computing.py": "large documents: conformance/test_odd_requests.py, unit/test_fair_executor.py",
    "schema/http/bodies.py": "bodies of any kind: e2e/test_hostile_bodies.py, conformance/test_http.py",
    "schema/http/body_memory.py": "limits: unit/test_body_limits.py, e2e/test_hostile_bodies.py",
    "schema/http/browser_pages.py": "pages for people: integration/test_static_site.py",
    "schema/http/client_address.py": "addresses behind proxies: unit/test_body_limits.py",
    "schema/http/connections.py": "real connections, silent and slow: e2e/test_hostile_bodies.py",
    "schema/http/description.py": "made once: conformance/test_openapi.py, e2e/test_hostile_bodies.py",
    "schema/http/dispatcher.py": "every request: conformance/test_http.py, integration/test_fair_calls.py",
    "schema/http/file_permissions.py": "requests: conformance/test_scopes.py, conformance/test_private_projects.py",
    "schema/http/files_server.py": "requests: integration/test_registry_files.py, integration/test_files_attacks.py",
    "schema/http/loopback.py": "hosts of pages and providers: unit/test_origin_policy.py, unit/test_oidc_provider.py",
    "schema/http/forms.py": "forms as bodies: conformance/test_odd_requests.py, conformance/test_http.py",
    "schema/http/listener.py": "real connections, silent and slow: e2e/test_hostile_bodies.py",
    "schema/http/login.py": "endpoints: conformance/test_auth.py, integration/test_web_login.py",
    "schema/http/login_limits.py": "guesses are limited: conformance/test_audit.py",
    "schema/http/responses.py": "envelope and headers: conformance/test_http.py, unit/test_encoding.py",
    "schema/http/server_certificate.py": "replaced under running processes: e2e/test_https.py",
    "schema/http/tokens.py": "whole and forged tokens: conformance/test_auth.py, conformance/test_revocation.py",
    "schema/http/ttl_cache.py": "how soon a revocation counts: conformance/test_revocation.py",
    "schema/json_logging.py": "what is logged, without secrets: unit/test_redaction.py",
    "schema/metrics.py": "names that documents give, and values: unit/docs/test_names.py, unit/test_lru_cache.py",
    "schema/quotas/in_force.py": "what is set, and defaults: integration/test_quotas_ledger.py",
    "schema/quotas/kinds.py": "declarations, checked by their use: unit/test_quotas_limits.py",
    "schema/quotas/periodic.py": "refreshes and measurements: conformance/test_quotas.py",
    "schema/quotas/refusals.py": "errors, counted: unit/test_write_quotas.py, integration/test_quota_commands.py",
    "schema/quotas/report.py": "usage in words: integration/test_quotas_ledger.py, conformance/test_quotas.py",
    "schema/registry/accounts.py": "users with what they have: integration/test_registry_users.py",
    "schema/registry/conditions.py": "conditions of searches: integration/test_registry_search.py",
    "schema/registry/credentials.py": "keys: conformance/test_revocation.py, conformance/test_auth.py",
    "schema/registry/database.py": "its failures and waits: integration/test_registry_timeout.py",
    "schema/registry/entities.py": "whose events these are: conformance/test_tenants.py",
    "schema/registry/identities.py": "people who log in: integration/test_oidc_login.py",
    "schema/registry/last_update.py": "seen in documents: integration/test_registry_documents.py",
    "schema/registry/listed_rows.py": "bytes of a listing: integration/test_registry_search.py",
    "schema/registry/members.py": "endpoints: conformance/test_private_projects.py, integration/test_member_command.py",
    "schema/registry/metric_names.py": "names and their number: integration/test_metric_quotas.py",
    "schema/registry/migrate.py": "on both databases: integration/test_registry_migrations.py",
    "schema/registry/migrations/env.py": "what Alembic calls: integration/test_registry_migrations.py",
    "schema/registry/migrations/versions/r0001_initial.py": "revision: integration/test_registry_migrations.py",
    "schema/registry/migrations/versions/r0002_sessions.py": "revision: integration/test_registry_migrations.py",
    "schema/registry/migrations/versions/r0003_walks.py": "revision: integration/test_registry_migrations.py",
    "schema/registry/migrations/versions/r0004_audit.py": "revision: integration/test_registry_migrations.py",
    "schema/registry/migrations/versions/r0005_quotas.py": "revision: integration/test_registry_migrations.py",
    "schema/registry/migrations/versions/r0006_scopes.py": "revision: integration/test_registry_migrations.py",
    "schema/registry/migrations/versions/r0007_metric_names.py": "revision: integration/test_registry_migrations.py",
    "schema/registry/migrations/versions/r0008_project_members.py": "revision: integration/test_registry_migrations.py",
    "schema/registry/migrations/versions/r0009_identities.py": "revision: integration/test_registry_migrations.py",
    "schema/registry/old_forms.py": "forms of older clients: conformance/test_task_documents.py",
    "schema/registry/owner.py": "what permissions are decided by: conformance/test_tenants.py",
    "schema/registry/project_kinds.py": "hidden projects: conformance/test_projects.py, conformance/test_reports.py",
    "schema/registry/reading.py": "reads that end: integration/test_registry_timeout.py",
    "schema/registry/sessions.py": "sessions that end: conformance/test_revocation.py",
    "schema/registry/shared_state.py": "what processes share: integration/test_registry_documents.py",
    "schema/registry/sqlite_statistics.py": "without effect on answers: integration/test_registry_lists.py",
    "schema/registry/tables.py": "compared with what migrations make: integration/test_registry_migrations.py",
    "schema/registry/view.py": "what lists show: conformance/test_private_projects.py, conformance/test_scopes.py",
    "schema/registry/where.py": "conditions on both databases: integration/test_registry_search.py",
    "schema/store/engines.py": "both engines: engines/test_versions.py, integration/test_store_embedded.py",
    "schema/store/errors.py": "failures of a real engine: integration/test_store_embedded.py, faults/test_short.py",
    "schema/store/local_paths.py": "links, pipes and folders: integration/test_files_attacks.py",
    "schema/store/migrate.py": "every supported engine: engines/test_versions.py",
    "schema/store/object_store.py": "directory and bucket: integration/test_registry_files.py",
    "schema/store/store.py": "on chDB: integration/test_store_embedded.py, integration/test_disk_guard.py",
    "schema/store/tombstone_filters.py": "conditions in statements: integration/test_log_reader.py",
}


def modules() -> list[str]:
    """Return the paths of the packages' modules, without ``__init__.py``."""
    ours = (path for path in files() if path.endswith(".py") and path.partition("/")[0] in PACKAGES)
    return sorted(path for path in ours if not path.endswith("/__init__.py"))


def has_own_test(module: str) -> bool:
    """Tell whether some ``test_<name>.py`` is there; folders may come before the name."""
    parts = module.removesuffix(".py").split("/")
    names = {f"test_{'_'.join(parts[place:])}.py" for place in range(len(parts))}
    return any(path.startswith("tests/") and path.rpartition("/")[2] in names for path in files())


def test_each_module_has_a_test_module_or_a_reason() -> None:
    found = modules()
    assert len(found) > 200
    assert [module for module in found if not has_own_test(module) and module not in COVERED_BY] == []


def test_no_reason_is_left_of_what_is_gone_or_has_its_own_test() -> None:
    assert sorted(COVERED_BY.keys() - set(modules())) == []
    assert [module for module in COVERED_BY if has_own_test(module)] == []


@pytest.mark.parametrize("module", sorted(COVERED_BY))
def test_the_test_modules_of_a_reason_are_there(module: str) -> None:
    reason, _, named = COVERED_BY[module].partition(": ")
    covering = TEST_FILE.findall(named)
    assert reason
    assert covering
    assert ", ".join(covering) == named
    assert [path for path in covering if f"tests/{path}" not in files()] == []
