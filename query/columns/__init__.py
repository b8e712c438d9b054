"""Events as columns, streamed: Arrow, Parquet and CSV (API contract 6.9)."""
