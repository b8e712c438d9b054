"""The read path: one family of endpoints per file."""
