"""The calls of MLflow that only read."""
