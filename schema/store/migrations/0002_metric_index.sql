-- What is there, and how it stands: one row per (entity, event type, metric, variant), written beside every insert of
-- events. All aggregates are idempotent, so that a replay changes nothing; counts and means are read from the rows.
-- Rows say under which deletions they were written: `since` the entity's newest deletion of events, `since_reset` its
-- newest deletion of everything; a reader takes only the rows of the newest. Tuples compare from the left.

CREATE TABLE IF NOT EXISTS metric_index
(
    company     LowCardinality(String),
    task        LowCardinality(String),
    event_type  LowCardinality(String),
    metric      LowCardinality(String),
    variant     LowCardinality(String),
    since       UInt64,
    since_reset UInt64,
    -- over events that have an iter; min > max if there is none
    min_iter    SimpleAggregateFunction(min, Int64),
    max_iter    SimpleAggregateFunction(max, Int64),
    timestamp   SimpleAggregateFunction(max, Int64),  -- newest, of events that have one
    received_at SimpleAggregateFunction(max, Int64),
    -- of scalars with a value; batch = seq >> 16, and batch 0 stands for "none"
    latest      SimpleAggregateFunction(max, Tuple(batch UInt64, iter Int64, timestamp Int64, seq UInt64, value Float64)),
    lowest      SimpleAggregateFunction(min, Tuple(value Float64, seq UInt64, iter Int64)),
    highest     SimpleAggregateFunction(min, Tuple(negated Float64, seq UInt64, iter Int64)),
    first       SimpleAggregateFunction(min, Tuple(batch UInt64, iter Int64, seq UInt64, value Float64)),
    label       SimpleAggregateFunction(max, Tuple(seq UInt64, text String))
)
ENGINE = $aggregating
ORDER BY (company, task, event_type, metric, variant, since, since_reset)
SETTINGS fsync_after_insert = 1, merge_selector_base = 40;

-- What was deleted: rows of an entity at or below seq are gone, whoever writes them again.
CREATE TABLE IF NOT EXISTS tombstones
(
    company     LowCardinality(String),
    task        String,
    seq         UInt64,
    scope       LowCardinality(String),  -- events, logs, or all (events and statistics)
    through     Int64,                   -- logs: only lines with a timestamp up to this (ms)
    include     Array(String),           -- logs: only of these metrics; empty: of any
    exclude     Array(String),           -- logs: not of these metrics
    deleted     UInt64,                  -- how many events it removed
    received_at Int64
)
ENGINE = $replacing
ORDER BY (company, task, seq)
SETTINGS fsync_after_insert = 1;
