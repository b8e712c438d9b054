"""The dashboards of the path of a batch and of the path of a read."""

from __future__ import annotations

from deploy.observe.panels import LATE, NOT_APPLIED, OURS, Dashboard, Panel, Query, Row, quantiles, rate

INGEST = Dashboard(
    "ingest",
    "Ingest path",
    "From a batch to readable rows: gateway, log, worker, insert.",
    [
        Row(
            "Gateway",
            [
                Panel("Events", "short", [rate("eventide_events_total", "result")], "A second."),
                Panel("Batches", "Bps", [rate("eventide_batch_bytes_total", "instance")]),
                Panel(
                    "Refused events",
                    "percentunit",
                    [Query("eventide:events_refused:ratio_rate5m", "refused")],
                ),
                Panel(
                    "Request bodies in memory",
                    "bytes",
                    [
                        Query(f"eventide_inflight_body_bytes{{{OURS}}}", "{{instance}}"),
                        Query(f"max(eventide_inflight_body_limit_bytes{{{OURS}}})", "limit"),
                    ],
                    "Beyond the limit: 503.",
                ),
                Panel("Time until the log has a batch", "s", quantiles("eventide_produce_seconds", "job")),
                Panel(
                    "Records on their way to Kafka",
                    "short",
                    [Query(f"eventide_produce_pending_records{{{OURS}}}", "{{job}} {{instance}}")],
                ),
                Panel(
                    "Changes that run and wait",
                    "short",
                    [
                        Query(f'sum by (job) (eventide_calls_running{{{OURS}, kind="change"}})', "run {{job}}"),
                        Query(f'sum by (job) (eventide_calls_waiting{{{OURS}, kind="change"}})', "wait {{job}}"),
                    ],
                ),
                Panel(
                    "Batches that wait for a parser",
                    "short",
                    [Query(f'eventide_jobs_waiting{{{OURS}, pool="reader"}}', "{{instance}}")],
                ),
                Panel(
                    "Kafka's errors",
                    "short",
                    [
                        rate("eventide_produce_errors_total", "error"),
                        rate("eventide_producer_restarts_total", "job"),
                    ],
                    "A second.",
                ),
            ],
        ),
        Row(
            "Between",
            [
                Panel("Oldest unapplied record", "s", [Query("eventide:unapplied_seconds:max", "age")], NOT_APPLIED),
                Panel("Unapplied records", "short", [Query("eventide:unapplied_records:max", "records")], NOT_APPLIED),
                Panel(
                    "Rows in journals",
                    "short",
                    [Query(f"eventide_journal_rows{{{OURS}}}", "{{instance}}")],
                    "Of `eventide up`: acknowledged, and not in the store yet.",
                ),
            ],
        ),
        Row(
            "Worker",
            [
                Panel("Records", "short", [rate("eventide_records_total", "result")], "A second."),
                Panel("Rows", "short", [rate("eventide_rows_written_total", "table")], "A second, replays included."),
                Panel("Time to write a batch", "s", quantiles("eventide_write_seconds", "job")),
                Panel("Freshness", "s", quantiles("eventide_freshness_seconds"), LATE),
                Panel(
                    "Fetched and not written",
                    "bytes",
                    [
                        Query(f"eventide_worker_buffer_bytes{{{OURS}}}", "{{instance}}"),
                        Query(f"max(eventide_worker_buffer_limit_bytes{{{OURS}}})", "limit"),
                    ],
                ),
                Panel("Batches tried again", "short", [rate("eventide_write_retries_total", "number")], "A second."),
                Panel("Parked", "short", [Query("max(eventide_dlq_records)", "on the DLQ")], "And not replayed yet."),
                Panel(
                    "Since the last batch",
                    "s",
                    [Query(f"time() - (eventide_last_write_timestamp_seconds{{{OURS}}} > 0)", "{{instance}}")],
                ),
                Panel("Rows rolled up", "short", [rate("eventide_rolled_rows_total", "job")], "A second."),
            ],
        ),
    ],
)


READS = Dashboard(
    "reads",
    "Read path",
    "What is asked for, how long it takes, and what that waits for, by endpoint.",
    [
        Row(
            "Endpoints",
            [
                Panel(
                    "Calls",
                    "reqps",
                    [
                        Query(
                            f"topk(15, sum by (endpoint) (rate(eventide_http_requests_total{{{OURS}}}"
                            "[$__rate_interval])))",
                            "{{endpoint}}",
                        )
                    ],
                    width=12,
                ),
                Panel(
                    "Slowest, 99th percentile",
                    "s",
                    [
                        Query(
                            "topk(15, histogram_quantile(0.99, sum by (le, endpoint) "
                            f"(rate(eventide_http_request_seconds_bucket{{{OURS}}}[$__rate_interval]))))",
                            "{{endpoint}}",
                        )
                    ],
                    width=12,
                ),
                Panel(
                    "Time to answer",
                    "s",
                    [
                        Query(
                            f"histogram_quantile({quantile}, sum by (le) "
                            f"(rate(eventide_http_request_seconds_bucket{{{OURS}}}[$__rate_interval])))",
                            f"p{quantile * 100:g}",
                        )
                        for quantile in (0.5, 0.9, 0.99)
                    ],
                ),
                Panel(
                    "Answers of 5xx",
                    "reqps",
                    [rate("eventide_http_requests_total", "endpoint, code", f'{OURS}, code=~"5.."')],
                ),
                Panel(
                    "Answers of 4xx",
                    "reqps",
                    [rate("eventide_http_requests_total", "endpoint, code", f'{OURS}, code=~"4.."')],
                ),
            ],
        ),
        Row(
            "What they wait for",
            [
                Panel(
                    "Statements of ClickHouse",
                    "s",
                    quantiles("eventide_store_seconds", "job", f'{OURS}, statement="read"'),
                ),
                Panel(
                    "Transactions of the registry",
                    "s",
                    quantiles("eventide_registry_seconds", "job", f'{OURS}, statement="read"'),
                ),
                Panel(
                    "Jobs that wait for threads",
                    "short",
                    [Query(f"sum by (job, pool) (eventide_jobs_waiting{{{OURS}}})", "{{job}} {{pool}}")],
                ),
                Panel(
                    "Reads that run and wait",
                    "short",
                    [
                        Query(f'sum by (job) (eventide_calls_running{{{OURS}, kind="read"}})', "run {{job}}"),
                        Query(f'sum by (job) (eventide_calls_waiting{{{OURS}, kind="read"}})', "wait {{job}}"),
                    ],
                ),
                Panel("Open streams", "short", [Query(f"eventide_streams{{{OURS}}}", "{{job}} {{instance}}")]),
                Panel("Delay of event loops", "s", quantiles("eventide_event_loop_delay_seconds", "job, instance")),
            ],
        ),
    ],
)
