"""The calls of MLflow that change something."""
