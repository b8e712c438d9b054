"""How commands that are clients reach Eventide: as the environment says, or an ``up`` of this data directory."""

from __future__ import annotations

import os
from collections.abc import Mapping

from deploy import client_environment
from eventide_client.configuration import VARIABLES, Configuration, read_configuration
from schema.errors import ConfigError
from schema.settings import Settings


def client_configuration(settings: Settings, environment: Mapping[str, str] = os.environ) -> Configuration:
    """Return it. Without an address in the environment an ``up`` on the data directory is meant, if one has run.

    Raises ConfigError for an address that is none.
    """
    own = {} if any(environment.get(name) for name in VARIABLES["api"]) else _of_up(settings)
    try:
        return read_configuration(environment, **own)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _of_up(settings: Settings) -> dict[str, str]:
    try:
        known, credentials = client_environment.known(settings)
    except ConfigError:  # no ``up`` has run here: the client's own file, or its defaults
        return {}
    keys = {"access_key": credentials.access_key, "secret_key": credentials.secret_key}
    return {"api": known.api, "files": known.files, **keys}
