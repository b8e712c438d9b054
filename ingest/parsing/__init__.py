"""Request bodies -> columns of events by type, and refused events counted by reason."""
