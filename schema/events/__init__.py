"""Events: accepted, normalized, and in the shapes they have on the log, in tables and in answers."""
