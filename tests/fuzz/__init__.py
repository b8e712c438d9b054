"""Fuzzers: each is a program that prints its seed, and a test that runs it for some seconds."""
