"""Calls that make, change and remove what the registry holds: tasks, models, projects and users."""
