"""Every Prometheus metric. Labels are bounded: never a task, company or metric name."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

REQUESTS = Counter("eventide_http_requests_total", "Calls answered", ("endpoint", "code"))
REQUEST_SECONDS = Histogram(
    "eventide_http_request_seconds",
    "Time from the request's head to its answer",
    ("endpoint",),
    buckets=LATENCY_BUCKETS,
)
EVENTS = Counter("eventide_events_total", "Events received, by result: added or failed", ("result",))
BATCH_BYTES = Counter("eventide_batch_bytes_total", "Bytes of event batches received")
PRODUCE_SECONDS = Histogram(
    "eventide_produce_seconds", "Time until the log has a request's records", buckets=LATENCY_BUCKETS
)
PRODUCER_RESTARTS = Counter("eventide_producer_restarts_total", "Producers replaced after an error they cannot leave")
ROWS_WRITTEN = Counter("eventide_rows_written_total", "Rows inserted, replays included", ("table",))
WRITE_SECONDS = Histogram("eventide_write_seconds", "Time to write one batch of records", buckets=LATENCY_BUCKETS)
WRITE_RETRIES = Counter("eventide_write_retries_total", "Batches tried again because ClickHouse was away")
RECORDS = Counter("eventide_records_total", "Kafka records consumed", ("result",))
PARKED = Counter("eventide_parked_records_total", "Records parked on the DLQ topic")
FRESHNESS_SECONDS = Histogram(
    "eventide_freshness_seconds", "Time from the gateway's receipt to readable rows", buckets=LATENCY_BUCKETS
)
ASSIGNED_PARTITIONS = Gauge("eventide_assigned_partitions", "Partitions this worker has")
LAG_RECORDS = Gauge("eventide_lag_records", "Records not yet applied, of this worker's partitions")
LAST_WRITE = Gauge("eventide_last_write_timestamp_seconds", "When this process last wrote a batch")
