-- The five event tables. Rows of one sort key are one event; the highest seq wins. Everything leads with company and task.
-- $replacing and $aggregating become the engine of a single server or of a replicated cluster.
-- A task is a number in each part's dictionary: to compare one with a constant, row by row, took half of a long curve's time.
-- merge_selector_base 40 instead of 5: merges took half of all time of a stream of small inserts, now a third.

CREATE TABLE IF NOT EXISTS scalars
(
    company       LowCardinality(String),
    task          LowCardinality(String),
    metric        LowCardinality(String),
    variant       LowCardinality(String),
    iter          Int64 CODEC(DoubleDelta, ZSTD(1)),
    has_iter      Bool,
    discriminator LowCardinality(String),
    timestamp     Int64 CODEC(DoubleDelta, ZSTD(1)),
    worker        LowCardinality(String),
    model_event   Bool,
    value         Nullable(Float64) CODEC(Gorilla, ZSTD(1)),
    x_axis_label  LowCardinality(Nullable(String)),
    extras        String CODEC(ZSTD(1)),
    received_at   Int64 CODEC(DoubleDelta, ZSTD(1)),
    seq           UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = $replacing(seq)
ORDER BY (company, task, metric, variant, iter, discriminator)
SETTINGS fsync_after_insert = 1, merge_selector_base = 40;

CREATE TABLE IF NOT EXISTS vectors
(
    company       LowCardinality(String),
    task          LowCardinality(String),
    metric        LowCardinality(String),
    variant       LowCardinality(String),
    iter          Int64 CODEC(DoubleDelta, ZSTD(1)),
    has_iter      Bool,
    discriminator LowCardinality(String),
    timestamp     Int64 CODEC(DoubleDelta, ZSTD(1)),
    worker        LowCardinality(String),
    model_event   Bool,
    value         Nullable(String) CODEC(ZSTD(1)),
    extras        String CODEC(ZSTD(1)),
    received_at   Int64 CODEC(DoubleDelta, ZSTD(1)),
    seq           UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = $replacing(seq)
ORDER BY (company, task, metric, variant, iter, discriminator)
SETTINGS fsync_after_insert = 1, merge_selector_base = 40;

CREATE TABLE IF NOT EXISTS debug_images
(
    company       LowCardinality(String),
    task          LowCardinality(String),
    metric        LowCardinality(String),
    variant       LowCardinality(String),
    iter          Int64 CODEC(DoubleDelta, ZSTD(1)),
    has_iter      Bool,
    discriminator String CODEC(ZSTD(1)),
    timestamp     Int64 CODEC(DoubleDelta, ZSTD(1)),
    worker        LowCardinality(String),
    model_event   Bool,
    url           Nullable(String) CODEC(ZSTD(1)),
    extras        String CODEC(ZSTD(1)),
    received_at   Int64 CODEC(DoubleDelta, ZSTD(1)),
    seq           UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = $replacing(seq)
ORDER BY (company, task, metric, variant, iter, discriminator)
SETTINGS fsync_after_insert = 1, merge_selector_base = 40;

-- A plot may be 10 MB: small granules, so that few are read to find one.
CREATE TABLE IF NOT EXISTS plots
(
    company       LowCardinality(String),
    task          LowCardinality(String),
    metric        LowCardinality(String),
    variant       LowCardinality(String),
    iter          Int64 CODEC(DoubleDelta, ZSTD(1)),
    has_iter      Bool,
    discriminator LowCardinality(String),
    timestamp     Int64 CODEC(DoubleDelta, ZSTD(1)),
    worker        LowCardinality(String),
    model_event   Bool,
    plot_str      Nullable(String) CODEC(ZSTD(1)),
    source_urls   Array(String) CODEC(ZSTD(1)),
    valid_plot    Nullable(Bool),
    extras        String CODEC(ZSTD(1)),
    received_at   Int64 CODEC(DoubleDelta, ZSTD(1)),
    seq           UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = $replacing(seq)
ORDER BY (company, task, metric, variant, iter, discriminator)
SETTINGS fsync_after_insert = 1, merge_selector_base = 40, index_granularity = 64;

-- A line's identity is (batch_id, line); the timestamp stands before it so that pages are read in the table's order.
-- Small granules: a page is of 500 lines or so, and those that a search reads are found among them by an index.
CREATE TABLE IF NOT EXISTS logs
(
    company       LowCardinality(String),
    task          LowCardinality(String),
    timestamp     Int64 CODEC(DoubleDelta, ZSTD(1)),
    batch_id      FixedString(16) CODEC(ZSTD(1)),
    line          UInt32 CODEC(DoubleDelta, ZSTD(1)),
    metric        LowCardinality(String),
    variant       LowCardinality(String),
    iter          Int64 CODEC(DoubleDelta, ZSTD(1)),
    has_iter      Bool,
    discriminator LowCardinality(String),
    worker        LowCardinality(String),
    model_event   Bool,
    level         LowCardinality(Nullable(String)),
    msg           Nullable(String) CODEC(ZSTD(1)),
    extras        String CODEC(ZSTD(1)),
    received_at   Int64 CODEC(DoubleDelta, ZSTD(1)),
    seq           UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = $replacing(seq)
ORDER BY (company, task, timestamp, batch_id, line)
SETTINGS fsync_after_insert = 1, merge_selector_base = 40, index_granularity = 1024;
