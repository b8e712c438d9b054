"""Endpoints that read tasks, models, projects and users, for tables and menus."""
