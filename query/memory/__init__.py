"""What is remembered between requests: answers, what is known of entities, curves, the ends of logs."""
