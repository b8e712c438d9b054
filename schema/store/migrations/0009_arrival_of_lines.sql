-- Lines as they came: of a record that was parked and replayed, the place at which it came again, which who follows a log has
-- not read yet. All other lines came where they are.
ALTER TABLE logs ADD COLUMN IF NOT EXISTS arrived UInt64 DEFAULT seq CODEC(DoubleDelta, ZSTD(1));
