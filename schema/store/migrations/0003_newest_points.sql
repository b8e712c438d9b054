-- What was written since a place in the order of writing is found without reading the older points of the same curves.
ALTER TABLE scalars ADD INDEX IF NOT EXISTS newest seq TYPE minmax GRANULARITY 1;
