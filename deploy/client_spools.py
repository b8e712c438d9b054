"""The command ``eventide sync``: what trainings left in their spools is sent."""

from __future__ import annotations

from pathlib import Path

from deploy.client_connection import client_configuration
from eventide_client.sync import sync as send_spools
from schema.errors import ConfigError, Unavailable
from schema.settings import Settings


def sync(settings: Settings, place: str | None, wait: float) -> None:
    """Send all spools below a folder. Raises ConfigError, and Unavailable if something is left."""
    configuration = client_configuration(settings)
    root = Path(place) if place else configuration.spool
    if place and not root.is_dir():
        raise ConfigError(f"{root} is no folder")
    if left := send_spools(root, configuration, wait):
        raise Unavailable(f"{left} spools are left in {root}")
