"""Where an import goes: the server of the environment, the ``eventide up`` of the data directory, or one of its own."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from deploy import first_start
from deploy.client_environment import Addresses, addresses, kept_addresses
from deploy.data_directory import ADDRESSES
from deploy.first_start import Credentials
from deploy.importing.api import Target
from schema.errors import ConfigError, Unavailable
from schema.settings import Settings

START_SECONDS, END_SECONDS, POLL_SECONDS = 90.0, 60.0, 0.1
OWN_FILES = "/files"  # below it the API's origin has the same files

logger = logging.getLogger("eventide.import")


@contextmanager
def target(settings: Settings, environment: Mapping[str, str]) -> Iterator[Target]:
    """Yield the server to import into. Raises ConfigError and Unavailable."""
    if given := given_target(environment):
        yield given
    elif is_running(settings):
        known = kept_addresses(settings.data_dir)
        yield _as_first_user(first_start.first_credentials(settings), known, known.files)
    else:
        usual = addresses(settings.host, settings.port, settings.files_port)
        with _own_server(settings) as known:
            yield _as_first_user(first_start.first_credentials(settings), known, usual.files)


def given_target(environment: Mapping[str, str]) -> Target | None:
    """Return the server that the environment names, as ``eventide env`` and the ClearML SDK do. Raises ConfigError."""
    api = (environment.get("EVENTIDE") or environment.get("CLEARML_API_HOST") or "").rstrip("/")
    if not api:
        return None
    access_key, _, secret_key = environment.get("KEYS", "").partition(":")
    access_key = environment.get("CLEARML_API_ACCESS_KEY") or access_key
    secret_key = environment.get("CLEARML_API_SECRET_KEY") or secret_key
    if not access_key or not secret_key:
        raise ConfigError(f"{api}: CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY are not set")
    files = (environment.get("CLEARML_FILES_HOST") or f"{api}{OWN_FILES}").rstrip("/")
    return Target(api, files, access_key, secret_key, files)


def is_running(settings: Settings) -> bool:
    """Tell whether a process has the data directory."""
    try:
        first_start.lock_directory(settings.data_dir).close()
    except ConfigError:
        return (settings.data_dir / ADDRESSES).exists()
    return False


def _as_first_user(credentials: Credentials, known: Addresses, stored_files: str) -> Target:
    """Return the target at some addresses. ``stored_files``: the address of the files in the long run."""
    return Target(known.api, known.files, credentials.access_key, credentials.secret_key, stored_files)


@contextmanager
def _own_server(settings: Settings) -> Iterator[Addresses]:
    """Run ``eventide up`` on free ports of the loopback address, until the import has ended."""
    before = _read(settings.data_dir / ADDRESSES)
    command = [sys.executable, "-m", "deploy", "up", "--host", "127.0.0.1", "--port", "0", "--files-port", "0"]
    command += ["--data-dir", str(settings.data_dir), "--log-level", "warning"]
    (settings.data_dir / ADDRESSES).unlink(missing_ok=True)
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
        )
        try:
            yield _started(settings, process, log)
        finally:
            _end(process)
            _write(settings.data_dir / ADDRESSES, before)


def _started(settings: Settings, process: subprocess.Popen[bytes], log: IO[bytes]) -> Addresses:
    """Wait until a server answers. Raises Unavailable if it ends, or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            log.seek(0)
            raise Unavailable(f"`eventide up` ended with {process.returncode}: {log.read()[-1000:].decode()}")
        with suppress(OSError, ValueError):
            known = kept_addresses(settings.data_dir)
            with urllib.request.urlopen(f"{known.api}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return known
        time.sleep(POLL_SECONDS)
    raise Unavailable(f"`eventide up` on {settings.data_dir} was not ready in {START_SECONDS:.0f} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        logger.warning("`eventide up` did not end in %s s and is killed; nothing acknowledged is lost", END_SECONDS)
        process.kill()
        process.wait()


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _write(path: Path, content: bytes | None) -> None:
    """Make a file what it was before: the addresses of an earlier ``up`` are those that it has the next time."""
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)
