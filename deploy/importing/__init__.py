"""The command ``eventide import``: runs of other trackers -> tasks and events, through the HTTP API."""
