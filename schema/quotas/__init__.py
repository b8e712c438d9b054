"""Quotas: limits of companies, projects and users, and how much of them is used."""
