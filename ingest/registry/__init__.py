"""Endpoints that make, change and remove tasks, models, projects and users."""
