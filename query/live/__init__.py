"""Streams of live updates of tasks: one hub reads for all of them."""
