"""The calls of trackio that change something."""
