"""Every Prometheus metric.

Labels are bounded: never a task, company or metric name, but for quotas, of which those that are used most are named.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Info
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from schema.lru_cache import counts_by_cache

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

READY = Gauge("eventide_ready", "1 while this process can serve, as `/readyz` says; else 0")
BUILD = Info("eventide_build", "Version and revision of this process, always 1")
REQUESTS = Counter("eventide_http_requests_total", "Calls answered", ("endpoint", "code"))
REQUEST_SECONDS = Histogram(
    "eventide_http_request_seconds",
    "Time from the request's head to its answer",
    ("endpoint",),
    buckets=LATENCY_BUCKETS,
)
EVENTS = Counter("eventide_events_total", "Events received, by result: added or failed", ("result",))
BODY_BYTES = Gauge("eventide_inflight_body_bytes", "Bytes of request bodies whose requests are not answered yet")
BODY_LIMIT = Gauge("eventide_inflight_body_limit_bytes", "Bytes that these bodies may have at once; beyond: 503")
BATCH_BYTES = Counter("eventide_batch_bytes_total", "Bytes of event batches received")
PRODUCE_SECONDS = Histogram(
    "eventide_produce_seconds", "Time until the log has a request's records", buckets=LATENCY_BUCKETS
)
PRODUCE_ERRORS = Counter("eventide_produce_errors_total", "Records that Kafka did not take, by error", ("error",))
CLOCK_SKEW = Gauge(
    "eventide_kafka_clock_skew_seconds", "Seconds by which Kafka's clock is ahead of this process's; negative: behind"
)
PRODUCER_RESTARTS = Counter("eventide_producer_restarts_total", "Producers replaced after an error they cannot leave")
ROWS_WRITTEN = Counter("eventide_rows_written_total", "Rows inserted, replays included", ("table",))
ROLLED_ROWS = Counter("eventide_rolled_rows_total", "Rows of long curves that roll-ups hold since then")
WRITE_SECONDS = Histogram("eventide_write_seconds", "Time to write one batch of records", buckets=LATENCY_BUCKETS)
WRITE_RETRIES = Counter(
    "eventide_write_retries_total",
    "Batches tried again, by ClickHouse's error number; 0: it did not answer",
    ("number",),
)
RECORDS = Counter("eventide_records_total", "Kafka records consumed, by result: written, parked or late", ("result",))
PARKED = Counter("eventide_parked_records_total", "Records and rows parked: on the DLQ topic, or in the journal")
PARKED_NOW = Gauge(
    "eventide_dlq_records",
    "Records and rows parked and not replayed, on the DLQ topic (at gateways) or in the journal; NaN: not known",
)
STORE_SECONDS = Histogram(
    "eventide_store_seconds",
    "Time of a statement of ClickHouse, by kind: read, select (a writer's), insert, execute",
    ("statement",),
    buckets=LATENCY_BUCKETS,
)
STORE_ERRORS = Counter(
    "eventide_store_errors_total",
    "Statements of ClickHouse that failed, by kind and ClickHouse's error number; 0: it did not answer",
    ("statement", "number"),
)
REGISTRY_SECONDS = Histogram(
    "eventide_registry_seconds",
    "Time of a transaction of the registry: read, write",
    ("statement",),
    buckets=LATENCY_BUCKETS,
)
REGISTRY_ERRORS = Counter(
    "eventide_registry_errors_total", "Transactions for which the registry's database was not available", ("statement",)
)
DISK_FREE = Gauge(
    "eventide_disk_free_bytes", "Bytes free on the disk of a directory: data, files; NaN: none", ("directory",)
)
ROWS_WAITING = Gauge("eventide_journal_rows", "Rows acknowledged by `eventide up` that are not in the store yet")
FRESHNESS_SECONDS = Histogram(
    "eventide_freshness_seconds", "Time from the gateway's receipt to readable rows", buckets=LATENCY_BUCKETS
)
ASSIGNED_PARTITIONS = Gauge("eventide_assigned_partitions", "Partitions this worker has")
LAG_RECORDS = Gauge(
    "eventide_lag_records", "Records not yet written, of each of this worker's partitions", ("partition",)
)
LAG_SECONDS = Gauge(
    "eventide_lag_seconds",
    "Age of the oldest record not yet written, by Kafka's clock, of each of this worker's partitions",
    ("partition",),
)
UNAPPLIED_RECORDS = Gauge(
    "eventide_unapplied_records", "Records that no worker has applied yet, as a gateway measures it; NaN: not known"
)
UNAPPLIED_SECONDS = Gauge(
    "eventide_unapplied_seconds",
    "Age of the oldest record that no worker has applied yet, by Kafka's clock; NaN: not known",
)
REBALANCES = Counter("eventide_rebalances_total", "Times that partitions were assigned")
HOLES = Counter("eventide_holes_total", "Times that records were skipped which nobody wrote: the process left")
EXPIRED_RECORDS = Counter("eventide_expired_records_total", "Records that retention removed before they were written")
TOPIC_EPOCH = Gauge("eventide_topic_epoch", "Epoch of the events topic as this gateway knows it")
TLS_CERTIFICATE_EXPIRY = Gauge(
    "eventide_tls_certificate_expiry_seconds",
    "Seconds until the certificate of this process's listeners expires, negative once it has; NaN: it speaks no TLS",
)
TLS_CERTIFICATE_EXPIRY.set(float("nan"))
LAST_WRITE = Gauge("eventide_last_write_timestamp_seconds", "When this process last wrote a batch")

QUOTA_USED = Gauge(
    "eventide_quota_used_ratio",
    "Share of a quota that is used, of the quotas used most; by all processes, of rates by this process",
    ("kind", "scope", "id"),
)
QUOTA_REFUSALS = Counter("eventide_quota_refusals_total", "Requests that a quota refused", ("kind", "scope"))

CACHE_COUNTS = {
    "hits": "Values found in a cache",
    "misses": "Values looked for in a cache and not found, or not valid any more",
    "evictions": "Values removed from a cache as its budget was spent",
}


class CacheCollector(Collector):
    """Counters ``eventide_cache_{hits,misses,evictions}_total`` by cache, counted by ``schema/lru_cache.py``."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield a family for each kind of count."""
        for kind, help_text in CACHE_COUNTS.items():
            family = CounterMetricFamily(f"eventide_cache_{kind}", help_text, labels=["cache"])
            for cache, counts in sorted(counts_by_cache.items()):
                family.add_metric([cache], getattr(counts, kind))
            yield family


REGISTRY.register(CacheCollector())
