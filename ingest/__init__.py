"""The write path: gateway -> log -> worker -> writer -> store."""
