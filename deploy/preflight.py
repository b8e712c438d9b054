"""Checks of ``eventide up`` that come before anything is made on disk: a refused start leaves nothing behind."""

from __future__ import annotations

import socket

from deploy import access, components, first_start, tls
from deploy.backup.contents import check_is_whole
from schema.errors import ConfigError
from schema.settings import Settings


def check(settings: Settings) -> None:
    """Check settings before the start. Raises ConfigError, which names the setting, for what is known to be wrong."""
    _check_ports_differ(settings)
    check_is_whole(settings.data_dir)
    first_start.given_first(settings)
    first_start.given_web(settings)
    access.other_token_secrets(settings)
    tls.own_files(settings).check()
    components.unchecked_registry(settings)  # connects only when it is asked
    components.proxies(settings)
    if "://" in settings.files_store:
        components.file_store(settings)
    if settings.web_dir:
        components.web_directory(settings)
    if not first_start.lock_file(settings.data_dir).exists():  # else the lock says more: who has it has the ports, too
        _check_port_is_free(settings.host, settings.port, "EVENTIDE_PORT")
        _check_port_is_free(settings.host, settings.files_port, "EVENTIDE_FILES_PORT")


def _check_ports_differ(settings: Settings) -> None:
    """Check that ports differ; port 0 is any free one, so two of them do."""
    if settings.port and settings.port == settings.files_port:
        raise ConfigError(f"EVENTIDE_PORT and EVENTIDE_FILES_PORT are both {settings.port}: set one to another port")


def _check_port_is_free(host: str, port: int, variable: str) -> None:
    """Bind each address of the host for a moment. Raises ConfigError if one cannot be had."""
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        raise ConfigError(f"Cannot listen on {host}:{port} ({variable}): {error.strerror}") from error
