"""Tables of tasks: columns of choice, sorted and filtered by a language of their own, in one call."""
