"""Roll-ups of long curves: when they are due, and how they are made."""
