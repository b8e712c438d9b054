"""Pages: cursors, sizes, ranges of time."""
