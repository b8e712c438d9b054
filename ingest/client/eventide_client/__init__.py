"""Eventide's client: ``run = start(project, name, config)``, ``run.log({"loss/train": 0.1}, step)``, ``run.finish()``.

What is logged goes to a write-ahead spool on the disk, and from there to the server, in the background.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakSet

from eventide_client.configuration import read_configuration
from eventide_client.hyper_parameters import hyper_parameters
from eventide_client.ranks import find_place
from eventide_client.reading import read
from eventide_client.run import COMPLETED, FAILED, Run

__all__ = ["Run", "read", "start"]
__version__ = "0.1.0"

MIN_NAME_LENGTH = 3  # the server's
_runs: WeakSet[Run] = WeakSet()


def start(
    project: str,
    name: str,
    config: Mapping[str, Any] | None = None,
    *,
    tags: Sequence[str] = (),
    monitors: bool = True,
    **connection: object,
) -> Run:
    """Start a run. It needs no server: what is logged waits in the spool until there is one.

    ``config``: hyper-parameters, nested ones by ``a/b``. ``monitors``: also report what machine and GPUs do.
    ``connection``: fields of ``Configuration``, which otherwise come from the environment. Raises ValueError.
    """
    if not project.strip("/ ") or len(name.strip()) < MIN_NAME_LENGTH:
        raise ValueError(f"a project, and a name of at least {MIN_NAME_LENGTH} characters are expected")
    configuration, place = read_configuration(os.environ, **connection), find_place(project, name)
    described = {
        "id": place.run_id,
        "project": project,
        "name": name,
        "tags": list(tags),
        "hyperparams": hyper_parameters(config or {}),
        "worker": place.worker,
        "is_primary": place.rank == 0,
    }
    json.dumps(described)  # raises TypeError here, where it is understood
    run = Run(configuration, described, place, monitors=monitors and place.is_first_here)
    _runs.add(run)
    return run


def _finish_all() -> None:
    """Finish what the program has not, as it ends; an error that ends it is why."""
    error = getattr(sys, "last_value", None)
    for run in list(_runs):
        run.finish(*((FAILED, f"{type(error).__name__}: {error}") if error else (COMPLETED,)))


def _begin_anew() -> None:
    for run in list(_runs):
        run.forked()


atexit.register(_finish_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
