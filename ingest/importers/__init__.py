"""Readers of other trackers' files, a module a format: each yields runs, and the parts of a run as a stream."""
