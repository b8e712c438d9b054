"""Revisions of the registry's schema, applied by Alembic (``schema/registry/migrate.py``)."""
