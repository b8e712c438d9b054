"""``eventide export``: projects as folders of files (docs/export.md)."""
