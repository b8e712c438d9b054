"""Backups of ``eventide up``: what one consists of, how it is made while events come in, and how it is restored."""
