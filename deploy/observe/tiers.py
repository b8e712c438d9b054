"""The dashboards of all tiers together, and of the companies that share them."""

from __future__ import annotations

from deploy.observe.panels import LATE, NOT_APPLIED, OURS, Dashboard, Panel, Query, Row, quantiles, rate

OVERVIEW = Dashboard(
    "overview",
    "Overview",
    "Every tier at a glance: is it there, is it ready, does it keep up.",
    [
        Row(
            "Now",
            [
                Panel("Ready processes", "short", [Query("sum by (job) (eventide_ready)", "{{job}}")], kind="stat"),
                Panel(
                    "Firing alerts", "short", [Query('count(ALERTS{alertstate="firing"}) or vector(0)')], kind="stat"
                ),
                Panel(
                    "Builds",
                    "short",
                    [Query(f"count by (job, version, revision, python) (eventide_build_info{{{OURS}}})")],
                    kind="table",
                ),
            ],
        ),
        Row(
            "Calls",
            [
                Panel("Calls", "reqps", [rate("eventide_http_requests_total", "job")]),
                Panel(
                    "Answers of 5xx and 4xx",
                    "percentunit",
                    [
                        Query("eventide:http_5xx:ratio_rate5m", "5xx {{job}}"),
                        Query("eventide:http_refused:ratio_rate5m", "4xx {{job}}"),
                    ],
                ),
                Panel("Time to answer", "s", quantiles("eventide_http_request_seconds", "job")),
            ],
        ),
        Row(
            "Delivery",
            [
                Panel("Events", "short", [rate("eventide_events_total", "result")], "A second."),
                Panel("Oldest unapplied record", "s", [Query("eventide:unapplied_seconds:max", "age")], NOT_APPLIED),
                Panel("Freshness", "s", quantiles("eventide_freshness_seconds"), LATE),
            ],
        ),
        Row(
            "Processes",
            [
                Panel("CPU", "short", [rate("process_cpu_seconds_total", "job, instance")], "Cores."),
                Panel("Memory", "bytes", [Query(f"process_resident_memory_bytes{{{OURS}}}", "{{job}} {{instance}}")]),
                Panel("Delay of event loops", "s", quantiles("eventide_event_loop_delay_seconds", "job, instance")),
                Panel(
                    "Files open",
                    "percentunit",
                    [Query(f"process_open_fds{{{OURS}}} / process_max_fds{{{OURS}}}", "{{job}} {{instance}}")],
                    top=1,
                ),
                Panel(
                    "HTTP connections",
                    "percentunit",
                    [Query(f"eventide_connections{{{OURS}}} / eventide_connections_limit{{{OURS}}}", "{{instance}}")],
                    "Of those that may be open.",
                    top=1,
                ),
                Panel(
                    "Threads that work",
                    "percentunit",
                    [
                        Query(
                            f"eventide_threads_busy{{{OURS}}} / eventide_threads{{{OURS}}}",
                            "{{job}} {{pool}} {{instance}}",
                        )
                    ],
                    "Of each pool.",
                    top=1,
                ),
            ],
        ),
    ],
)


TENANTS = Dashboard(
    "tenants",
    "Tenants",
    "How companies share the processes, and which come near their quotas.",
    [
        Row(
            "Sharing",
            [
                Panel(
                    "Companies that call",
                    "short",
                    [Query(f"eventide_companies_active{{{OURS}}}", "{{job}} {{instance}}")],
                    "Within the last 10 seconds.",
                ),
                Panel(
                    "Calls that wait for their company's turn",
                    "short",
                    [Query(f"sum by (job, kind) (eventide_calls_waiting{{{OURS}}})", "{{job}} {{kind}}")],
                ),
                Panel(
                    "Calls beyond a limit",
                    "reqps",
                    [rate("eventide_http_requests_total", "endpoint", f'{OURS}, code="429"')],
                    "Of calls, streams or a quota: 429.",
                ),
            ],
        ),
        Row(
            "Quotas",
            [
                Panel(
                    "Used most",
                    "percentunit",
                    [Query("topk(20, max by (kind, scope, id) (eventide_quota_used_ratio))")],
                    kind="table",
                    width=12,
                ),
                Panel("Refusals", "reqps", [rate("eventide_quota_refusals_total", "kind, scope")], width=12),
            ],
        ),
    ],
)
