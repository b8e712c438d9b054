"""Every Prometheus metric.

Labels are bounded: never a task, company or metric name, but for quotas, of which those that are used most are named.
"""

from __future__ import annotations

from collections import Counter as Sums
from collections.abc import Iterator

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Info
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from schema.live_gauge import LiveGauge
from schema.lru_cache import caches, counts_by_cache

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
OUTAGE_BUCKETS = (*LATENCY_BUCKETS, 120.0, 300.0, 600.0, 1800.0, 3600.0, 21600.0, 86400.0)
NOT_KNOWN = float("nan")

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
DISK_SIZE = Gauge("eventide_disk_size_bytes", "Bytes of that disk; NaN: none", ("directory",))
STORE_DISK_FREE = Gauge("eventide_store_disk_free_bytes", "Bytes free on a disk of ClickHouse", ("disk",))
STORE_DISK_SIZE = Gauge("eventide_store_disk_size_bytes", "Bytes of a disk of ClickHouse", ("disk",))
STORE_PARTS = Gauge("eventide_store_parts", "Active parts of a table; at 3000 in a partition inserts fail", ("table",))
STORE_ROWS = Gauge("eventide_store_rows", "Rows of a table, those that are not merged or erased yet too", ("table",))
STORE_BYTES = Gauge("eventide_store_bytes", "Bytes of a table on ClickHouse's disks", ("table",))
STORE_MUTATIONS = Gauge("eventide_store_mutations", "Deletions that ClickHouse has not carried out on disk yet")
STORE_CONNECTIONS = LiveGauge("eventide_store_connections", "Clients of ClickHouse that this process has open")
REGISTRY_CONNECTIONS = LiveGauge(
    "eventide_registry_connections", "Connections to the registry's database, by state: used, idle", ("state",)
)
REGISTRY_CONNECTION_LIMIT = LiveGauge(
    "eventide_registry_connections_limit", "Connections to the registry's database that this process may have"
)
THREADS = LiveGauge("eventide_threads", "Threads that a pool may use at once", ("pool",))
THREADS_BUSY = LiveGauge("eventide_threads_busy", "Threads of a pool that work", ("pool",))
JOBS_WAITING = LiveGauge("eventide_jobs_waiting", "Jobs that wait for a thread of a pool", ("pool",))
CALLS_RUNNING = LiveGauge("eventide_calls_running", "Calls that run, by kind: read, change", ("kind",))
CALLS_WAITING = LiveGauge("eventide_calls_waiting", "Calls that wait for their company's turn", ("kind",))
COMPANIES_ACTIVE = LiveGauge("eventide_companies_active", "Companies that called within the last 10 seconds")
CONNECTIONS = LiveGauge("eventide_connections", "HTTP connections that are open")
CONNECTION_LIMIT = LiveGauge(
    "eventide_connections_limit", "HTTP connections that may be open; then idle ones are closed"
)
STREAMS = LiveGauge("eventide_streams", "Streams (`events.stream`) that are open")
LOOP_DELAY = Histogram(
    "eventide_event_loop_delay_seconds",
    "Time by which the event loop is late, looked at every half second",
    buckets=LATENCY_BUCKETS,
)
ROWS_WAITING = Gauge("eventide_journal_rows", "Rows acknowledged by `eventide up` that are not in the store yet")
FRESHNESS_SECONDS = Histogram(
    "eventide_freshness_seconds",
    "Time from the gateway's receipt to readable rows, by Kafka's clock; without records that were replayed",
    buckets=OUTAGE_BUCKETS,
)
ASSIGNED_PARTITIONS = Gauge("eventide_assigned_partitions", "Partitions this worker has")
TOPIC_PARTITIONS = Gauge("eventide_topic_partitions", "Partitions of the events topic, as this gateway knows it")
PENDING_RECORDS = LiveGauge("eventide_produce_pending_records", "Records sent to Kafka and not acknowledged yet")
BUFFER_BYTES = LiveGauge(
    "eventide_worker_buffer_bytes", "Bytes of records that this worker has fetched and not written"
)
BUFFER_LIMIT = LiveGauge("eventide_worker_buffer_limit_bytes", "Bytes from which on a worker fetches no more")
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
TLS_CERTIFICATE_EXPIRY.set(NOT_KNOWN)
LOG_LINES_WITHHELD = Counter(
    "eventide_log_lines_withheld_total", "Log lines not written, as their cause was logged less than a minute before"
)
LAST_WRITE = Gauge("eventide_last_write_timestamp_seconds", "When this process last wrote a batch")

QUOTA_USED = Gauge(
    "eventide_quota_used_ratio",
    "Share of a quota that is used, of the quotas used most; by all processes, of rates by this process",
    ("kind", "scope", "id"),
)
QUOTA_REFUSALS = Counter("eventide_quota_refusals_total", "Requests that a quota refused", ("kind", "scope"))

CACHE_SIZES = {
    "size": "Size of a cache, in its own unit: values, bytes, points",
    "budget": "Size that a cache may have",
}
CACHE_COUNTS = {
    "hits": "Values found in a cache",
    "misses": "Values looked for in a cache and not found, or not valid any more",
    "evictions": "Values removed from a cache as its budget was spent",
}


class CacheCollector(Collector):
    """Counters ``eventide_cache_{hits,misses,evictions}_total`` and gauges of sizes, by cache.

    Counted and kept by ``schema/lru_cache.py``, which is used before there are metrics.
    """

    def collect(self) -> Iterator[Metric]:
        """Yield a family for each kind of count, then sizes and budgets."""
        for kind, help_text in CACHE_COUNTS.items():
            family = CounterMetricFamily(f"eventide_cache_{kind}", help_text, labels=["cache"])
            for cache, counts in sorted(counts_by_cache.items()):
                family.add_metric([cache], getattr(counts, kind))
            yield family
        for kind, help_text in CACHE_SIZES.items():
            gauge = GaugeMetricFamily(f"eventide_cache_{kind}", help_text, labels=["cache"])
            sums: Sums[str] = Sums()
            for one in list(caches):
                sums[one.name] += getattr(one, kind)
            for cache, size in sorted(sums.items()):
                gauge.add_metric([cache], size)
            yield gauge


REGISTRY.register(CacheCollector())
