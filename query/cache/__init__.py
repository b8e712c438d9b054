"""Caches of the read path: bounded, and kept true by the changefeed."""
