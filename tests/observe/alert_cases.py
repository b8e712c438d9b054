"""What each alert fires on: time series, and the alerts that fire at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STEP_SECONDS = 15
GATEWAY = 'job="gateway", instance="gateway-1"'
WORKER = 'job="worker", instance="worker-1"'
QUERY = 'job="query", instance="query-1"'
NOT_A_NUMBER = " ".join(["NaN"] * 40)


@dataclass(frozen=True)
class Case:
    """Series in promtool's notation, a value every STEP_SECONDS, and the alerts that fire after so many minutes."""

    name: str
    series: Mapping[str, str]
    minutes: int
    alerts: frozenset[str]


def case(name: str, minutes: int, *alerts: str, **series: str) -> Case:
    """A case. ``series``: by metric, of a gateway, or the labels before a bar."""
    named = {}
    for metric, notation in series.items():
        labels, bar, values = notation.rpartition("|")
        named[f"eventide_{metric}{{{labels if bar else GATEWAY}}}"] = values
    return Case(name, named, minutes, frozenset(f"Eventide{alert}" for alert in alerts))


def ratio(metric: str, **values: str) -> dict[str, str]:
    """Series of a metric that differ by one label: ``code__200`` is code="200"."""
    found = {}
    for key, notation in values.items():
        label, _, value = key.partition("__")
        found[f'eventide_{metric}{{{GATEWAY}, {label}="{value}"}}'] = notation
    return found


def freshness(fast: str, all_of: str) -> dict[str, str]:
    """Records that were readable within 5 s, and all."""
    return {
        f'eventide_freshness_seconds_bucket{{{WORKER}, le="5.0"}}': fast,
        f'eventide_freshness_seconds_bucket{{{WORKER}, le="+Inf"}}': all_of,
        f"eventide_freshness_seconds_count{{{WORKER}}}": all_of,
    }


def raw(name: str, minutes: int, series: Mapping[str, str], *alerts: str) -> Case:
    """A case whose series are written out."""
    return Case(name, series, minutes, frozenset(f"Eventide{alert}" for alert in alerts))


HEALTHY = raw(
    "everything is well for two hours",
    120,
    {
        f"up{{{WORKER}}}": "1x480",
        f"eventide_ready{{{GATEWAY}}}": "1x480",
        f"eventide_unapplied_seconds{{{GATEWAY}}}": "0.2x480",
        f"eventide_unapplied_records{{{GATEWAY}}}": "3x480",
        f"eventide_assigned_partitions{{{WORKER}}}": "12x480",
        f"eventide_topic_partitions{{{GATEWAY}}}": "12x480",
        f"eventide_dlq_records{{{GATEWAY}}}": "0x480",
        f"eventide_parked_records_total{{{WORKER}}}": "0x480",
        f"eventide_expired_records_total{{{WORKER}}}": "0x480",
        f"eventide_holes_total{{{WORKER}}}": "1x480",
        f"eventide_kafka_clock_skew_seconds{{{GATEWAY}}}": "-0.01x480",
        f"eventide_tls_certificate_expiry_seconds{{{GATEWAY}}}": "7776000-15x480",
        f"eventide_disk_free_bytes{{{GATEWAY}}}": "50000000000x480",
        f"eventide_disk_size_bytes{{{GATEWAY}}}": "100000000000x480",
        f'eventide_store_disk_free_bytes{{{QUERY}, disk="default"}}': "500000000000-1000000x480",
        f'eventide_store_disk_size_bytes{{{QUERY}, disk="default"}}': "1000000000000x480",
        f'eventide_store_parts{{{QUERY}, table="scalars"}}': "40x480",
        f"eventide_inflight_body_bytes{{{GATEWAY}}}": "1000000x480",
        f"eventide_inflight_body_limit_bytes{{{GATEWAY}}}": "536870912x480",
        f'eventide_jobs_waiting{{{QUERY}, pool="store-read"}}': "0x480",
        f"eventide_connections{{{GATEWAY}}}": "20x480",
        f"eventide_connections_limit{{{GATEWAY}}}": "32768x480",
        **ratio("http_requests_total", code__200="0+1000x480", code__429="0+1x480", code__503="0+1x480"),
        **ratio("events_total", result__added="0+100000x480", result__failed="0+10x480"),
        **freshness("0+999x480", "0+1000x480"),
    },
)

CASES = [
    HEALTHY,
    case("no worker", 4, "NobodyConsumes", unapplied_seconds="0+15x40", assigned_partitions=f"{WORKER}|0x40"),
    case(
        "one worker of two", 6, "PartitionsUnassigned", topic_partitions="12x40", assigned_partitions=f"{WORKER}|6x40"
    ),
    case("slow workers", 6, "Lagging", unapplied_seconds="90x40", assigned_partitions=f"{WORKER}|12x40"),
    case(
        "far behind",
        6,
        "Lagging",
        "LaggingFar",
        unapplied_seconds="1000x40",
        assigned_partitions=f"{WORKER}|12x40",
    ),
    raw("a fifth is slow", 65, freshness("0+8x300", "0+10x300"), "FreshnessBurnsFast", "FreshnessBurns"),
    raw("a tenth is slow", 65, freshness("0+9x300", "0+10x300"), "FreshnessBurns"),
    case("a worker parks", 5, "DlqGrowing", parked_records_total=f"{WORKER}|0x10 3x30"),
    case("the DLQ grows, and its worker is gone", 5, "DlqGrowing", dlq_records="0x10 5x30"),
    case("an old DLQ", 90, "DlqNotEmpty", dlq_records="5x400"),
    case("retention was faster", 5, "RecordsExpired", expired_records_total=f"{WORKER}|0x10 7x30"),
    case("workers come and go", 10, "RecordsSkipped", holes_total=f"{WORKER}|0+1x40"),
    raw("a process is gone", 3, {f"up{{{WORKER}}}": "0x20"}, "Down"),
    case("a process is not ready", 6, "NotReady", ready="0x40"),
    case("Kafka is away", 3, "KafkaUnreachable", unapplied_records=NOT_A_NUMBER),
    raw("Kafka takes nothing", 7, ratio("produce_errors_total", error__timeout="0+1x60"), "KafkaFailing"),
    case("ClickHouse is away", 7, "ClickHouseFailing", store_errors_total=f'{WORKER}, number="0"|0+1x60'),
    case("PostgreSQL is away", 7, "RegistryFailing", registry_errors_total=f'{GATEWAY}, statement="read"|0+1x60'),
    case("a clock is slow", 6, "ClockSkew", kafka_clock_skew_seconds="20x40"),
    case("a clock is fast", 6, "ClockSkew", kafka_clock_skew_seconds="-20x40"),
    case("a certificate of ten days", 1, "CertificateExpires", tls_certificate_expiry_seconds="864000x10"),
    case(
        "a certificate of an hour",
        1,
        "CertificateExpires",
        "CertificateExpiresNow",
        tls_certificate_expiry_seconds="3600x10",
    ),
    raw("5 % are 503", 7, ratio("http_requests_total", code__200="0+95x60", code__503="0+5x60"), "ServerErrors"),
    raw("half are 429", 18, ratio("http_requests_total", code__200="0+9x100", code__429="0+9x100"), "CallsRefused"),
    raw(
        "half is refused", 18, ratio("events_total", result__added="0+9x100", result__failed="0+9x100"), "EventsRefused"
    ),
    case("a disk fills", 6, "DiskFills", disk_free_bytes="10000000000x40", disk_size_bytes="100000000000x40"),
    case(
        "a disk is full", 6, "DiskFills", "DiskFull", disk_free_bytes="1000000000x40", disk_size_bytes="100000000000x40"
    ),
    case(
        "ClickHouse's disk fills",
        17,
        "ClickHouseDiskFills",
        store_disk_free_bytes=f'{QUERY}, disk="default"|100000000000x100',
        store_disk_size_bytes=f'{QUERY}, disk="default"|1000000000000x100',
    ),
    case(
        "ClickHouse's disk is full",
        17,
        "ClickHouseDiskFills",
        "ClickHouseDiskFull",
        store_disk_free_bytes=f'{QUERY}, disk="default"|10000000000x100',
        store_disk_size_bytes=f'{QUERY}, disk="default"|1000000000000x100',
    ),
    case(
        "ClickHouse's disk will be full in two hours",
        17,
        "ClickHouseDiskFull",
        store_disk_free_bytes=f'{QUERY}, disk="default"|800000000000-1500000000x100',
        store_disk_size_bytes=f'{QUERY}, disk="default"|1000000000000x100',
    ),
    case("merges are late", 11, "ClickHouseParts", store_parts=f'{QUERY}, table="scalars"|1500x60'),
    case(
        "large bodies",
        6,
        "BodiesFillMemory",
        inflight_body_bytes="500000000x40",
        inflight_body_limit_bytes="536870912x40",
    ),
    case("threads are short", 11, "ThreadsBusy", jobs_waiting=f'{QUERY}, pool="store-read"|3x60'),
    raw(
        "the event loop computes",
        16,
        {
            f'eventide_event_loop_delay_seconds_bucket{{{GATEWAY}, le="{le}"}}': values
            for le, values in (("0.1", "0+1x80"), ("0.5", "0+10x80"), ("+Inf", "0+10x80"))
        },
        "EventLoopSlow",
    ),
    case("connections are short", 6, "ConnectionsUsed", connections="95x40", connections_limit="100x40"),
    case(
        "connections to PostgreSQL are short",
        6,
        "ConnectionsUsed",
        registry_connections=f'{QUERY}, state="used"|20x40',
        registry_connections_limit=f"{QUERY}|20x40",
    ),
]
