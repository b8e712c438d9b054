"""What is remembered between requests: answers, what the metric index says, and what was deleted."""
