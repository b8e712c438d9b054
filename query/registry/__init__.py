"""What the registry answers, for tables and menus: tasks, models, projects and users."""
