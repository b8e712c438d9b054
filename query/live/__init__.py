"""Streams of what is new of some tasks: one loop watches for all of them."""
