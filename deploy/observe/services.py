"""The dashboards of what the tiers rely on: caches, Kafka, ClickHouse, the registry."""

from __future__ import annotations

from deploy.observe.panels import NOT_APPLIED, OURS, Dashboard, Panel, Query, Row, quantiles, rate

CACHES = Dashboard(
    "caches",
    "Caches",
    "How much each cache answers, and whether it is large enough.",
    [
        Row(
            "Use",
            [
                Panel(
                    "Hits",
                    "percentunit",
                    [
                        Query(
                            f"sum by (cache) (rate(eventide_cache_hits_total{{{OURS}}}[$__rate_interval])) / (sum by "
                            f"(cache) (rate(eventide_cache_hits_total{{{OURS}}}[$__rate_interval])) + sum by (cache) "
                            f"(rate(eventide_cache_misses_total{{{OURS}}}[$__rate_interval])))",
                            "{{cache}}",
                        )
                    ],
                    "Of all look-ups.",
                    top=1,
                ),
                Panel("Look-ups that hit", "short", [rate("eventide_cache_hits_total", "cache")], "A second."),
                Panel("Look-ups that miss", "short", [rate("eventide_cache_misses_total", "cache")], "A second."),
            ],
        ),
        Row(
            "Size",
            [
                Panel(
                    "Used of the budget",
                    "percentunit",
                    [
                        Query(
                            f"sum by (cache) (eventide_cache_size{{{OURS}}}) "
                            f"/ sum by (cache) (eventide_cache_budget{{{OURS}}} > 0)",
                            "{{cache}}",
                        )
                    ],
                    top=1,
                ),
                Panel("Evictions", "short", [rate("eventide_cache_evictions_total", "cache")], "A second."),
                Panel(
                    "Sizes",
                    "short",
                    [Query(f"sum by (cache) (eventide_cache_size{{{OURS}}})", "{{cache}}")],
                    "Each in its own unit: values, bytes, points.",
                ),
            ],
        ),
    ],
)


KAFKA = Dashboard(
    "kafka",
    "Kafka",
    "Lag, partitions and their owners, what is sent and what is parked.",
    [
        Row(
            "Lag",
            [
                Panel(
                    "Oldest unapplied record",
                    "s",
                    [Query(f"eventide_unapplied_seconds{{{OURS}}}", "{{instance}}")],
                    NOT_APPLIED,
                ),
                Panel("Lag by partition", "s", [Query("max by (partition) (eventide_lag_seconds)", "{{partition}}")]),
                Panel(
                    "Records behind, by partition",
                    "short",
                    [Query("max by (partition) (eventide_lag_records)", "{{partition}}")],
                ),
            ],
        ),
        Row(
            "Workers",
            [
                Panel(
                    "Assigned partitions",
                    "short",
                    [
                        Query(f'eventide_assigned_partitions{{{OURS}, job!~"gateway|query|files"}}', "{{instance}}"),
                        Query("max(eventide_topic_partitions)", "all"),
                    ],
                ),
                Panel(
                    "Rebalances, and ends for skipped records",
                    "short",
                    [rate("eventide_rebalances_total", "instance"), rate("eventide_holes_total", "instance")],
                    "A second.",
                ),
                Panel(
                    "Records removed unwritten",
                    "short",
                    [Query(f"sum(eventide_expired_records_total{{{OURS}}})", "records")],
                    "By retention: lost.",
                ),
            ],
        ),
        Row(
            "Producers",
            [
                Panel("Errors", "short", [rate("eventide_produce_errors_total", "error")], "A second."),
                Panel(
                    "Not acknowledged yet",
                    "short",
                    [Query(f"eventide_produce_pending_records{{{OURS}}}", "{{job}} {{instance}}")],
                ),
                Panel(
                    "Kafka's clock against ours",
                    "s",
                    [Query(f"abs(eventide_kafka_clock_skew_seconds{{{OURS}}})", "{{job}} {{instance}}")],
                ),
            ],
        ),
        Row(
            "Dead letters",
            [
                Panel("On the DLQ", "short", [Query("max(eventide_dlq_records)", "records")], "And not replayed yet."),
                Panel("Parked", "short", [rate("eventide_parked_records_total", "instance")], "A second."),
                Panel("Epoch of the topic", "short", [Query(f"eventide_topic_epoch{{{OURS}}} > 0", "{{instance}}")]),
            ],
        ),
    ],
)


CLICKHOUSE = Dashboard(
    "clickhouse",
    "ClickHouse and registry",
    "Statements by kind, disks and tables; transactions and connections of the registry.",
    [
        Row(
            "Statements",
            [
                Panel("Statements", "ops", [rate("eventide_store_seconds_count", "job, statement")]),
                Panel("Time", "s", quantiles("eventide_store_seconds", "statement")),
                Panel(
                    "Errors",
                    "ops",
                    [rate("eventide_store_errors_total", "statement, number")],
                    "By ClickHouse's number; 0: it did not answer.",
                ),
            ],
        ),
        Row(
            "Disks and tables",
            [
                Panel("Free disk", "percentunit", [Query("eventide:store_disk_free:ratio", "{{disk}}")], top=1),
                Panel("Bytes", "bytes", [Query("max by (table) (eventide_store_bytes)", "{{table}}")]),
                Panel("Rows", "short", [Query("max by (table) (eventide_store_rows)", "{{table}}")]),
                Panel("Active parts", "short", [Query("max by (table) (eventide_store_parts)", "{{table}}")]),
                Panel(
                    "Deletions to carry out",
                    "short",
                    [Query(f"max(eventide_store_mutations{{{OURS}}})", "mutations")],
                ),
                Panel("Clients", "short", [Query(f"eventide_store_connections{{{OURS}}}", "{{job}} {{instance}}")]),
                Panel(
                    "Free disk of our own processes",
                    "bytes",
                    [Query(f"eventide_disk_free_bytes{{{OURS}}}", "{{directory}} {{instance}}")],
                    "Of `eventide up`, and of a files server without a bucket.",
                ),
            ],
        ),
        Row(
            "Registry",
            [
                Panel("Transactions", "ops", [rate("eventide_registry_seconds_count", "job, statement")]),
                Panel("Time", "s", quantiles("eventide_registry_seconds", "statement")),
                Panel("Errors", "ops", [rate("eventide_registry_errors_total", "job, statement")]),
                Panel(
                    "Connections",
                    "short",
                    [Query(f"sum by (job, state) (eventide_registry_connections{{{OURS}}})", "{{job}} {{state}}")],
                ),
            ],
        ),
    ],
)
