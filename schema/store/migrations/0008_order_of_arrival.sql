-- What came last, by no clock: times of receipt are those of several gateways, whose clocks differ, and timestamps are the
-- clients'. `arrived` is the seq of the newest event or, of a record that was parked and replayed, of the place at which it
-- came again; 0 in rows of before.
ALTER TABLE metric_index ADD COLUMN IF NOT EXISTS arrived SimpleAggregateFunction(max, UInt64) AFTER received_at;
