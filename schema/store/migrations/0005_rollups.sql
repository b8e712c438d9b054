-- What is kept of every 100 iterations of a long curve (schema/events/rollups.py), made again from the rows that are stored,
-- never added to. `since` is the entity's newest deletion when that was done. Of rows of one sort key the highest
-- version wins: the mark's era in its upper half, in its lower half the seq up to which the row holds every event.

CREATE TABLE IF NOT EXISTS rollups
(
    company LowCardinality(String),
    task    LowCardinality(String),
    metric  LowCardinality(String),
    variant LowCardinality(String),
    since   UInt64 CODEC(Delta, LZ4),
    start   Int64 CODEC(Delta, LZ4),              -- the first of the iterations
    events  UInt32,
    valued  UInt32,                               -- how many of them have a value
    total   Float64,                              -- of the values as 32-bit floats, as are the next two
    lowest  Nullable(Float32),
    highest Nullable(Float32),
    first   Int64 CODEC(Delta, LZ4),              -- iteration that has an event
    last    Int64 CODEC(Delta, LZ4),
    version UInt128 CODEC(ZSTD(1))
)
ENGINE = $replacing(version)
ORDER BY (company, task, metric, variant, since, start)
SETTINGS fsync_after_insert = 1;

-- How far the roll-ups of a curve go: they hold all of its events with a seq up to `through`. An era begins with every
-- record that came after later ones (of the DLQ, replayed), at its place; roll-ups of earlier ones count no more.
CREATE TABLE IF NOT EXISTS rollup_marks
(
    company LowCardinality(String),
    task    LowCardinality(String),
    metric  LowCardinality(String),
    variant LowCardinality(String),
    since   UInt64,
    mark    SimpleAggregateFunction(max, Tuple(era UInt64, through UInt64))
)
ENGINE = $aggregating
ORDER BY (company, task, metric, variant, since)
SETTINGS fsync_after_insert = 1;
